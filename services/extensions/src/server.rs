//! The delegate: definitions and custom resources through the shared endpoints,
//! with what only the server of definitions knows around them.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use catena_delegate::{ByteStream, Delegate, Description, Outcome, Request, Response};
use catena_endpoints::{Resources, Served, Server, discovery, encode};
use catena_objects::Status;
use catena_registry::Store;
use catena_storage::{RangeRequest, Storage};
use futures_util::stream::BoxStream;
use tokio::sync::watch;

use crate::{
    catalog::Catalog,
    custom,
    definition::{GROUP, PLURAL, VERSION},
    describe, documents, ending,
    entry::{Entry, rank},
    namespaces::Namespaces,
};

/// What the server serves at the moment.
#[derive(Clone)]
pub(crate) struct CustomResources {
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) definitions: Store,
    /// Of custom resources.
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) namespaces: Arc<Namespaces>,
    pub(crate) synced: watch::Receiver<bool>,
    pub(crate) documents: documents::Documents,
}

impl CustomResources {
    fn served(&self, entry: &Entry, version: usize) -> Served {
        Served {
            store: entry.store(version, &self.storage, &self.namespaces),
            version,
        }
    }

    /// As [`Self::served`], with names only.
    fn card(&self, entry: &Entry, version: usize) -> Served {
        let resource = Arc::new(custom::card(entry, version));
        Served {
            store: Store::new(resource, self.storage.clone()),
            version,
        }
    }

    fn definitions(&self) -> Served {
        Served {
            store: self.definitions.clone(),
            version: 0,
        }
    }

    /// The definition that serves a resource of a group in a version.
    fn entry(&self, group: &str, version: &str, resource: &str) -> Option<Arc<Entry>> {
        self.catalog
            .get(&format!("{resource}.{group}"))
            .filter(|e| e.serves(version))
    }
}

impl Resources for CustomResources {
    fn find(&self, group: &str, version: &str, resource: &str) -> Option<Served> {
        if group == GROUP {
            return (version == VERSION && resource == PLURAL).then(|| self.definitions());
        }
        let entry = self.entry(group, version, resource)?;
        let index = entry.versions.iter().position(|v| v.name == version)?;
        Some(self.served(&entry, index))
    }

    fn claims(&self, group: &str, version: &str) -> bool {
        group == GROUP && version == VERSION
    }

    fn list(&self, group: &str, version: &str) -> Vec<Served> {
        if group == GROUP {
            return if version == VERSION {
                vec![self.definitions()]
            } else {
                Vec::new()
            };
        }
        let snapshot = self.catalog.snapshot();
        let of = |e: &Arc<Entry>| {
            let served = |v: &crate::entry::Version| v.served && v.name == version;
            let index = e.versions.iter().position(served)?;
            (e.group == group && e.established).then(|| self.card(e, index))
        };
        snapshot.values().filter_map(of).collect()
    }

    fn versions(&self, group: &str) -> Vec<String> {
        if group == GROUP {
            return vec![VERSION.to_owned()];
        }
        let snapshot = self.catalog.snapshot();
        let mut versions: Vec<String> = snapshot
            .values()
            .filter(|e| e.group == group && e.established)
            .flat_map(|e| e.versions.iter().filter(|v| v.served))
            .map(|v| v.name.clone())
            .collect();
        versions.sort_by_key(|v| std::cmp::Reverse(rank(v)));
        versions.dedup();
        versions
    }

    fn describe(&self) -> BoxStream<'static, Result<Description, Status>> {
        describe::stream(self)
    }

    fn openapi_v3(&self, group: &str, version: &str) -> Option<Bytes> {
        self.documents
            .v3(&self.catalog.snapshot(), (group, version), || {
                discovery::resource_list(self, group, version)
            })
    }

    fn openapi_v2(&self) -> Bytes {
        let list = |group: &str, version: &str| discovery::resource_list(self, group, version);
        self.documents.v2(&self.catalog.snapshot(), list)
    }
}

/// The delegate of the chain.
pub(crate) struct Extensions {
    pub(crate) resources: Arc<CustomResources>,
    pub(crate) endpoints: Server,
}

impl Extensions {
    /// A definition that another replica made may be missing here for a moment.
    async fn refresh(&self, name: &str) -> Result<(), Status> {
        let definitions = &self.resources.definitions;
        let key = definitions.resource.key("", name);
        let answer = definitions
            .storage
            .range(RangeRequest::key(key))
            .await
            .map_err(catena_registry::codec::storage_error)?;
        for kv in &answer.kvs {
            self.resources.catalog.put(kv);
        }
        Ok(())
    }

    /// The entry that a request for a custom resource is about, `None` when it is
    /// someone else's.
    async fn entry(&self, request: &Request) -> Result<Option<Arc<Entry>>, Status> {
        let i = &request.info;
        if i.api_prefix != "apis" || !i.api_group.contains('.') {
            return Ok(None);
        }
        let find = || {
            self.resources
                .entry(&i.api_group, &i.api_version, &i.resource)
        };
        if let Some(entry) = find() {
            return Ok(Some(entry));
        }
        self.refresh(&format!("{}.{}", i.resource, i.api_group))
            .await?;
        Ok(find())
    }
}

/// What the definition refuses before the endpoints see the request.
fn refusal(entry: &Entry, request: &Request) -> Option<Status> {
    let i = &request.info;
    let version = entry.version(&i.api_version)?;
    let known = match i.subresource.as_str() {
        "" => true,
        "status" => version.status,
        "scale" => version.scale,
        _ => false,
    };
    if !known {
        return Some(Status::not_found(&i.api_group, &i.resource, &i.name));
    }
    let fits = match i.subresource.as_str() {
        "" => custom::VERBS.contains(&i.verb.as_str()),
        _ => ["get", "update", "patch"].contains(&i.verb.as_str()),
    };
    if !fits {
        return Some(Status::method_not_supported(
            &i.api_group,
            &i.resource,
            &i.verb,
        ));
    }
    if entry.webhook && !version.storage {
        let why = format!(
            "conversion webhook for {}/{}, Kind={} is not called: conversion strategy Webhook is not supported yet; use version {}",
            entry.group,
            i.api_version,
            entry.accepted.kind,
            entry.versions[entry.storage()].name
        );
        return Some(Status::internal(why));
    }
    None
}

#[async_trait]
impl Delegate for Extensions {
    async fn serve(&self, request: Request) -> Result<Outcome, Status> {
        self.answer(request, None).await
    }

    async fn upgrade(&self, request: Request, input: ByteStream) -> Result<Outcome, Status> {
        self.answer(request, Some(input)).await
    }

    fn describe(&self) -> BoxStream<'static, Result<Description, Status>> {
        self.resources.describe()
    }
}

impl Extensions {
    async fn answer(&self, request: Request, input: Option<ByteStream>) -> Result<Outcome, Status> {
        if !request.info.is_resource || request.info.api_group == GROUP {
            return self.endpoints.answer(request, input).await;
        }
        let failure = |s: &Status| {
            let accept = request.header("accept");
            Outcome::Served(encode::failure(accept, s))
        };
        if !*self.resources.synced.borrow() {
            // Nobody's 404 while it is not known what there is.
            let s = Status::unavailable("the definitions of custom resources are not read yet")
                .retry_after(1);
            return Ok(failure(&s));
        }
        let entry = match self.entry(&request).await {
            Ok(Some(entry)) => entry,
            Ok(None) => return Ok(Outcome::NotMine),
            Err(s) => return Ok(failure(&s)),
        };
        let warning = entry
            .version(&request.info.api_version)
            .and_then(|v| v.warning.clone());
        let watches = request.info.verb == "watch";
        let mut outcome = match refusal(&entry, &request) {
            Some(s) => failure(&s),
            None => self.endpoints.answer(request, input).await?,
        };
        if let Outcome::Served(response) = &mut outcome {
            if let Some(text) = warning {
                warn(response, text);
            }
            if watches {
                ending::end_with(&self.resources.catalog, &entry, response);
            }
        }
        Ok(outcome)
    }
}

fn warn(response: &mut Response, text: String) {
    if !response.warnings.contains(&text) {
        response.warnings.insert(0, text);
    }
}
