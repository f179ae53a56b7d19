//! The resources that the front serves itself: APIServices, and the reviews,
//! which only its authenticator and authorizer can answer.

mod reviews;

use std::sync::Arc;

use bytes::Bytes;
use catena_auth::Auth;
use catena_delegate::{Delegate, Description, GroupVersion, RequestInfo};
use catena_endpoints::{Resources, Served, Server, discovery};
use catena_objects::Status;
use catena_registry::{Resource, Store};
use catena_storage::Storage;
use futures_util::stream::{self, BoxStream, StreamExt as _};

use crate::apiservices;

/// The front as a server of the chain, first in it.
pub(crate) struct Own {
    pub(crate) delegate: Arc<dyn Delegate>,
    pub(crate) discovery: GroupVersion,
    pub(crate) services: Store,
    resources: Arc<OwnResources>,
}

impl Own {
    pub(crate) fn new(storage: &Arc<dyn Storage>, auth: &Arc<Auth>) -> Self {
        let mut all = vec![Arc::new(apiservices::declaration())];
        all.extend(reviews::declarations(auth).into_iter().map(Arc::new));
        let stores: Vec<Store> = all
            .into_iter()
            .map(|r: Arc<Resource>| Store::cached(r, storage.clone()))
            .collect();
        let services = stores[0].clone();
        let resources = Arc::new(OwnResources { stores });
        let mut document = discovery::group_version(&*resources, apiservices::GROUP, "v1");
        document.openapi_etag = crate::etag(&document.resources);
        Self {
            delegate: Arc::new(Server {
                resources: resources.clone(),
            }),
            discovery: document,
            services,
            resources,
        }
    }

    /// Whether the front answers itself: its own group, and posts of reviews.
    pub(crate) fn claims(&self, path: &str, info: &RequestInfo) -> bool {
        if !info.is_resource {
            return path.trim_end_matches('/') == format!("/apis/{}/v1", apiservices::GROUP);
        }
        self.resources.stores.iter().any(|s| {
            s.resource.group == info.api_group
                && (info.api_group == apiservices::GROUP || s.resource.plural == info.resource)
        })
    }

    pub(crate) fn openapi_v3(&self) -> Bytes {
        self.resources
            .openapi_v3(apiservices::GROUP, "v1")
            .unwrap_or_default()
    }

    pub(crate) fn openapi_v2(&self) -> Bytes {
        self.resources.openapi_v2()
    }
}

struct OwnResources {
    stores: Vec<Store>,
}

impl Resources for OwnResources {
    fn find(&self, group: &str, version: &str, resource: &str) -> Option<Served> {
        let store = self
            .stores
            .iter()
            .find(|s| s.resource.group == group && s.resource.plural == resource)?;
        (version == "v1").then(|| Served {
            store: store.clone(),
            version: 0,
        })
    }

    fn claims(&self, group: &str, version: &str) -> bool {
        group == apiservices::GROUP && version == "v1"
    }

    fn list(&self, group: &str, version: &str) -> Vec<Served> {
        let all = self.stores.iter().filter(|s| s.resource.group == group);
        all.filter(|_| version == "v1")
            .map(|store| Served {
                store: store.clone(),
                version: 0,
            })
            .collect()
    }

    fn versions(&self, group: &str) -> Vec<String> {
        if group == apiservices::GROUP {
            vec!["v1".to_owned()]
        } else {
            Vec::new()
        }
    }

    fn describe(&self) -> BoxStream<'static, Result<Description, Status>> {
        let description = Description {
            name: "aggregator".to_owned(),
            prefixes: vec![format!("/apis/{}", apiservices::GROUP)],
            ready: true,
            ..Description::default()
        };
        stream::once(async move { Ok(description) })
            .chain(stream::pending())
            .boxed()
    }

    fn openapi_v3(&self, group: &str, version: &str) -> Option<Bytes> {
        catena_openapi::builtin_v3(group, version)
    }

    fn openapi_v2(&self) -> Bytes {
        catena_openapi::builtin_v2(&[(apiservices::GROUP, "v1")])
    }
}
