//! The objects of a list: from the cache where it can tell, else from storage.

use std::{borrow::Cow, sync::Arc};

use catena_cache::{Entry, Error, Snapshot};
use catena_objects::{Status, status::Cause};
use catena_registry::{Cached, ResourceCache, codec, metrics};
use catena_storage::{RangeRequest, prefix_end};
use catena_telemetry::trace;

use super::options::{At, Options, token};
use crate::verbs::{Call, selectors::Selectors};

/// Objects of one page read from storage at a time.
const PAGE: i64 = 500;
/// Objects that are looked at before others get their turn.
const AT_ONCE: usize = 2048;
/// Seconds after which a client may ask for a revision again.
const RETRY: u32 = 1;

pub(in crate::verbs) type Object = Entry<Cached>;

/// Objects that match, and what their list says of itself.
pub(super) struct Page {
    pub(super) objects: Vec<Arc<Object>>,
    pub(super) revision: i64,
    /// Token to go on with; "" at the end.
    pub(super) next: String,
    pub(super) remaining: Option<i64>,
    /// Objects that were looked at.
    fetched: usize,
    /// The part of the resource that the list is about.
    pub(super) shards: Option<String>,
}

/// What to read.
struct Query<'a> {
    call: &'a Call<'a>,
    selectors: Selectors,
    options: Options,
    /// First key, and the one after the last.
    start: String,
    end: Vec<u8>,
}

pub(super) async fn read(call: &Call<'_>) -> Result<Page, Status> {
    let resource = &call.served.store.resource;
    // Numbers are read before selectors, and all is judged before fields are looked up.
    call.query.int("timeoutSeconds")?;
    call.query.int("limit")?;
    let selectors = Selectors::parse(call)?;
    Options::check(&call.query)?;
    selectors.check_fields(resource)?;
    let mut options = Options::parse(call)?;
    let namespace = call.context(false).namespace;
    // One key is read, and there is nothing behind it.
    let one = selectors.name.is_some() && (!resource.namespaced || !namespace.is_empty());
    if one && options.start.is_none() {
        options.limit = 0;
    }
    let prefix = resource.list_prefix(&namespace);
    let end = prefix_end(prefix.as_bytes()).to_vec();
    let start = match &options.start {
        Some(start) => format!("{}/{start}", resource.key_prefix).max(prefix),
        None => prefix,
    };
    let query = Query {
        call,
        selectors,
        options,
        start,
        end,
    };
    if let Some(cache) = &call.served.store.cache
        && let Some(snapshot) = snapshot(cache, query.options.at).await?
    {
        let span = trace::span("cacher.GetList");
        let page = span.run(query.select(&snapshot)).await?;
        metrics::cache_list(resource, page.fetched, page.objects.len());
        return Ok(page);
    }
    let span = trace::span("List(recursive=true) etcd3");
    let page = span.run(query.stored()).await?;
    metrics::storage_list(resource, page.fetched, page.objects.len());
    Ok(page)
}

/// The state to list; `None`: only storage can tell.
pub(in crate::verbs) async fn snapshot(
    cache: &ResourceCache,
    at: At,
) -> Result<Option<Snapshot<Cached>>, Status> {
    let found = match at {
        At::Any => cache.snapshot().await.map(Some),
        At::Least(revision) => cache.snapshot_at_least(revision).await.map(Some),
        At::Exact(revision) => cache.snapshot_exact(revision).await,
        At::Now => cache.snapshot_consistent().await.map(Some),
    };
    match found {
        Ok(snapshot) => Ok(snapshot),
        Err(Error::NotReached { wanted, current }) if at != At::Now && current > 0 => {
            Err(too_large(wanted, current))
        }
        Err(e) => {
            tracing::debug!(error = %e, "a list is read from storage");
            Ok(None)
        }
    }
}

impl Query<'_> {
    async fn select(&self, snapshot: &Snapshot<Cached>) -> Result<Page, Status> {
        let resource = &self.call.served.store.resource;
        let limit = usize::try_from(self.options.limit).unwrap_or(usize::MAX);
        let all = self.selectors.is_empty();
        let mut page = Page {
            objects: Vec::new(),
            revision: snapshot.revision,
            next: String::new(),
            remaining: None,
            fetched: 0,
            shards: self.selectors.shards.as_ref().map(ToString::to_string),
        };
        let (start, end) = (self.start.as_bytes(), self.end.as_slice());
        let count = snapshot.count(start, end);
        let mut passed = 0;
        let mut looked_at = 0;
        for group in snapshot.groups(start, end) {
            if !self.selectors.may_match(resource, &group) {
                passed += group.entries.len();
                continue;
            }
            looked_at += group.entries.len();
            // The first look at an object decodes it.
            if !all && looked_at >= AT_ONCE {
                looked_at = 0;
                tokio::task::yield_now().await;
            }
            for object in group.entries {
                passed += 1;
                page.fetched += 1;
                if !all && !self.selectors.matches_entry(resource, object)? {
                    continue;
                }
                page.objects.push(Arc::clone(object));
                if limit > 0 && page.objects.len() >= limit && passed < count {
                    page.next = token(snapshot.revision, &self.after(object.key()));
                    let left = count - passed;
                    page.remaining = i64::try_from(left).ok().filter(|_| all);
                    return Ok(page);
                }
            }
        }
        Ok(page)
    }

    /// The key after this one, without the prefix of the resource.
    fn after(&self, key: &[u8]) -> String {
        let key = String::from_utf8_lossy(key);
        let prefix = &self.call.served.store.resource.key_prefix;
        let rest = key.strip_prefix(prefix.as_str()).map_or(&*key, |k| k);
        format!("{}\0", rest.trim_start_matches('/'))
    }

    async fn stored(&self) -> Result<Page, Status> {
        let resource = &self.call.served.store.resource;
        let all = self.selectors.is_empty();
        let wanted = self.options.limit;
        let mut start = Cow::Borrowed(self.start.as_bytes());
        let mut page = Page {
            objects: Vec::new(),
            revision: match self.options.at {
                At::Exact(revision) => revision,
                At::Any | At::Least(_) | At::Now => 0,
            },
            next: String::new(),
            remaining: None,
            fetched: 0,
            shards: self.selectors.shards.as_ref().map(ToString::to_string),
        };
        loop {
            let limit = match wanted {
                limit if limit > 0 && all => limit,
                _ => PAGE,
            };
            let request = RangeRequest {
                key: start.to_vec().into(),
                end: self.end.clone().into(),
                limit,
                revision: page.revision,
                ..RangeRequest::default()
            };
            let storage = &self.call.served.store.storage;
            let call = storage.range(request);
            let answer = metrics::storage(resource, "list", call).await;
            let answer = answer.map_err(|e| self.gone(e))?;
            page.fetched += answer.kvs.len();
            if let At::Least(wanted) = self.options.at
                && wanted > answer.revision
            {
                return Err(too_large(wanted, answer.revision));
            }
            if page.revision == 0 {
                page.revision = answer.revision;
            }
            let last = answer.kvs.len().saturating_sub(1);
            for (i, kv) in answer.kvs.iter().enumerate() {
                let object = Object::new(kv);
                if all || self.selectors.matches_entry(resource, &object)? {
                    page.objects.push(Arc::new(object));
                }
                let full = wanted > 0 && page.objects.len() as i64 >= wanted;
                if full && (i < last || answer.more) {
                    page.next = token(page.revision, &self.after(&kv.key));
                    page.remaining = all.then_some(answer.count - wanted);
                    return Ok(page);
                }
                if i == last {
                    start = Cow::Owned([&kv.key[..], b"\0"].concat());
                }
            }
            if !answer.more || answer.kvs.is_empty() {
                return Ok(page);
            }
        }
    }

    /// A failure of storage; history that is gone may still be listed with what
    /// there is now (`handleCompactedErrorForPaging`).
    fn gone(&self, e: catena_storage::Error) -> Status {
        match e {
            catena_storage::Error::Compacted { .. } => match &self.options.start {
                Some(start) => Status::expired(
                    "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.",
                )
                .with_continue(token(-1, start)),
                None => Status::expired("The resourceVersion for the provided list is too old."),
            },
            catena_storage::Error::FutureRevision => match self.options.at {
                At::Exact(wanted) => too_large(wanted, 0),
                _ => codec::storage_error(e),
            },
            other => codec::storage_error(other),
        }
    }
}

/// `NewTooLargeResourceVersionError`.
fn too_large(wanted: i64, current: i64) -> Status {
    let message = format!("Too large resource version: {wanted}, current: {current}");
    let mut s = Status::timeout(message, RETRY);
    if let Some(d) = &mut s.details {
        d.causes.push(Cause {
            reason: "ResourceVersionTooLarge".to_owned(),
            message: "Too large resource version".to_owned(),
            field: String::new(),
        });
    }
    s
}
