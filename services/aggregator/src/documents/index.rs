//! `/`: the paths of all servers.

use std::collections::BTreeSet;

use catena_delegate::Response;
use catena_endpoints::encode;
use catena_objects::{Value, obj};

use crate::Front;

use super::health;

const OWN: [&str; 9] = [
    "/.well-known/openid-configuration",
    "/api",
    "/apis",
    "/apis/",
    "/metrics",
    "/openapi/v2",
    "/openapi/v3",
    "/openid/v1/jwks",
    "/version",
];

pub(super) fn answer(front: &Front) -> Response {
    let mut paths: BTreeSet<String> = OWN.map(str::to_owned).into();
    for kind in ["/healthz", "/livez", "/readyz"] {
        paths.insert(kind.to_owned());
        paths.extend(health::names(front).iter().map(|n| format!("{kind}/{n}")));
    }
    for link in &front.links {
        if let Some(description) = link.state().description {
            paths.extend(description.paths.iter().cloned());
        }
    }
    for entry in front.views.get().by_name.values() {
        if !entry.group.is_empty() {
            paths.insert(format!("/apis/{}", entry.group));
            paths.insert(format!("/apis/{}/{}", entry.group, entry.version));
        }
    }
    let list: Vec<Value> = paths.into_iter().map(Value::from).collect();
    Response::json(200, encode::pretty(&obj!({ "paths": list })))
}
