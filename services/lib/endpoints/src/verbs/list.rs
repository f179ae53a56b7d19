//! GET of a collection.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use bytes::Bytes;
use catena_delegate::{Body, Response};
use catena_objects::{Map, Status, Value, field, json};
use catena_registry::codec;
use catena_storage::{KeyValue, RangeRequest, prefix_end};

use super::{Call, selectors::Selectors};
use crate::{
    body, encode,
    negotiate::{Format, Output, Shape},
    render, table,
};

/// Objects of one page read from storage at a time.
const PAGE: i64 = 500;
/// Size of the pieces in which a long list is sent.
const CHUNK: usize = 256 * 1024;

/// Where and from when to list.
struct Options {
    limit: i64,
    /// 0: now.
    revision: i64,
    /// Revision that the answer must have reached, 0 for any.
    not_older_than: i64,
    /// Key to go on from.
    start: Option<String>,
}

/// A page of stored objects that match.
struct Page {
    kvs: Vec<KeyValue>,
    revision: i64,
    next: String,
    remaining: Option<i64>,
}

/// Decoded objects in the storage version, and the list's metadata.
pub(super) struct Found {
    pub(super) objects: Vec<Value>,
    pub(super) metadata: Map,
}

pub(super) async fn run(call: &Call<'_>) -> Result<Response, Status> {
    let output = call.output()?;
    if let Shape::Metadata(_) = output.shape {
        return Err(Status::new(
            catena_objects::Reason::NotAcceptable,
            format!(
                "you requested PartialObjectMetadata, but the requested object is a list ({})",
                go_list_type(call)
            ),
        ));
    }
    let page = read(call).await?;
    let resource = &call.served.store.resource;
    let plain = output.format == Format::Json && output.shape == Shape::Plain && !output.pretty;
    if plain && call.served.is_stored_form() {
        return fast(call, &page);
    }
    let metadata = list_metadata(&page);
    let mut objects = Vec::with_capacity(page.kvs.len());
    for kv in &page.kvs {
        objects.push(codec::decode(resource, kv)?);
    }
    answer(call, &output, metadata, objects)
}

fn go_list_type(call: &Call<'_>) -> String {
    let resource = &call.served.store.resource;
    if resource.custom {
        return "*unstructured.UnstructuredList".to_owned();
    }
    let package = match resource.group.as_str() {
        "" => "core",
        g => g.split('.').next().unwrap_or_default(),
    };
    format!("*{package}.{}", resource.list_kind)
}

/// Everything that the request selects, without a limit.
pub(super) async fn collect(call: &Call<'_>) -> Result<Found, Status> {
    let page = read(call).await?;
    let resource = &call.served.store.resource;
    let objects: Result<Vec<Value>, Status> = page
        .kvs
        .iter()
        .map(|kv| codec::decode(resource, kv))
        .collect();
    Ok(Found {
        objects: objects?,
        metadata: list_metadata(&page),
    })
}

/// A list of objects of the storage version in the negotiated shape.
pub(super) fn answer(
    call: &Call<'_>,
    output: &Output,
    metadata: Map,
    objects: Vec<Value>,
) -> Result<Response, Status> {
    let served = call.served;
    let resource = &served.store.resource;
    let objects: Vec<Value> = objects
        .into_iter()
        .map(|o| body::from_storage(resource, served.version(), o))
        .collect();
    let v = match &output.shape {
        Shape::Table(version) => {
            let include = table::Include::parse(call.query.get("includeObject"))?;
            table::table(served, version, metadata.into(), &objects, include, true)
        }
        Shape::MetadataList(version) => {
            let items: Vec<Value> = objects
                .iter()
                .map(|o| {
                    let mut m = encode::metadata_only(o, version);
                    m.unset(&["kind"]);
                    m.unset(&["apiVersion"]);
                    m
                })
                .collect();
            list_value(
                "PartialObjectMetadataList",
                &format!("meta.k8s.io/{version}"),
                metadata,
                items,
                false,
            )
        }
        _ => {
            let items = objects
                .into_iter()
                .map(|o| item(o, resource.custom))
                .collect();
            let api = body::api_version(&resource.group, &served.version().name);
            list_value(&resource.list_kind, &api, metadata, items, resource.custom)
        }
    };
    Ok(Response::new(
        200,
        output.format.content_type(),
        encode::value(output, &v)?,
    ))
}

/// Items of built-in lists carry no kind and apiVersion.
fn item(mut object: Value, custom: bool) -> Value {
    if !custom {
        object.unset(&["kind"]);
        object.unset(&["apiVersion"]);
    }
    object
}

fn list_value(kind: &str, api: &str, metadata: Map, items: Vec<Value>, custom: bool) -> Value {
    let mut m = Map::new();
    if custom {
        m.insert("apiVersion", api);
        m.insert("items", items);
        m.insert("kind", kind);
        m.insert("metadata", metadata);
    } else {
        m.insert("kind", kind);
        m.insert("apiVersion", api);
        m.insert("metadata", metadata);
        m.insert("items", items);
    }
    m.into()
}

fn list_metadata(page: &Page) -> Map {
    let mut m = Map::new();
    m.insert("resourceVersion", page.revision.to_string());
    if !page.next.is_empty() {
        m.insert("continue", page.next.as_str());
    }
    if let Some(n) = page.remaining {
        m.insert("remainingItemCount", n);
    }
    m
}

/// JSON by concatenation of the stored bytes.
fn fast(call: &Call<'_>, page: &Page) -> Result<Response, Status> {
    let resource = &call.served.store.resource;
    let api = body::api_version(&resource.group, &call.served.version().name);
    let head = list_value(
        &resource.list_kind,
        &api,
        list_metadata(page),
        Vec::new(),
        false,
    );
    let mut out = json::to_vec(&head);
    out.truncate(out.len() - 2);
    let mut chunks: Vec<Bytes> = Vec::new();
    let prefix = format!("{{\"kind\":\"{}\",\"apiVersion\":\"{api}\",", resource.kind);
    for (i, kv) in page.kvs.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        let bytes = match kv.value.first() {
            Some(b'{') => render::with_revision(&kv.value, kv.mod_revision, resource.custom),
            _ => None,
        };
        let bytes = match bytes {
            Some(b) => b,
            None => json::to_vec(&codec::decode(resource, kv)?).into(),
        };
        match bytes.strip_prefix(prefix.as_bytes()) {
            Some(rest) if !resource.custom => {
                out.push(b'{');
                out.extend_from_slice(rest);
            }
            _ => out.extend_from_slice(&bytes),
        }
        if out.len() >= CHUNK {
            chunks.push(std::mem::take(&mut out).into());
        }
    }
    out.extend_from_slice(b"]}\n");
    if chunks.is_empty() {
        return Ok(Response::json(200, out));
    }
    chunks.push(out.into());
    let mut response = Response::json(200, Bytes::new());
    response.body = Body::Stream(Box::pin(futures_util::stream::iter(
        chunks.into_iter().map(Ok),
    )));
    Ok(response)
}

async fn read(call: &Call<'_>) -> Result<Page, Status> {
    let selectors = Selectors::parse(call)?;
    let options = options(call)?;
    let resource = &call.served.store.resource;
    let namespace = call.context(false).namespace;
    let prefix = resource.list_prefix(&namespace);
    let end = prefix_end(prefix.as_bytes());
    let mut start = options.start.as_ref().map_or_else(
        || prefix.clone(),
        |s| format!("{}/{s}", resource.key_prefix),
    );
    let mut page = Page {
        kvs: Vec::new(),
        revision: options.revision,
        next: String::new(),
        remaining: None,
    };
    loop {
        let limit = match options.limit {
            0 => 0,
            _ if !selectors.is_empty() => PAGE,
            limit => limit - page.kvs.len() as i64,
        };
        let answer = call
            .served
            .store
            .storage
            .range(RangeRequest {
                key: start.clone().into(),
                end: end.clone(),
                limit,
                revision: page.revision,
                ..RangeRequest::default()
            })
            .await
            .map_err(|e| gone(e, options.start.is_some()))?;
        if page.revision == 0 {
            page.revision = answer.revision;
        }
        if options.not_older_than > answer.revision {
            return Err(too_large(options.not_older_than, answer.revision));
        }
        let seen = answer.kvs.len() as i64;
        for kv in answer.kvs {
            start = format!("{}\0", String::from_utf8_lossy(&kv.key));
            if selectors.is_empty() || selectors.matches(resource, &codec::decode(resource, &kv)?) {
                page.kvs.push(kv);
                if options.limit > 0 && page.kvs.len() as i64 >= options.limit {
                    break;
                }
            }
        }
        let full = options.limit > 0 && page.kvs.len() as i64 >= options.limit;
        let rest = answer.more || (full && seen > page.kvs.len() as i64);
        if full && rest {
            let from = start
                .strip_prefix(&format!("{}/", resource.key_prefix))
                .unwrap_or(&start);
            page.next = token(page.revision, from);
            if selectors.is_empty() {
                page.remaining = Some(answer.count - seen);
            }
            return Ok(page);
        }
        if !answer.more {
            return Ok(page);
        }
    }
}

fn token(revision: i64, start: &str) -> String {
    let mut m = Map::new();
    m.insert("v", "meta.k8s.io/v1");
    m.insert("rv", revision);
    m.insert("start", start);
    BASE64.encode(json::to_vec(&m.into()))
}

fn gone(e: catena_storage::Error, continued: bool) -> Status {
    match e {
        catena_storage::Error::Compacted { .. } if continued => Status::expired(
            "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.",
        ),
        catena_storage::Error::Compacted { .. } => {
            Status::expired("The resourceVersion for the provided list is too old.")
        }
        catena_storage::Error::FutureRevision => Status::timeout("Too large resource version", 1),
        other => codec::storage_error(other),
    }
}

fn too_large(wanted: i64, current: i64) -> Status {
    let mut s = Status::timeout(
        format!("Too large resource version: {wanted}, current: {current}"),
        1,
    );
    if let Some(d) = &mut s.details {
        d.causes.push(catena_objects::status::Cause {
            reason: "ResourceVersionTooLarge".to_owned(),
            message: "Too large resource version".to_owned(),
            field: String::new(),
        });
    }
    s
}

fn options(call: &Call<'_>) -> Result<Options, Status> {
    let q = &call.query;
    let limit = q.int("limit")?.unwrap_or(0).max(0);
    let rv = q.get("resourceVersion").unwrap_or_default();
    let matching = q.get("resourceVersionMatch").unwrap_or_default();
    let continued = q.get("continue").unwrap_or_default();
    let errors = check(rv, matching, continued);
    if !errors.is_empty() {
        return Err(Status::invalid("meta.k8s.io", "ListOptions", "", &errors));
    }
    if !continued.is_empty() {
        return continue_options(continued, rv, limit);
    }
    let revision = parse_revision(rv)?;
    let exact = matching == "Exact" || (matching.is_empty() && limit > 0 && revision > 0);
    Ok(Options {
        limit,
        revision: if exact { revision } else { 0 },
        not_older_than: if exact { 0 } else { revision },
        start: None,
    })
}

pub(super) fn parse_revision(text: &str) -> Result<i64, Status> {
    if text.is_empty() {
        return Ok(0);
    }
    text.parse::<i64>().ok().filter(|r| *r >= 0).ok_or_else(|| {
        let mut errors = field::Errors::new();
        errors.push(field::Error::invalid(
            &field::Path::new("resourceVersion"),
            text,
            format!("strconv.ParseUint: parsing {text:?}: invalid syntax"),
        ));
        Status::bad_request(format!(
            "Invalid value: {text:?}: strconv.ParseUint: parsing {text:?}: invalid syntax"
        ))
    })
}

/// `ValidateListOptions` for lists.
fn check(rv: &str, matching: &str, continued: &str) -> field::Errors {
    let mut errors = field::Errors::new();
    let path = field::Path::new("resourceVersionMatch");
    if matching.is_empty() {
        return errors;
    }
    if rv.is_empty() {
        errors.push(field::Error::forbidden(
            &path,
            "resourceVersionMatch is forbidden unless resourceVersion is provided",
        ));
    }
    if !continued.is_empty() {
        errors.push(field::Error::forbidden(
            &path,
            "resourceVersionMatch is forbidden when continue is provided",
        ));
    }
    if !matches!(matching, "Exact" | "NotOlderThan") {
        errors.push(field::Error::not_supported(
            &path,
            matching,
            &["Exact", "NotOlderThan", ""],
        ));
    }
    if matching == "Exact" && rv == "0" {
        errors.push(field::Error::forbidden(
            &path,
            "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"",
        ));
    }
    errors
}

fn continue_options(token: &str, rv: &str, limit: i64) -> Result<Options, Status> {
    let bad = |why: &str| Status::bad_request(format!("continue key is not valid: {why}"));
    let raw = BASE64
        .decode(token.trim_end_matches('='))
        .map_err(|_| bad("illegal base64 data"))?;
    let v = json::parse(&raw).map_err(|e| bad(&e.to_string()))?;
    if v.str_at(&["v"]) != "meta.k8s.io/v1" {
        return Err(bad("server does not recognize this encoded version"));
    }
    if !rv.is_empty() && rv != "0" {
        return Err(Status::bad_request(
            "specifying resource version is not allowed when using continue",
        ));
    }
    let start = v.str_at(&["start"]).to_owned();
    if start.is_empty() {
        return Err(bad("encoded start key empty"));
    }
    let revision = v.i64_at(&["rv"]).unwrap_or(0);
    if start.contains("../") || start.starts_with('/') {
        return Err(bad(&format!("{start}: start key has an invalid path")));
    }
    Ok(Options {
        limit,
        revision: revision.max(0),
        not_older_than: 0,
        start: Some(start),
    })
}
