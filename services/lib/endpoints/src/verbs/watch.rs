//! GET with `watch=true`: a stream of events.

use std::time::Duration;

use bytes::Bytes;
use catena_delegate::{Body, ByteStream, Response};
use catena_objects::{Map, Status, Value, json};
use catena_registry::codec;
use catena_storage::{
    Event, EventKind, KeyValue, RangeRequest, Watch, WatchMessage, WatchRequest, prefix_end,
};
use futures_util::StreamExt;
use tokio::{sync::mpsc, time::Instant};

use super::{Call, list::parse_revision, selectors::Selectors};
use crate::{
    body, encode,
    negotiate::{Format, Output, Shape},
    query::Query,
    server::Served,
    table,
};

/// Encoded events that wait for a slow client before the server stops reading ahead.
const AHEAD: usize = 128;
const BOOKMARK_EVERY: Duration = Duration::from_secs(60);
/// Bounds of the random duration of a watch without `timeoutSeconds`.
const SHORTEST_SECONDS: u64 = 1800;

/// What one watch sends, apart from the events.
struct Watcher {
    served: Served,
    selectors: Selectors,
    output: Output,
    include: table::Include,
    bookmarks: bool,
    /// Table columns go with the first event only.
    first: bool,
    out: mpsc::Sender<Result<Bytes, Status>>,
}

/// How a watch begins.
struct Start {
    /// Objects sent as ADDED first.
    initial: Vec<KeyValue>,
    revision: i64,
    /// A bookmark marks the end of the initial events.
    announce: bool,
}

pub(super) async fn run(call: &Call<'_>) -> Result<Response, Status> {
    let output = call.output()?;
    if output.format == Format::Yaml {
        return Err(crate::negotiate::output("text/none", false, false)
            .err()
            .unwrap_or_else(Status::no_such_path));
    }
    let selectors = Selectors::parse(call)?;
    let q = &call.query;
    let seconds = match q.int("timeoutSeconds")? {
        Some(s) if s > 0 => s.unsigned_abs(),
        _ => rand::random_range(SHORTEST_SECONDS..2 * SHORTEST_SECONDS),
    };
    let include = table::Include::parse(q.get("includeObject"))?;
    let namespace = call.context(false).namespace;
    let prefix = call.served.store.resource.list_prefix(&namespace);
    let start = start(call, &prefix, q).await?;
    let storage = &call.served.store.storage;
    let watch = storage
        .watch(WatchRequest {
            end: prefix_end(prefix.as_bytes()),
            key: prefix.into(),
            start_revision: start.revision + 1,
            prev_kv: true,
            progress_notify: true,
        })
        .await
        .map_err(codec::storage_error)?;
    let content_type = match output.format {
        Format::Protobuf => "application/vnd.kubernetes.protobuf;stream=watch",
        _ => "application/json",
    };
    let (out, events) = mpsc::channel(AHEAD);
    let watcher = Watcher {
        served: call.served.clone(),
        selectors,
        output,
        include,
        bookmarks: q.bool("allowWatchBookmarks"),
        first: true,
        out,
    };
    let deadline = Instant::now() + Duration::from_secs(seconds);
    tokio::spawn(watcher.pump(watch, start, deadline));
    let stream: ByteStream = Box::pin(tokio_stream::wrappers::ReceiverStream::new(events));
    let mut response = Response::new(200, content_type, Bytes::new());
    response.body = Body::Stream(stream);
    Ok(response)
}

/// Without a version, and from version 0, a watch starts with what there is.
async fn start(call: &Call<'_>, prefix: &str, q: &Query) -> Result<Start, Status> {
    let rv = q.get("resourceVersion").unwrap_or_default();
    let revision = parse_revision(rv)?;
    let announce = q.get("sendInitialEvents").is_some() && q.bool("sendInitialEvents");
    check_initial(q, announce)?;
    let quiet = q.get("sendInitialEvents").is_some() && !announce;
    if revision > 0 && (quiet || !announce) {
        return Ok(Start {
            initial: Vec::new(),
            revision,
            announce,
        });
    }
    let answer = call
        .served
        .store
        .storage
        .range(RangeRequest {
            count_only: quiet,
            ..RangeRequest::prefix(prefix)
        })
        .await
        .map_err(codec::storage_error)?;
    Ok(Start {
        initial: answer.kvs,
        revision: answer.revision,
        announce,
    })
}

/// `ValidateListOptions` for watches.
fn check_initial(q: &Query, _announce: bool) -> Result<(), Status> {
    use catena_objects::field::{Error, Errors, Path};
    let mut errors = Errors::new();
    let matching = q.get("resourceVersionMatch").unwrap_or_default();
    let sends = q.get("sendInitialEvents").is_some();
    let path = Path::new("resourceVersionMatch");
    if sends {
        if matching != "NotOlderThan" {
            errors.push(Error::forbidden(
                &path,
                "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
            ));
        }
    } else if !matching.is_empty() {
        errors.push(Error::forbidden(
            &path,
            "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
        ));
    }
    if errors.is_empty() {
        return Ok(());
    }
    Err(Status::invalid("meta.k8s.io", "ListOptions", "", &errors))
}

/// The stream is over: its client is gone or an error was its last event.
struct Over;

impl Watcher {
    async fn pump(mut self, mut watch: Watch, start: Start, deadline: Instant) {
        let _ = self.events(&mut watch, start, deadline).await;
    }

    async fn events(
        &mut self,
        watch: &mut Watch,
        start: Start,
        deadline: Instant,
    ) -> Result<(), Over> {
        for kv in &start.initial {
            let object = self.decode(kv).await?;
            if self.selectors.matches(&self.served.store.resource, &object) {
                self.send("ADDED", object).await?;
            }
        }
        let mut seen = start.revision;
        if start.announce {
            self.bookmark(seen, true).await?;
        }
        let mut tick = tokio::time::interval_at(Instant::now() + BOOKMARK_EVERY, BOOKMARK_EVERY);
        loop {
            tokio::select! {
                message = watch.messages.next() => match message {
                    Some(Ok(WatchMessage::Events { revision, events })) => {
                        seen = seen.max(revision);
                        for event in events {
                            self.event(event).await?;
                        }
                    }
                    Some(Ok(WatchMessage::Progress { revision })) => seen = seen.max(revision),
                    Some(Ok(WatchMessage::Created { .. })) => {}
                    Some(Err(e)) => return self.fail(&watch_error(e)).await,
                    None => return Ok(()),
                },
                _ = tick.tick() => {
                    watch.progress.request();
                    if self.bookmarks {
                        self.bookmark(seen, false).await?;
                    }
                }
                () = tokio::time::sleep_until(deadline) => return Ok(()),
                () = self.out.closed() => return Ok(()),
            }
        }
    }

    async fn decode(&mut self, kv: &KeyValue) -> Result<Value, Over> {
        match codec::decode(&self.served.store.resource, kv) {
            Ok(object) => Ok(object),
            Err(s) => {
                self.fail(&s).await?;
                Err(Over)
            }
        }
    }

    /// An object that enters the selection is ADDED, one that leaves it DELETED.
    async fn event(&mut self, event: Event) -> Result<(), Over> {
        let resource = self.served.store.resource.clone();
        let was = match &event.prev {
            Some(prev) => {
                let old = self.decode(prev).await?;
                self.selectors.matches(&resource, &old).then_some(old)
            }
            None => None,
        };
        if event.kind == EventKind::Delete {
            return self.gone(was, event.kv.mod_revision).await;
        }
        let object = self.decode(&event.kv).await?;
        match (was, self.selectors.matches(&resource, &object)) {
            (None, true) => self.send("ADDED", object).await,
            (Some(_), true) => self.send("MODIFIED", object).await,
            (Some(old), false) => self.gone(Some(old), event.kv.mod_revision).await,
            (None, false) => Ok(()),
        }
    }

    async fn gone(&mut self, was: Option<Value>, revision: i64) -> Result<(), Over> {
        let Some(mut object) = was else {
            return Ok(());
        };
        object.set(&["metadata", "resourceVersion"], revision.to_string());
        self.send("DELETED", object).await
    }

    async fn send(&mut self, kind: &str, object: Value) -> Result<(), Over> {
        let resource = &self.served.store.resource;
        let object = body::from_storage(resource, self.served.version(), object);
        let shaped = match &self.output.shape {
            Shape::Plain => object,
            Shape::Metadata(v) | Shape::MetadataList(v) => encode::metadata_only(&object, v),
            Shape::Table(v) => {
                let rv = object.str_at(&["metadata", "resourceVersion"]);
                let metadata = encode::list_metadata(rv).into();
                let columns = std::mem::take(&mut self.first);
                table::table(&self.served, v, metadata, &[object], self.include, columns)
            }
        };
        self.frame(kind, &shaped).await
    }

    async fn bookmark(&mut self, revision: i64, initial_end: bool) -> Result<(), Over> {
        let resource = &self.served.store.resource;
        let mut metadata = Map::new();
        metadata.insert("resourceVersion", revision.to_string());
        if initial_end {
            let mut annotations = Map::new();
            annotations.insert("k8s.io/initial-events-end", "true");
            metadata.insert("annotations", annotations);
        }
        let mut m = Map::new();
        let api = body::api_version(&resource.group, &self.served.version().name);
        m.insert("kind", resource.kind.as_str());
        m.insert("apiVersion", api);
        m.insert("metadata", metadata);
        let mut object = Value::from(m);
        if let Shape::Metadata(v) | Shape::MetadataList(v) = &self.output.shape {
            object = encode::metadata_only(&object, v);
        } else if !resource.custom
            && let Ok(d) =
                catena_schema::decode_object(&self.served.version().schema, object.clone(), false)
        {
            object = d.value;
        }
        self.frame("BOOKMARK", &object).await
    }

    async fn fail(&mut self, s: &Status) -> Result<(), Over> {
        self.frame("ERROR", &s.to_value()).await
    }

    async fn frame(&mut self, kind: &str, object: &Value) -> Result<(), Over> {
        let bytes = match self.output.format {
            Format::Protobuf => catena_protobuf::encode_watch_event(kind, object)
                .map_err(|e| Status::internal(e.to_string())),
            _ => {
                let mut out = Vec::with_capacity(256);
                out.extend_from_slice(b"{\"type\":\"");
                out.extend_from_slice(kind.as_bytes());
                out.extend_from_slice(b"\",\"object\":");
                json::write_value(&mut out, object);
                out.extend_from_slice(b"}\n");
                Ok(out.into())
            }
        };
        self.out.send(bytes).await.map_err(|_| Over)
    }
}

fn watch_error(e: catena_storage::Error) -> Status {
    match e {
        catena_storage::Error::Compacted { .. } => {
            Status::expired("The resourceVersion for the provided watch is too old.")
        }
        other => codec::storage_error(other),
    }
}
