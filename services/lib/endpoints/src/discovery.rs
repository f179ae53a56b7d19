//! Discovery documents of a server: groups, versions, resources.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use catena_delegate::{GroupVersion, Request, Response};
use catena_objects::{Map, Value, json};

use crate::{
    body::api_version,
    encode, negotiate,
    server::{Resources, Served},
};

/// The document that a non-resource path names, if it is one of this server's.
pub fn document(resources: &dyn Resources, request: &Request) -> Option<Response> {
    let parts: Vec<&str> = request.path.trim_matches('/').split('/').collect();
    let v = match parts.as_slice() {
        ["api"] => {
            let versions = resources.versions("");
            if versions.is_empty() {
                return None;
            }
            api_versions(&versions)
        }
        ["api", version] => resource_list(resources, "", version)?,
        ["apis", group] => group_document(group, &resources.versions(group))?,
        ["apis", group, version] => resource_list(resources, group, version)?,
        ["openapi", "v2"] => {
            return Some(Response::json(200, resources.openapi_v2()));
        }
        ["openapi", "v3", "api", version] => {
            return resources
                .openapi_v3("", version)
                .map(|b| Response::json(200, b));
        }
        ["openapi", "v3", "apis", group, version] => {
            return resources
                .openapi_v3(group, version)
                .map(|b| Response::json(200, b));
        }
        _ => return None,
    };
    if request.method != "GET" {
        let s = catena_objects::Status::method_not_allowed();
        return Some(encode::failure(request.header("accept"), &s));
    }
    let output = match negotiate::plain(request.header("accept")) {
        Ok(o) => o,
        Err(s) => return Some(encode::failure("", &s)),
    };
    Some(match encode::value(&output, &v) {
        Ok(bytes) => Response::new(200, output.format.content_type(), bytes),
        Err(s) => encode::failure(request.header("accept"), &s),
    })
}

fn api_versions(versions: &[String]) -> Value {
    let mut m = Map::new();
    m.insert("kind", "APIVersions");
    m.insert("versions", strings(versions));
    m.insert("serverAddressByClientCIDRs", Vec::new());
    m.into()
}

fn strings(list: &[String]) -> Vec<Value> {
    list.iter().map(|s| Value::from(s.as_str())).collect()
}

/// `APIGroup` of a group with these versions, preferred first.
pub fn group_document(group: &str, versions: &[String]) -> Option<Value> {
    let preferred = versions.first()?;
    let entry = |v: &String| {
        let mut m = Map::new();
        m.insert("groupVersion", api_version(group, v));
        m.insert("version", v.as_str());
        Value::from(m)
    };
    let mut m = Map::new();
    m.insert("kind", "APIGroup");
    m.insert("apiVersion", "v1");
    m.insert("name", group);
    m.insert("versions", versions.iter().map(entry).collect::<Vec<_>>());
    m.insert("preferredVersion", entry(preferred));
    Some(m.into())
}

/// `APIResourceList` of a group version.
pub fn resource_list(resources: &dyn Resources, group: &str, version: &str) -> Option<Value> {
    let served = resources.list(group, version);
    if served.is_empty() && !resources.claims(group, version) {
        return None;
    }
    let mut items = Vec::new();
    for s in &served {
        items.push(resource_entry(s));
        items.extend(subresource_entries(s, group));
    }
    items.sort_by(|a, b| a.str_at(&["name"]).cmp(b.str_at(&["name"])));
    let mut m = Map::new();
    m.insert("kind", "APIResourceList");
    if !group.is_empty() {
        m.insert("apiVersion", "v1");
    }
    m.insert("groupVersion", api_version(group, version));
    m.insert("resources", items);
    Some(m.into())
}

fn resource_entry(s: &Served) -> Value {
    let r = &s.store.resource;
    let mut m = Map::new();
    m.insert("name", r.plural.as_str());
    m.insert("singularName", r.singular.as_str());
    m.insert("namespaced", r.namespaced);
    m.insert("kind", r.kind.as_str());
    let mut verbs = r.verbs.clone();
    verbs.sort();
    m.insert("verbs", strings(&verbs));
    if !r.short_names.is_empty() {
        m.insert("shortNames", strings(&r.short_names));
    }
    if !r.categories.is_empty() {
        m.insert("categories", strings(&r.categories));
    }
    // What is made up when it is asked for is not stored in any version.
    let stored = r.verbs.iter().any(|v| v == "delete");
    if stored && r.handlers.iter().all(|(name, _)| !name.is_empty()) {
        m.insert("storageVersionHash", storage_version_hash(r));
    }
    m.into()
}

/// `discovery.StorageVersionHash`: changes when objects are stored in another version.
fn storage_version_hash(r: &catena_registry::Resource) -> String {
    let version = &r.versions[r.storage_version].name;
    let text = format!("{}/{version}/{}", r.storage_group(), r.kind);
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    BASE64.encode(&hash.as_ref()[..8])
}

/// Name, group, version, kind and verbs of each subresource.
fn subresources(s: &Served) -> Vec<(String, String, String, String, Vec<String>)> {
    let r = &s.store.resource;
    let own = &s.version().name;
    let mut out = Vec::new();
    for name in &r.subresources {
        let verbs: &[&str] = if name == "finalize" {
            &["update"]
        } else {
            &["get", "patch", "update"]
        };
        out.push((
            name.clone(),
            r.group.clone(),
            own.clone(),
            r.kind.clone(),
            owned(verbs),
        ));
    }
    if r.scale.is_some() {
        out.push((
            "scale".to_owned(),
            "autoscaling".to_owned(),
            "v1".to_owned(),
            "Scale".to_owned(),
            owned(&["get", "patch", "update"]),
        ));
    }
    for (name, handler) in r.handlers.iter().filter(|(n, _)| !n.is_empty()) {
        let (group, version, kind) = handler.kind();
        out.push((
            name.clone(),
            group.into(),
            version.into(),
            kind.into(),
            owned(&["create"]),
        ));
    }
    for connect in &r.connects {
        let kind = connect.kind.clone();
        let (group, version) = (r.group.clone(), own.clone());
        out.push((
            connect.name.clone(),
            group,
            version,
            kind,
            connect.verbs.clone(),
        ));
    }
    out
}

fn owned(verbs: &[&str]) -> Vec<String> {
    verbs.iter().map(|v| (*v).to_owned()).collect()
}

fn subresource_entries(s: &Served, group: &str) -> Vec<Value> {
    let r = &s.store.resource;
    subresources(s)
        .into_iter()
        .map(|(name, g, v, kind, verbs)| {
            let mut m = Map::new();
            m.insert("name", format!("{}/{name}", r.plural));
            m.insert("singularName", "");
            m.insert("namespaced", r.namespaced);
            if g != group {
                m.insert("group", g);
                m.insert("version", v);
            }
            m.insert("kind", kind);
            m.insert("verbs", strings(&verbs));
            m.into()
        })
        .collect()
}

/// `APIVersionDiscovery` of a group version.
pub fn version_discovery(resources: &dyn Resources, group: &str, version: &str) -> Value {
    let mut items: Vec<Value> = resources
        .list(group, version)
        .iter()
        .map(|s| resource_discovery(s, group, version))
        .collect();
    items.sort_by(|a, b| a.str_at(&["resource"]).cmp(b.str_at(&["resource"])));
    let mut m = Map::new();
    m.insert("version", version);
    m.insert("resources", items);
    m.insert("freshness", "Current");
    m.into()
}

fn kind_value(group: &str, version: &str, kind: &str) -> Value {
    let mut m = Map::new();
    m.insert("group", group);
    m.insert("version", version);
    m.insert("kind", kind);
    m.into()
}

fn resource_discovery(s: &Served, group: &str, version: &str) -> Value {
    let r = &s.store.resource;
    let mut verbs = r.verbs.clone();
    verbs.sort();
    let mut m = Map::new();
    m.insert("resource", r.plural.as_str());
    // Of the group version that the document is about.
    m.insert("responseKind", kind_value("", "", &r.kind));
    m.insert(
        "scope",
        if r.namespaced {
            "Namespaced"
        } else {
            "Cluster"
        },
    );
    m.insert("singularResource", r.singular.as_str());
    m.insert("verbs", strings(&verbs));
    if !r.short_names.is_empty() {
        m.insert("shortNames", strings(&r.short_names));
    }
    if !r.categories.is_empty() {
        m.insert("categories", strings(&r.categories));
    }
    let mut subs: Vec<Value> = subresources(s)
        .into_iter()
        .map(|(name, g, v, kind, verbs)| {
            let mut m = Map::new();
            m.insert("subresource", name);
            let own = g == group && v == version;
            let (g, v) = if own { ("", "") } else { (&*g, &*v) };
            m.insert("responseKind", kind_value(g, v, &kind));
            m.insert("verbs", strings(&verbs));
            m.into()
        })
        .collect();
    subs.sort_by(|a: &Value, b: &Value| a.str_at(&["subresource"]).cmp(b.str_at(&["subresource"])));
    if !subs.is_empty() {
        m.insert("subresources", subs);
    }
    m.into()
}

/// Both documents of a group version for a [`catena_delegate::Description`].
pub fn group_version(resources: &dyn Resources, group: &str, version: &str) -> GroupVersion {
    let list = resource_list(resources, group, version).unwrap_or_default();
    GroupVersion {
        group: group.to_owned(),
        version: version.to_owned(),
        resources: json::to_vec(&list).into(),
        aggregated: json::to_vec(&version_discovery(resources, group, version)).into(),
        ..GroupVersion::default()
    }
}
