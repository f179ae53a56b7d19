//! What the front answers itself: index, versions, health, discovery, OpenAPI.

pub(crate) mod discovery;
pub(crate) mod health;
mod index;
pub(crate) mod openapi;
mod versions;

use std::sync::Arc;

use catena_delegate::Response;
use catena_endpoints::{encode, negotiate};
use catena_objects::{Status, Value};

use crate::{Front, call::Call};

/// The answer to a path that is the front's own, or `None`.
pub(crate) async fn answer(front: &Arc<Front>, call: &Call) -> Option<Result<Response, Status>> {
    let path = call.path.as_str();
    if path.starts_with("/openapi/") {
        return openapi::answer(front, call).await;
    }
    let found = match path.trim_end_matches('/') {
        "" if path == "/" => Ok(index::answer(front)),
        "/version" => Ok(versions::answer()),
        "/metrics" => Ok(crate::metrics::answer(call.header("accept"), front).await),
        "/.well-known/openid-configuration" => {
            let host = &front.settings.advertised;
            front.auth.openid_configuration(host)
        }
        "/openid/v1/jwks" => front.auth.jwks(),
        "/api" | "/apis" => discovery::root(front, call),
        other if other.starts_with("/version/") => Err(Status::no_such_path()),
        other => match other.split('/').nth(1)? {
            "healthz" | "livez" | "readyz" => health::answer(front, call).await,
            "apis" => return discovery::group(front, call),
            _ => return None,
        },
    };
    if !["GET", "HEAD"].contains(&call.method.as_str()) {
        return Some(Err(Status::method_not_allowed()));
    }
    Some(found)
}

/// A document in the format the client asks for.
fn document(call: &Call, value: &Value) -> Result<Response, Status> {
    let output = negotiate::plain(call.header("accept"))?;
    let bytes = encode::value(&output, value)?;
    Ok(Response::new(200, output.format.content_type(), bytes))
}
