//! The v3 document of one group version.

use std::collections::BTreeMap;

use bytes::Bytes;
use catena_objects::{Map, Value, json};

use crate::{
    custom,
    definitions::Definitions,
    descriptions, facts,
    names::definition,
    paths::{self, Common, Kind, Place, Resource},
    v2::V2,
};

const META: &str = "k8s.io.apimachinery.pkg.apis.meta.v1";

/// A kind of a custom resource in the version of the document.
#[derive(Clone, Copy, Debug)]
pub struct CustomKind<'a> {
    pub kind: &'a str,
    pub list_kind: &'a str,
    /// `openAPIV3Schema` of the version; null for none.
    pub schema: &'a Value,
}

/// The document of a group version of built-in kinds, with every resource that the
/// facts have of it; `None` when they have none.
pub fn builtin_v3(group: &str, version: &str) -> Option<Bytes> {
    let resources = facts::resource_list(group, version)?;
    let document = document(group, version, &resources, &[]);
    Some(json::to_vec(&document).into())
}

/// The v2 document of group versions of built-in kinds.
pub fn builtin_v2(group_versions: &[(&str, &str)]) -> Bytes {
    let mut all = V2::default();
    for (group, version) in group_versions {
        if let Some(resources) = facts::resource_list(group, version) {
            all.add_v3(&document(group, version, &resources, &[]));
        }
    }
    json::to_vec(&all.into_value()).into()
}

/// The document of a group version of custom resources.
pub fn custom_v3(group: &str, version: &str, resources: &Value, kinds: &[CustomKind<'_>]) -> Bytes {
    json::to_vec(&document(group, version, resources, kinds)).into()
}

/// The same as a tree.
pub fn document(group: &str, version: &str, resources: &Value, kinds: &[CustomKind<'_>]) -> Value {
    let texts = descriptions::of(group, version);
    let mut definitions = Definitions::new(group, version, &texts);
    let common = Common {
        delete_options: definitions.refer(&format!("{META}.DeleteOptions")),
        status: definitions.refer(&format!("{META}.Status")),
        patch: definitions.refer(&format!("{META}.Patch")),
    };
    definitions.refer(&format!("{META}.APIResourceList"));
    if !kinds.is_empty() {
        custom::define(&mut definitions, group, version, kinds);
    }
    let place = Place {
        group,
        version,
        common: &common,
    };
    let mut paths = BTreeMap::new();
    let list = definition(&format!("{META}.APIResourceList"));
    paths.insert(
        format!("{}/", place.root()),
        paths::discovery(&place, &list),
    );
    let items = resources.items_at(&["resources"]);
    let watched = |e: &Value| {
        e.items_at(&["verbs"])
            .iter()
            .any(|v| v.as_str() == Some("watch"))
    };
    if items.iter().any(watched) {
        definitions.refer(&format!("{META}.WatchEvent"));
    }
    for entry in items {
        let own = kinds.iter().find(|k| k.kind == entry.str_at(&["kind"]));
        if let Some(r) = resource(entry, items, &place, own, &mut definitions) {
            paths.extend(place.paths(&r));
        }
    }
    let mut all = Map::with_capacity(paths.len());
    for (path, item) in paths {
        all.insert(path, item);
    }
    let mut components = Map::new();
    components.insert("schemas", definitions.into_map());
    components.insert("securitySchemes", security());
    let mut m = Map::new();
    m.insert("openapi", "3.0.0");
    m.insert("info", info());
    m.insert("paths", all);
    m.insert("components", components);
    m.into()
}

pub(crate) fn info() -> Value {
    let mut m = Map::new();
    m.insert("title", "Kubernetes");
    m.insert("version", "unversioned");
    m.into()
}

fn security() -> Value {
    let mut token = Map::new();
    token.insert("description", "Bearer Token authentication");
    token.insert("in", "header");
    token.insert("name", "authorization");
    token.insert("type", "apiKey");
    let mut m = Map::new();
    m.insert("BearerToken", token);
    m.into()
}

/// An entry of the list with the schemas of its kind.
fn resource<'a>(
    entry: &'a Value,
    all: &[Value],
    place: &Place<'_>,
    own: Option<&CustomKind<'_>>,
    definitions: &mut Definitions<'_>,
) -> Option<Resource<'a>> {
    let name = entry.str_at(&["name"]);
    let (plural, subresource) = name.split_once('/').unwrap_or((name, ""));
    let or = |key: &str, default: &str| match entry.str_at(&[key]) {
        // A kind of the core group has a version and no group.
        "" if key == "group" && !entry.str_at(&["version"]).is_empty() => String::new(),
        "" => default.to_owned(),
        given => given.to_owned(),
    };
    let (group, version) = (or("group", place.group), or("version", place.version));
    let kind = entry.str_at(&["kind"]).to_owned();
    let foreign = group != place.group || version != place.version;
    let (object, list) = match own.filter(|_| !foreign) {
        Some(k) => custom::references(place.group, place.version, k),
        None => {
            let object = definitions.refer_kind(&group, &version, &kind)?;
            let list = format!("{kind}List");
            (object, definitions.refer_kind(&group, &version, &list))
        }
    };
    let parent = all
        .iter()
        .find(|e| e.str_at(&["name"]) == plural)
        .map_or(kind.as_str(), |e| e.str_at(&["kind"]))
        .to_owned();
    Some(Resource {
        plural,
        subresource,
        namespaced: entry.bool_at(&["namespaced"]) == Some(true),
        verbs: entry
            .items_at(&["verbs"])
            .iter()
            .filter_map(Value::as_str)
            .collect(),
        custom: own.is_some(),
        kind: Kind {
            group,
            version,
            kind,
            object,
            list,
        },
        parent,
    })
}
