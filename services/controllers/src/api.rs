//! What is served: resources by kind and by what can be done with them.

use std::{collections::HashMap, time::Duration};

use kube::{
    Api, Client,
    api::{ApiResource, DynamicObject},
    discovery::{Discovery, Scope, verbs},
};
use tokio::sync::Mutex;

/// Discovery older than this is asked for again when a kind is not found.
const FRESH: Duration = Duration::from_secs(2);

/// One served resource.
#[derive(Clone, Debug)]
pub(crate) struct Resource {
    pub(crate) api: ApiResource,
    pub(crate) namespaced: bool,
    verbs: Vec<String>,
}

impl Resource {
    pub(crate) fn can(&self, verb: &str) -> bool {
        self.verbs.iter().any(|v| v == verb)
    }

    /// Deleted with its owner: can be listed, watched and deleted.
    pub(crate) fn collectable(&self) -> bool {
        [verbs::DELETE, verbs::LIST, verbs::WATCH]
            .iter()
            .all(|v| self.can(v))
    }

    pub(crate) fn objects(&self, client: &Client, namespace: Option<&str>) -> Api<DynamicObject> {
        match namespace {
            Some(ns) if self.namespaced => Api::namespaced_with(client.clone(), ns, &self.api),
            _ => Api::all_with(client.clone(), &self.api),
        }
    }
}

/// The resources that the server serves, by `apiVersion` and kind.
pub(crate) struct Catalog {
    client: Client,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    by_kind: HashMap<(String, String), Resource>,
    read: Option<tokio::time::Instant>,
}

impl Catalog {
    pub(crate) fn new(client: Client) -> Self {
        Self {
            client,
            known: Mutex::default(),
        }
    }

    /// All resources in their preferred version.
    ///
    /// # Errors
    /// When discovery fails: an incomplete answer would make content look gone.
    pub(crate) async fn preferred(&self) -> kube::Result<Vec<Resource>> {
        let discovery = Discovery::new(self.client.clone()).run().await?;
        let mut out = Vec::new();
        for group in discovery.groups() {
            for (api, caps) in group.recommended_resources() {
                out.push(Resource {
                    namespaced: caps.scope == Scope::Namespaced,
                    verbs: caps.operations.clone(),
                    api,
                });
            }
        }
        let mut known = self.known.lock().await;
        known.by_kind = discovery
            .groups()
            .flat_map(|g| {
                g.versions()
                    .flat_map(|v| g.versioned_resources(v))
                    .collect::<Vec<_>>()
            })
            .map(|(api, caps)| {
                let key = (api.api_version.clone(), api.kind.clone());
                let resource = Resource {
                    namespaced: caps.scope == Scope::Namespaced,
                    verbs: caps.operations.clone(),
                    api,
                };
                (key, resource)
            })
            .collect();
        known.read = Some(tokio::time::Instant::now());
        Ok(out)
    }

    /// The resource of a kind; asks discovery again when it is not known.
    ///
    /// # Errors
    /// When discovery fails.
    pub(crate) async fn of_kind(
        &self,
        api_version: &str,
        kind: &str,
    ) -> kube::Result<Option<Resource>> {
        let key = (api_version.to_owned(), kind.to_owned());
        let fresh = {
            let known = self.known.lock().await;
            if let Some(r) = known.by_kind.get(&key) {
                return Ok(Some(r.clone()));
            }
            known.read.is_some_and(|at| at.elapsed() < FRESH)
        };
        if !fresh {
            self.preferred().await?;
        }
        Ok(self.known.lock().await.by_kind.get(&key).cloned())
    }
}

/// The HTTP code of a failure that the API server answered.
pub(crate) fn code(e: &kube::Error) -> Option<u16> {
    match e {
        kube::Error::Api(status) => Some(status.code),
        _ => None,
    }
}
