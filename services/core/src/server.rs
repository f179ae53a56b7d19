//! The resources of core, as the endpoints serve them.

use std::{collections::HashMap, sync::Arc};

use bytes::Bytes;
use catena_delegate::{Description, GroupVersion};
use catena_endpoints::{Resources, Served, discovery};
use catena_objects::Status;
use catena_registry::{Resource, Store};
use catena_storage::Storage;
use futures_util::stream::{self, BoxStream, StreamExt};

/// A fixed set of resources; nothing here changes while core runs.
pub struct CoreResources {
    /// In the order of discovery.
    stores: Vec<Store>,
    by_name: HashMap<(String, String), usize>,
    /// Group and versions, preferred first, in the order of discovery.
    groups: Vec<(String, Vec<String>)>,
}

impl CoreResources {
    pub fn new(resources: &[Arc<Resource>], storage: &Arc<dyn Storage>) -> Self {
        let stores: Vec<Store> = resources
            .iter()
            .map(|r| Store::cached(r.clone(), storage.clone()))
            .collect();
        let by_name = stores
            .iter()
            .enumerate()
            .map(|(i, s)| ((s.resource.group.clone(), s.resource.plural.clone()), i))
            .collect();
        Self {
            groups: groups(&stores),
            stores,
            by_name,
        }
    }

    /// The store of a resource.
    pub fn store(&self, group: &str, plural: &str) -> Option<&Store> {
        let i = self.by_name.get(&(group.to_owned(), plural.to_owned()))?;
        self.stores.get(*i)
    }

    fn description(&self) -> Description {
        let mut d = Description {
            name: "core".to_owned(),
            ready: true,
            ..Description::default()
        };
        for (group, versions) in &self.groups {
            let root = if group.is_empty() {
                "/api".to_owned()
            } else {
                format!("/apis/{group}")
            };
            d.paths.push(root.clone());
            for version in versions {
                d.paths.push(format!("{root}/{version}"));
                d.groups.push(GroupVersion {
                    openapi_etag: catena_openapi::builtin_etag(group, version),
                    ..discovery::group_version(self, group, version)
                });
            }
            d.prefixes.push(root);
        }
        d
    }
}

/// Versions of each group: core first, then in the order of the facts.
fn groups(stores: &[Store]) -> Vec<(String, Vec<String>)> {
    let served = |group: &str, version: &str| {
        stores
            .iter()
            .any(|s| s.resource.group == group && s.resource.version(version).is_some())
    };
    let mut out = Vec::new();
    if served("", "v1") {
        out.push((String::new(), vec!["v1".to_owned()]));
    }
    for group in catena_facts::groups() {
        let versions: Vec<String> = group
            .versions
            .iter()
            .filter(|v| served(group.name, v))
            .map(|v| (*v).to_owned())
            .collect();
        if !versions.is_empty() {
            out.push((group.name.to_owned(), versions));
        }
    }
    out
}

impl Resources for CoreResources {
    fn find(&self, group: &str, version: &str, resource: &str) -> Option<Served> {
        let store = self.store(group, resource)?;
        let version = store
            .resource
            .versions
            .iter()
            .position(|v| v.name == version)?;
        Some(Served {
            store: store.clone(),
            version,
        })
    }

    fn claims(&self, group: &str, version: &str) -> bool {
        self.groups
            .iter()
            .any(|(g, versions)| g == group && versions.iter().any(|v| v == version))
    }

    fn list(&self, group: &str, version: &str) -> Vec<Served> {
        self.stores
            .iter()
            .filter(|s| s.resource.group == group)
            .filter_map(|s| {
                let version = s.resource.versions.iter().position(|v| v.name == version)?;
                Some(Served {
                    store: s.clone(),
                    version,
                })
            })
            .collect()
    }

    fn versions(&self, group: &str) -> Vec<String> {
        self.groups
            .iter()
            .find(|(g, _)| g == group)
            .map(|(_, versions)| versions.clone())
            .unwrap_or_default()
    }

    fn describe(&self) -> BoxStream<'static, Result<Description, Status>> {
        // One item, and then silence: the stream stays open as long as its reader.
        let first = self.description();
        stream::once(async move { Ok(first) })
            .chain(stream::pending())
            .boxed()
    }

    fn openapi_v3(&self, group: &str, version: &str) -> Option<Bytes> {
        self.claims(group, version)
            .then(|| catena_openapi::builtin_v3(group, version))
            .flatten()
    }

    fn openapi_v2(&self) -> Bytes {
        let all: Vec<(&str, &str)> = self
            .groups
            .iter()
            .flat_map(|(g, versions)| versions.iter().map(|v| (g.as_str(), v.as_str())))
            .collect();
        catena_openapi::builtin_v2(&all)
    }
}
