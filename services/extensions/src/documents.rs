//! OpenAPI documents of definitions and custom resources, made when somebody asks.

use std::sync::Arc;

use bytes::Bytes;
use catena_objects::Value;
use catena_openapi::{Cache, CustomKind, V2};

use crate::{
    catalog::Snapshot,
    definition::{GROUP, VERSION, versions},
    entry::Entry,
};

/// Documents that are kept for the next client, in bytes.
const KEPT: usize = 4 << 20;

#[derive(Clone)]
pub(crate) struct Documents(Arc<Cache>);

impl Default for Documents {
    fn default() -> Self {
        Self(Arc::new(Cache::new(KEPT)))
    }
}

/// Definitions that a group version is made of.
fn of<'a>(
    snapshot: &'a Snapshot,
    group: &'a str,
    version: &'a str,
) -> impl Iterator<Item = &'a Arc<Entry>> {
    snapshot.values().filter(move |e| {
        e.group == group && e.established && e.version(version).is_some_and(|v| v.served)
    })
}

/// Changes with everything that the document of a group version is made of.
pub(crate) fn etag(snapshot: &Snapshot, group: &str, version: &str) -> String {
    if group == GROUP {
        return catena_openapi::builtin_etag(group, version);
    }
    let mut state = String::new();
    for e in of(snapshot, group, version) {
        let kind = &e.accepted.kind;
        state.push_str(&format!("{} {} {kind};", e.uid, e.generation));
    }
    catena_openapi::etag(&[group, version, &state])
}

/// A definition's kind in one version.
struct Kind {
    kind: String,
    list_kind: String,
    schema: Value,
}

fn kinds(snapshot: &Snapshot, group: &str, version: &str) -> Vec<Kind> {
    of(snapshot, group, version)
        .map(|e| {
            let definition = e.definition();
            let schema = versions(&definition)
                .iter()
                .find(|v| v.str_at(&["name"]) == version)
                .and_then(|v| v.at(&["schema", "openAPIV3Schema"]))
                .cloned()
                .unwrap_or_default();
            Kind {
                kind: e.accepted.kind.clone(),
                list_kind: e.accepted.list_kind.clone(),
                schema,
            }
        })
        .collect()
}

fn document(snapshot: &Snapshot, (group, version): (&str, &str), resources: &Value) -> Value {
    let kinds = kinds(snapshot, group, version);
    let kinds: Vec<CustomKind<'_>> = kinds
        .iter()
        .map(|k| CustomKind {
            kind: &k.kind,
            list_kind: &k.list_kind,
            schema: &k.schema,
        })
        .collect();
    catena_openapi::document(group, version, resources, &kinds)
}

impl Documents {
    /// `resources` is the `APIResourceList` of the group version.
    pub(crate) fn v3(
        &self,
        snapshot: &Snapshot,
        (group, version): (&str, &str),
        resources: impl FnOnce() -> Option<Value>,
    ) -> Option<Bytes> {
        if group == GROUP {
            return (version == VERSION)
                .then(|| catena_openapi::builtin_v3(group, version))
                .flatten();
        }
        of(snapshot, group, version).next()?;
        let resources = resources()?;
        let etag = etag(snapshot, group, version);
        let make = || {
            let document = document(snapshot, (group, version), &resources);
            catena_objects::json::to_vec(&document).into()
        };
        Some(self.0.get(&format!("{group}/{version}"), &etag, make))
    }

    pub(crate) fn v2(
        &self,
        snapshot: &Snapshot,
        resources: impl Fn(&str, &str) -> Option<Value>,
    ) -> Bytes {
        let mut groups: Vec<(&str, &str)> = snapshot
            .values()
            .filter(|e| e.established)
            .flat_map(|e| {
                let served = e.versions.iter().filter(|v| v.served);
                served.map(|v| (e.group.as_str(), v.name.as_str()))
            })
            .collect();
        groups.sort_unstable();
        groups.dedup();
        let states: Vec<String> = groups.iter().map(|(g, v)| etag(snapshot, g, v)).collect();
        let states: Vec<&str> = states.iter().map(String::as_str).collect();
        self.0.get("v2", &catena_openapi::etag(&states), || {
            let mut all = V2::default();
            let own = catena_openapi::builtin_v3(GROUP, VERSION).unwrap_or_default();
            all.add_v3(&catena_objects::json::parse(&own).unwrap_or_default());
            for (group, version) in groups {
                if let Some(list) = resources(group, version) {
                    all.add_v3(&document(snapshot, (group, version), &list));
                }
            }
            catena_objects::json::to_vec(&all.into_value()).into()
        })
    }
}
