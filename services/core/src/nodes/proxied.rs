//! `nodes/proxy`, `pods/proxy` and `services/proxy`
//! (`apimachinery/pkg/util/proxy`, `UpgradeAwareHandler`).

use catena_objects::{Reason, Status};
use catena_registry::{Connected, Connecting, Context, Store};
use futures_util::{StreamExt as _, stream};
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::{
    Nodes,
    forward::{self, Outgoing},
    page::{self, Links},
    places, query,
};

pub(super) async fn answer(
    nodes: &Nodes,
    ctx: &Context,
    store: &Store,
    name: &str,
    request: Connecting,
) -> Result<Connected, Status> {
    if request.rest.is_empty() && request.input.is_none() {
        return redirect(&request);
    }
    let kubelets = &nodes.kubelets;
    let target = match store.resource.plural.as_str() {
        "nodes" => places::node(kubelets, store, ctx, name).await?,
        "pods" => places::pod(kubelets, store, ctx, name).await?,
        _ => places::service(kubelets, &*nodes.reader, store, ctx, name).await?,
    };
    let prefix = request
        .path
        .strip_suffix(&request.rest)
        .unwrap_or(&request.path)
        .to_owned();
    let mut uri = query::path(&request.rest);
    if !uri.starts_with('/') {
        uri.insert(0, '/');
    }
    if !request.query.is_empty() {
        uri = format!("{uri}?{}", request.query);
    }
    let mut headers = request.headers;
    let asked = headers.get(header::HOST);
    let asked = asked.and_then(|h| h.to_str().ok()).unwrap_or_default();
    let asked = asked.to_owned();
    let mut forwarded = page::joined(prefix.as_bytes(), request.rest.as_bytes());
    if request.rest.ends_with('/') {
        forwarded.push(b'/');
    }
    let forwarded = query::path(&String::from_utf8_lossy(&forwarded));
    if let Ok(value) = HeaderValue::from_str(&forwarded) {
        headers.insert("x-forwarded-uri", value);
    }
    let outgoing = Outgoing {
        method: request.method,
        uri,
        headers,
        body: request.body,
        input: request.input,
    };
    let mut answer = forward::send(&*nodes.egress, &target, outgoing)
        .await
        .map_err(|why| {
            let why = format!("error trying to reach service: {why}");
            Status::new(Reason::ServiceUnavailable, why)
        })?;
    // What a server says of other origins is not for the API's own.
    for name in [
        header::ACCESS_CONTROL_ALLOW_ORIGIN,
        header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        header::ACCESS_CONTROL_ALLOW_METHODS,
    ] {
        answer.headers.remove(name);
    }
    if answer.status != StatusCode::SWITCHING_PROTOCOLS.as_u16() {
        let links = Links {
            target: target.authority(),
            asked,
            prefix,
        };
        answer.body = page::rewrite(&mut answer.headers, answer.body, links)?;
    }
    Ok(answer)
}

/// Relative links work only below a path with a slash at its end.
fn redirect(request: &Connecting) -> Result<Connected, Status> {
    let mut to = format!("{}/", query::path(&request.path));
    if !request.query.is_empty() {
        to = format!("{to}?{}", request.query);
    }
    let location = HeaderValue::from_str(&to).map_err(|e| Status::bad_request(e.to_string()))?;
    let mut headers = HeaderMap::new();
    headers.insert(header::LOCATION, location);
    Ok(Connected {
        status: StatusCode::MOVED_PERMANENTLY.as_u16(),
        headers,
        body: stream::empty().boxed(),
    })
}
