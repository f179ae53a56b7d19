//! Resources of a group version, as the facts have them.

use catena_facts::ResourceFact;
use catena_objects::{Map, Value};

/// An `APIResourceList`; `None` for group versions without resources.
pub(crate) fn resource_list(group: &str, version: &str) -> Option<Value> {
    let items: Vec<Value> = catena_facts::resources()
        .iter()
        .filter(|r| r.group == group && r.version == version)
        .map(entry)
        .collect();
    if items.is_empty() {
        return None;
    }
    let mut list = Map::new();
    list.insert("resources", items);
    Some(list.into())
}

fn entry(r: &ResourceFact) -> Value {
    let mut m = Map::new();
    let name = match r.subresource {
        "" => r.plural.to_owned(),
        sub => format!("{}/{sub}", r.plural),
    };
    m.insert("name", name);
    m.insert("namespaced", r.namespaced);
    m.insert("kind", r.kind);
    if (r.kind_group, r.kind_version) != (r.group, r.version) {
        m.insert("group", r.kind_group);
        m.insert("version", r.kind_version);
    }
    let verbs: Vec<Value> = r.verbs.iter().map(|v| Value::from(*v)).collect();
    m.insert("verbs", verbs);
    m.into()
}
