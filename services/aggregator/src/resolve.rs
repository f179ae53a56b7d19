//! Addresses behind a service (`kube-aggregator/pkg/apiserver/resolvers.go`).

use std::net::IpAddr;

use catena_objects::{Value, json};
use catena_storage::{RangeRequest, Storage};

use crate::apiservices::ServiceRef;

/// Host and port to dial.
pub(crate) type Place = (String, u16);

/// Why a service has no address: reason and message of the condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Missing {
    pub(crate) reason: &'static str,
    pub(crate) message: String,
}

/// An object as it is stored, in JSON or protobuf.
fn decode(bytes: &[u8]) -> Option<Value> {
    if bytes.starts_with(catena_protobuf::MAGIC) {
        return catena_protobuf::decode_envelope(bytes).ok();
    }
    json::parse(bytes).ok()
}

async fn read(storage: &dyn Storage, range: RangeRequest) -> Result<Vec<Value>, String> {
    let answer = storage.range(range).await.map_err(|e| e.to_string())?;
    Ok(answer
        .kvs
        .iter()
        .filter_map(|kv| decode(&kv.value))
        .collect())
}

/// Where a service is dialled.
pub(crate) async fn service(storage: &dyn Storage, service: &ServiceRef) -> Result<Place, String> {
    let found = check(storage, service).await?;
    found.map_err(|missing| missing.message)
}

/// Where a service is, or what is missing; `Err` when storage does not answer.
pub(crate) async fn check(
    storage: &dyn Storage,
    s: &ServiceRef,
) -> Result<Result<Place, Missing>, String> {
    let key = format!("/registry/services/specs/{}/{}", s.namespace, s.name);
    let Some(object) = read(storage, RangeRequest::key(key)).await?.pop() else {
        let message = format!("service/{} in {:?} is not present", s.name, s.namespace);
        return Ok(Err(Missing {
            reason: "ServiceNotFound",
            message,
        }));
    };
    if object.str_at(&["spec", "type"]) == "ExternalName" {
        // Resolved where the connection is made.
        let name = object.str_at(&["spec", "externalName"]);
        return Ok(Ok((name.to_owned(), s.port)));
    }
    let port = object
        .items_at(&["spec", "ports"])
        .iter()
        .find(|p| p.i64_at(&["port"]) == Some(s.port.into()));
    let Some(port) = port else {
        let message = format!(
            "service/{} in {:?} is not listening on port {}",
            s.name, s.namespace, s.port
        );
        return Ok(Err(Missing {
            reason: "ServicePortError",
            message,
        }));
    };
    endpoint(storage, s, port.str_at(&["name"])).await
}

/// A ready endpoint: a pod is reached without the rules that kube-proxy makes
/// for cluster addresses, which a control plane beside its cluster lacks.
async fn endpoint(
    storage: &dyn Storage,
    s: &ServiceRef,
    port_name: &str,
) -> Result<Result<Place, Missing>, String> {
    let prefix = format!("/registry/endpointslices/{}/", s.namespace);
    let slices = read(storage, RangeRequest::prefix(&prefix)).await?;
    let label = ["metadata", "labels", "kubernetes.io/service-name"];
    let mut seen = false;
    let mut addresses = Vec::new();
    for slice in slices.iter().filter(|v| v.str_at(&label) == s.name) {
        seen = true;
        let ports = slice.items_at(&["ports"]);
        let port = ports
            .iter()
            .find(|p| p.str_at(&["name"]) == port_name)
            .and_then(|p| u16::try_from(p.i64_at(&["port"])?).ok());
        let Some(port) = port else {
            continue;
        };
        for endpoint in slice.items_at(&["endpoints"]) {
            if endpoint.bool_at(&["conditions", "ready"]) == Some(false) {
                continue;
            }
            let ips = endpoint.items_at(&["addresses"]);
            let ip = ips.first().and_then(|a| a.as_str()?.parse::<IpAddr>().ok());
            addresses.extend(ip.map(|ip| (ip, port)));
        }
    }
    if !seen {
        let message = format!(
            "cannot find endpointslices for service/{} in {:?}",
            s.name, s.namespace
        );
        return Ok(Err(Missing {
            reason: "EndpointsNotFound",
            message,
        }));
    }
    if addresses.is_empty() {
        let message = format!(
            "endpointslices for service/{} in {:?} have no addresses with port name {port_name:?}",
            s.name, s.namespace
        );
        return Ok(Err(Missing {
            reason: "MissingEndpoints",
            message,
        }));
    }
    let chosen = rand::random_range(0..addresses.len());
    let (ip, port) = addresses[chosen];
    Ok(Ok((ip.to_string(), port)))
}
