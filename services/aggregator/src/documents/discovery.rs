//! Discovery of all groups: `/api`, `/apis`, `/apis/<group>`, and both as one
//! aggregated document (`g=apidiscovery.k8s.io;v=v2`).

use std::{collections::BTreeMap, sync::Arc};

use catena_delegate::Response;
use catena_endpoints::{discovery as documents, negotiate};
use catena_objects::{Map, Status, Value, json, obj};
use http::{HeaderValue, header};

use super::document;
use crate::{Front, apiservices::Entry, call::Call};

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// `/api` and `/apis`.
pub(super) fn root(front: &Arc<Front>, call: &Call) -> Result<Response, Status> {
    let legacy = call.path.trim_end_matches('/') == "/api";
    let version = aggregated_version(call.header("accept"));
    if version == Some("v2") {
        return Ok(aggregated(front, call, legacy));
    }
    let accept = call.header("accept");
    if legacy {
        let addresses = obj!([{
            "clientCIDR": "0.0.0.0/0",
            "serverAddress": (front.settings.advertised.as_str())
        }]);
        let v = obj!({
            "kind": "APIVersions",
            "versions": ["v1"],
            "serverAddressByClientCIDRs": addresses
        });
        return document(&negotiate::plain(accept)?, &v);
    }
    let groups: Vec<Value> = groups(front)
        .iter()
        .filter(|g| !g.name.is_empty())
        .filter_map(|g| {
            let mut v = documents::group_document(&g.name, &g.version_names())?;
            v.unset(&["kind"]);
            v.unset(&["apiVersion"]);
            Some(v)
        })
        .collect();
    let v = obj!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": groups });
    document(&negotiate::unrouted(accept)?, &v)
}

/// `/apis/<group>`; `None` for a path that is longer, or a group of nobody.
pub(super) fn group(front: &Arc<Front>, call: &Call) -> Option<Result<Response, Status>> {
    let name = call.path.trim_end_matches('/').strip_prefix("/apis/")?;
    if name.contains('/') {
        return None;
    }
    let all = groups(front);
    let group = all.iter().find(|g| g.name == name)?;
    let v = documents::group_document(name, &group.version_names())?;
    let output = negotiate::unrouted(call.header("accept"));
    Some(output.and_then(|output| document(&output, &v)))
}

/// The version of the aggregated document that the client prefers, unless it
/// puts a plain one first.
fn aggregated_version(accept: &str) -> Option<&str> {
    for clause in accept.split(',') {
        let mut params = clause.split(';').map(str::trim);
        let media = params.next().unwrap_or_default();
        if !["application/json", "*/*", "application/*"].contains(&media) {
            continue;
        }
        let get = |name: &str| {
            clause
                .split(';')
                .filter_map(|p| p.trim().split_once('='))
                .find(|(k, _)| *k == name)
                .map(|(_, v)| v)
        };
        match (get("g"), get("as")) {
            (None, None) => return None,
            (Some("apidiscovery.k8s.io"), Some("APIGroupDiscoveryList"))
                if get("v") == Some("v2") =>
            {
                return Some("v2");
            }
            _ => {}
        }
    }
    None
}

/// A group with its APIServices, best version first.
pub(super) struct Group {
    pub(super) name: String,
    pub(super) versions: Vec<Arc<Entry>>,
}

impl Group {
    fn version_names(&self) -> Vec<String> {
        self.versions.iter().map(|e| e.version.clone()).collect()
    }
}

/// All groups in the order of `/apis` (`apiregistration/v1/helper.SortedByGroupAndVersion`).
pub(super) fn groups(front: &Front) -> Vec<Group> {
    let view = front.views.get();
    let mut by_group: BTreeMap<&str, Vec<Arc<Entry>>> = BTreeMap::new();
    for entry in view.by_name.values() {
        by_group
            .entry(&entry.group)
            .or_default()
            .push(entry.clone());
    }
    let mut out: Vec<Group> = by_group
        .into_iter()
        .map(|(name, mut versions)| {
            versions.sort_by(|a, b| {
                b.version_priority
                    .cmp(&a.version_priority)
                    .then_with(|| catena_objects::gvk::compare_versions(&b.version, &a.version))
            });
            Group {
                name: name.to_owned(),
                versions,
            }
        })
        .collect();
    let priority = |g: &Group| g.versions.iter().map(|e| e.group_priority).max();
    out.sort_by(|a, b| {
        priority(b)
            .cmp(&priority(a))
            .then_with(|| a.name.cmp(&b.name))
    });
    if front.settings.chain_only {
        return out;
    }
    // The aggregator's own group comes first: it is no registered one.
    let own = Group {
        name: crate::apiservices::GROUP.to_owned(),
        versions: vec![Arc::new(front.own_entry())],
    };
    out.retain(|g| g.name != own.name);
    out.insert(0, own);
    out
}

fn aggregated(front: &Arc<Front>, call: &Call, legacy: bool) -> Response {
    let mut items = Vec::new();
    for group in groups(front).iter().filter(|g| g.name.is_empty() == legacy) {
        let versions: Vec<Value> = group
            .versions
            .iter()
            .filter_map(|e| version_document(front, e))
            .collect();
        if versions.is_empty() {
            continue;
        }
        let metadata = if legacy {
            obj!({ "creationTimestamp": null })
        } else {
            obj!({ "name": (group.name.as_str()), "creationTimestamp": null })
        };
        items.push(obj!({ "metadata": metadata, "versions": versions }));
    }
    for item in &mut items {
        item.unset(&["metadata", "creationTimestamp"]);
    }
    let mut m = Map::new();
    m.insert("kind", "APIGroupDiscoveryList");
    m.insert("apiVersion", "apidiscovery.k8s.io/v2");
    m.insert("metadata", Value::object());
    m.insert("items", items);
    let bytes = json::to_vec(&m.into());
    let etag = format!("\"{}\"", crate::etag(&bytes));
    let mut answer = if call.header("if-none-match") == etag {
        Response::new(304, AGGREGATED, "")
    } else {
        Response::new(200, AGGREGATED, bytes)
    };
    if let Ok(value) = HeaderValue::from_str(&etag) {
        answer.headers.insert(header::ETAG, value);
    }
    let headers = [(header::VARY, "Accept"), (header::CACHE_CONTROL, "public")];
    for (name, value) in headers {
        answer.headers.insert(name, HeaderValue::from_static(value));
    }
    answer
}

/// `APIVersionDiscovery` of a group version: what its server announced.
fn version_document(front: &Front, entry: &Entry) -> Option<Value> {
    if entry.group == crate::apiservices::GROUP {
        return json::parse(&front.own_discovery().aggregated).ok();
    }
    if entry.service.is_some() {
        return front.remote_discovery(entry);
    }
    front.links.iter().find_map(|link| {
        let description = link.state().description?;
        let found = description
            .groups
            .iter()
            .find(|g| g.group == entry.group && g.version == entry.version)?;
        json::parse(&found.aggregated).ok()
    })
}
