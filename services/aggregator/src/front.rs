//! The state of the front.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use bytes::Bytes;
use catena_auth::Auth;
use catena_delegate::{Body, GroupVersion, Response};
use catena_objects::{Value, obj};
use catena_storage::Storage;
use futures_util::StreamExt as _;
use tokio_util::sync::CancellationToken;

use crate::{
    apiservices::{self, Entry, Views},
    call::Call,
    filters::InFlight,
    link::Link,
    own::Own,
    proxy::Proxy,
};

/// What the filters and documents need to know of the flags.
pub(crate) struct Settings {
    pub(crate) request_timeout: Duration,
    /// There is no aggregator: core and what follows it serve directly
    /// (`KUBE_API_VERSIONS` of Kubernetes 1.10).
    pub(crate) chain_only: bool,
    /// `host:port` under which clients reach the front.
    pub(crate) advertised: String,
}

/// Everything a request may need; one for the process.
pub struct Front {
    pub(crate) settings: Settings,
    pub(crate) auth: Arc<Auth>,
    pub(crate) in_flight: InFlight,
    /// In the order of the chain.
    pub(crate) links: Vec<Link>,
    pub(crate) own: Own,
    pub(crate) views: Views,
    pub(crate) proxy: Proxy,
    pub(crate) storage: Arc<dyn Storage>,
    /// Resources of remote group versions by APIService, as discovery shows them.
    pub(crate) remote: papaya::HashMap<String, Value>,
    /// The merged OpenAPI v2 document in JSON and protobuf, and what it was made of.
    pub(crate) openapi_v2: [ArcSwap<Option<(String, Bytes)>>; 2],
    /// The APIServices of the chain were all there once.
    pub(crate) registered: AtomicBool,
    /// The process is going: readiness is red.
    pub(crate) leaving: AtomicBool,
    /// Watches end now.
    pub(crate) drained: CancellationToken,
}

impl Front {
    pub(crate) fn draining(&self) -> bool {
        self.leaving.load(Relaxed)
    }

    /// The remote APIService that a path belongs to.
    pub(crate) fn remote(&self, path: &str) -> Option<Arc<Entry>> {
        let mut parts = path.strip_prefix("/apis/")?.splitn(3, '/');
        let (group, version) = (parts.next()?, parts.next()?);
        let view = self.views.get();
        let entry = view.find(group, version)?;
        entry.service.is_some().then(|| entry.clone())
    }

    /// Ends the stream of an answer when the process drains, so that the client
    /// takes its watch elsewhere.
    pub(crate) fn until_drained(&self, mut answer: Response, call: &Call) -> Response {
        if !call.long_running {
            return answer;
        }
        let end = self.drained.clone().cancelled_owned();
        answer.body = match answer.body {
            Body::Full(bytes) => Body::Full(bytes),
            Body::Stream(stream) => Body::Stream(stream.take_until(end).boxed()),
            Body::Events(events) => Body::Events(events.take_until(end).boxed()),
        };
        answer
    }

    /// The group version that the front serves itself, as an entry.
    pub(crate) fn own_entry(&self) -> Entry {
        Entry {
            name: format!("v1.{}", apiservices::GROUP),
            group: apiservices::GROUP.to_owned(),
            version: "v1".to_owned(),
            service: None,
            ca_bundle: String::new(),
            insecure: false,
            group_priority: 20_000,
            version_priority: 100,
            available: true,
            object: Value::object(),
        }
    }

    pub(crate) fn own_discovery(&self) -> &GroupVersion {
        &self.own.discovery
    }

    pub(crate) fn own_openapi_v3(&self) -> Bytes {
        self.own.openapi_v3()
    }

    pub(crate) fn own_openapi_v2(&self) -> Bytes {
        self.own.openapi_v2()
    }

    /// What a remote server said about its resources.
    pub(crate) fn remote_discovery(&self, entry: &Entry) -> Option<Value> {
        let known = self.remote.pin().get(&entry.name).cloned();
        let mut document = known.unwrap_or_else(
            || obj!({ "version": (entry.version.as_str()), "resources": [], "freshness": "Stale" }),
        );
        if !entry.available {
            document.set(&["freshness"], "Stale");
        }
        Some(document)
    }

    /// Keeps the resource list of a remote group version for discovery.
    pub(crate) fn remember_discovery(&self, name: &str, list: &Value) {
        let version = name.split('.').next().unwrap_or_default();
        let document = remote_document(version, list);
        self.remote.pin().insert(name.to_owned(), document);
    }

    pub(crate) fn forget_discovery(&self, name: &str) {
        self.remote.pin().remove(name);
    }
}

/// `APIVersionDiscovery` made of an `APIResourceList`.
fn remote_document(version: &str, list: &Value) -> Value {
    let all = list.items_at(&["resources"]);
    let kind = |r: &Value| {
        obj!({
            "group": (r.str_at(&["group"])),
            "version": (r.str_at(&["version"])),
            "kind": (r.str_at(&["kind"]))
        })
    };
    let mut out = Vec::new();
    for r in all.iter().filter(|r| !r.str_at(&["name"]).contains('/')) {
        let name = r.str_at(&["name"]);
        let scope = if r.bool_at(&["namespaced"]) == Some(true) {
            "Namespaced"
        } else {
            "Cluster"
        };
        let mut v = obj!({
            "resource": name,
            "responseKind": (kind(r)),
            "scope": scope,
            "singularResource": (r.str_at(&["singularName"])),
            "verbs": (r.items_at(&["verbs"]).to_vec())
        });
        for field in ["shortNames", "categories"] {
            if let Some(list) = r.get(field) {
                v.set(&[field], list.clone());
            }
        }
        let subresources: Vec<Value> = all
            .iter()
            .filter_map(|s| {
                let (parent, sub) = s.str_at(&["name"]).split_once('/')?;
                (parent == name).then(|| {
                    obj!({
                        "subresource": sub,
                        "responseKind": (kind(s)),
                        "verbs": (s.items_at(&["verbs"]).to_vec())
                    })
                })
            })
            .collect();
        if !subresources.is_empty() {
            v.set(&["subresources"], subresources);
        }
        out.push(v);
    }
    obj!({ "version": version, "resources": out, "freshness": "Current" })
}

/// A short name for the content of a document.
pub(crate) fn etag(bytes: &[u8]) -> String {
    use std::hash::BuildHasher as _;
    let (a, b) = (
        foldhash::quality::FixedState::with_seed(1),
        foldhash::quality::FixedState::with_seed(2),
    );
    format!("{:016X}{:016X}", a.hash_one(bytes), b.hash_one(bytes))
}
