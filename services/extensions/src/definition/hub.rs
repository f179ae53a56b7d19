//! A definition as the server's hub version sees it: what all versions have in
//! common stands at the top, under older names, and messages name it there.

use catena_objects::{Map, Value};

use super::versions;

/// Which parts all versions share (one version shares everything with itself).
pub(super) struct Hub<'a> {
    pub(super) versions: &'a [Value],
    pub(super) schema: bool,
    pub(super) subresources: bool,
    pub(super) columns: bool,
    pub(super) selectable: bool,
}

impl<'a> Hub<'a> {
    pub(super) fn of(definition: &'a Value) -> Self {
        let versions = versions(definition);
        let shared = |key: &str| {
            let part = |v: &'a Value| v.get(key).filter(|p| !empty(p));
            versions
                .split_first()
                .is_some_and(|(first, rest)| rest.iter().all(|v| part(v) == part(first)))
        };
        Self {
            versions,
            schema: shared("schema"),
            subresources: shared("subresources"),
            columns: shared("additionalPrinterColumns"),
            selectable: shared("selectableFields"),
        }
    }

    /// `spec.versions` as a message shows it, with the names of Go's fields.
    pub(super) fn show_versions(&self, given: Option<&Value>) -> Value {
        if given.is_none_or(Value::is_null) {
            return Value::Null;
        }
        let list: Vec<Value> = self.versions.iter().map(|v| self.show_version(v)).collect();
        list.into()
    }

    fn show_version(&self, v: &Value) -> Value {
        let part = |key: &str, shared: bool| match v.get(key).filter(|_| !shared) {
            Some(p) if !empty(p) => capitalized(p),
            _ => Value::Null,
        };
        let mut m = Map::new();
        m.insert("Name", v.str_at(&["name"]));
        m.insert("Served", v.bool_at(&["served"]).unwrap_or(false));
        m.insert("Storage", v.bool_at(&["storage"]).unwrap_or(false));
        m.insert("Deprecated", v.bool_at(&["deprecated"]).unwrap_or(false));
        m.insert(
            "DeprecationWarning",
            v.get("deprecationWarning").cloned().unwrap_or_default(),
        );
        m.insert("Schema", part("schema", self.schema));
        m.insert("Subresources", part("subresources", self.subresources));
        m.insert(
            "AdditionalPrinterColumns",
            part("additionalPrinterColumns", self.columns),
        );
        m.insert(
            "SelectableFields",
            part("selectableFields", self.selectable),
        );
        m.into()
    }
}

fn empty(v: &Value) -> bool {
    v.is_null() || v.as_array().is_some_and(<[Value]>::is_empty)
}

/// Go's names of the members; what Go would print of absent ones is left out.
fn capitalized(v: &Value) -> Value {
    match v {
        Value::Object(m) => {
            let mut out = Map::new();
            for (key, v) in m.iter() {
                let mut chars = key.chars();
                let head = chars.next().map(|c| c.to_ascii_uppercase());
                let name: String = head.into_iter().chain(chars).collect();
                out.insert(name, capitalized(v));
            }
            out.into()
        }
        Value::Array(items) => items.iter().map(capitalized).collect::<Vec<_>>().into(),
        other => other.clone(),
    }
}
