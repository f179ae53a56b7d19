//! `/openapi/v2` and `/openapi/v3`: the documents of all servers as one.

use std::sync::Arc;

use bytes::Bytes;
use catena_delegate::{Body, Outcome, Request, Response};
use catena_endpoints::negotiate;
use catena_objects::{Map, Status, Value, json, obj};
use http::{HeaderMap, HeaderValue, header};

use crate::{Front, apiservices, call::Call, link::Link, route};

const JSON: &str = "application/json";
const PROTOBUF: &str = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
/// As older clients spell it.
const OLD_PROTOBUF: &str = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";

/// The answer to a path below `/openapi`.
pub(super) async fn answer(front: &Arc<Front>, call: &Call) -> Option<Result<Response, Status>> {
    match call.path.trim_end_matches('/') {
        "/openapi/v2" => Some(v2(front, call).await),
        "/openapi/v3" => Some(Ok(index(front, call))),
        path => {
            let group_version = path.strip_prefix("/openapi/v3/")?;
            Some(v3(front, call, group_version).await)
        }
    }
}

/// Asks a server of the chain for a document, as JSON unless the client wants more.
async fn ask(link: &Link, call: &Call, path: &str) -> Result<Option<Response>, Status> {
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    let request = Request {
        method: "GET".to_owned(),
        path: path.to_owned(),
        headers,
        user: call.user.clone(),
        audit_id: call.audit_id.clone(),
        deadline: call.deadline,
        traceparent: call.traceparent.clone(),
        ..Request::default()
    };
    match link.delegate.serve(request).await? {
        Outcome::Served(response) if response.status == 200 => Ok(Some(response)),
        _ => Ok(None),
    }
}

async fn v2(front: &Arc<Front>, call: &Call) -> Result<Response, Status> {
    let types = [JSON, PROTOBUF, OLD_PROTOBUF];
    let Some(chosen) = negotiate::preferred(call.header("accept"), &types) else {
        return Ok(Response::new(406, "text/plain; charset=utf-8", ""));
    };
    let protobuf = types[chosen] != JSON;
    let mut parts = vec![front.own_openapi_v2()];
    for link in &front.links {
        if let Some(response) = ask(link, call, "/openapi/v2").await? {
            parts.push(route::whole(response.body).await?);
        }
    }
    let media = if protobuf { PROTOBUF } else { JSON };
    Ok(tagged(call, media, merged(front, &parts, protobuf)?))
}

/// The merged document; the last one of each encoding is kept.
fn merged(front: &Front, parts: &[Bytes], protobuf: bool) -> Result<Bytes, Status> {
    let key: String = parts.iter().map(|p| crate::etag(p)).collect();
    let kept = &front.openapi_v2[usize::from(protobuf)];
    if let Some((known, bytes)) = &**kept.load()
        && *known == key
    {
        return Ok(bytes.clone());
    }
    let mut bytes = catena_openapi::merge_v2(parts);
    if protobuf {
        bytes = catena_openapi::v2_protobuf(&bytes)?;
    }
    kept.store(Arc::new(Some((key, bytes.clone()))));
    Ok(bytes)
}

/// A document with its ETag, or 304 to a client that has it.
fn tagged(call: &Call, media: &'static str, bytes: Bytes) -> Response {
    let etag = format!("\"{}\"", crate::etag(&bytes));
    let mut answer = if call.header("if-none-match") == etag {
        Response::new(304, media, "")
    } else {
        Response::new(200, media, bytes)
    };
    if let Ok(value) = HeaderValue::from_str(&etag) {
        answer.headers.insert(header::ETAG, value);
    }
    answer.headers.insert(
        header::VARY,
        HeaderValue::from_static("Accept-Encoding, Accept"),
    );
    answer
}

/// Which documents there are, with the hash that changes when one does.
fn index(front: &Front, call: &Call) -> Response {
    let mut paths = Map::new();
    let mut add = |group: &str, version: &str, etag: &str| {
        let path = if group.is_empty() {
            format!("api/{version}")
        } else {
            format!("apis/{group}/{version}")
        };
        let url = format!("/openapi/v3/{path}?hash={etag}");
        paths.insert(path, obj!({ "serverRelativeURL": url }));
    };
    let own = front.own_discovery();
    if !front.settings.chain_only {
        add(&own.group, &own.version, &own.openapi_etag);
    }
    for link in &front.links {
        for g in link.state().description.iter().flat_map(|d| &d.groups) {
            add(&g.group, &g.version, &g.openapi_etag);
        }
    }
    let v: Value = obj!({ "paths": (Value::from(paths)) });
    tagged(call, "application/json", json::to_vec(&v).into())
}

async fn v3(front: &Arc<Front>, call: &Call, which: &str) -> Result<Response, Status> {
    let own = format!("apis/{}/v1", apiservices::GROUP);
    if which == own {
        return Ok(tagged(call, "application/json", front.own_openapi_v3()));
    }
    let path = format!("/openapi/v3/{which}");
    for link in &front.links {
        if let Some(response) = ask(link, call, &path).await? {
            return match response.body {
                Body::Full(bytes) => Ok(tagged(call, "application/json", bytes)),
                _ => Ok(response),
            };
        }
    }
    Ok(Response::new(404, "text/plain; charset=utf-8", ""))
}
