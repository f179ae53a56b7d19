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
    let path = path.trim_end_matches('/');
    if let Some(route) = route(path)
        && let Err(refused) = check_route(call, &route)
    {
        return Some(Err(refused));
    }
    Some(match path {
        "" if call.path == "/" => Ok(index::answer(front)),
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
    })
}

/// A document that is a route of kube-apiserver: it has one method. What is no
/// route answers every method in the same way.
enum Route {
    Of(&'static str),
    /// Of several types, one of which is chosen when it is written.
    OfSeveral,
}

fn route(path: &str) -> Option<Route> {
    match path {
        "/version" | "/.well-known/openid-configuration" => Some(Route::Of("application/json")),
        "/openid/v1/jwks" => Some(Route::Of("application/jwk-set+json")),
        "/api" => Some(Route::OfSeveral),
        _ => None,
    }
}

fn check_route(call: &Call, route: &Route) -> Result<(), Status> {
    if call.method != "GET" {
        return Err(Status::method_not_allowed());
    }
    match route {
        Route::Of(media) => negotiate::route(call.header("accept"), media),
        Route::OfSeveral => Ok(()),
    }
}

/// A document in the format that was negotiated.
fn document(output: &negotiate::Output, value: &Value) -> Result<Response, Status> {
    let bytes = encode::value(output, value)?;
    Ok(Response::new(200, output.format.content_type(), bytes))
}
