//! Where pods and services are reached (`ResourceLocation` of their strategies).

use catena_objects::{Reason, Status, Value};
use catena_registry::{Context, Store};

use super::{
    kubelet::Kubelets,
    target::{Security, Target},
};
use crate::reader::ObjectReader;

/// `name`, `name:port` or `scheme:name:port` (`utilnet.SplitSchemeNamePort`).
pub(super) struct Id<'a> {
    pub(super) scheme: &'a str,
    pub(super) name: &'a str,
    pub(super) port: &'a str,
}

impl<'a> Id<'a> {
    pub(super) fn parse(text: &'a str, what: &str) -> Result<Self, Status> {
        let parts: Vec<&str> = text.split(':').collect();
        let id = match parts.as_slice() {
            [name] => ("", *name, ""),
            [name, port] => ("", *name, *port),
            [scheme @ ("http" | "https" | ""), name, port] => (*scheme, *name, *port),
            _ => ("", "", ""),
        };
        if id.1.is_empty() {
            let why = format!("invalid {what} request {text:?}");
            return Err(Status::bad_request(why));
        }
        let (scheme, name, port) = id;
        Ok(Self { scheme, name, port })
    }

    fn security(&self, kubelets: &Kubelets) -> Security {
        match self.scheme {
            "https" => kubelets.any_tls(),
            _ => Security::None,
        }
    }
}

fn number(text: &str) -> Result<u16, Status> {
    text.parse()
        .map_err(|_| Status::bad_request(format!("invalid port {text:?}")))
}

pub(super) async fn node(
    kubelets: &Kubelets,
    store: &Store,
    ctx: &Context,
    id: &str,
) -> Result<Target, Status> {
    let id = Id::parse(id, "node")?;
    let node = store.get(&ctx.namespace, id.name).await?;
    let kubelet = kubelets.of(&node, false)?;
    kubelet.check_address()?;
    if id.port.is_empty() || id.port == kubelet.port.to_string() {
        return Ok(kubelet);
    }
    Ok(Target {
        security: id.security(kubelets),
        host: kubelet.host,
        port: number(id.port)?,
    })
}

pub(super) async fn pod(
    kubelets: &Kubelets,
    store: &Store,
    ctx: &Context,
    id: &str,
) -> Result<Target, Status> {
    let id = Id::parse(id, "pod")?;
    let pod = store.get(&ctx.namespace, id.name).await?;
    let declared = pod
        .items_at(&["spec", "containers"])
        .iter()
        .find_map(|c| c.items_at(&["ports"]).first()?.i64_at(&["containerPort"]));
    let security = id.security(kubelets);
    let port = match (id.port, declared, &security) {
        ("", Some(port), _) => u16::try_from(port).unwrap_or(80),
        ("", None, Security::Tls(_)) => 443,
        ("", None, Security::None) => 80,
        (text, ..) => number(text)?,
    };
    let ips = pod.items_at(&["status", "podIPs"]);
    let ip = ips.first().map_or("", |ip| ip.str_at(&["ip"]));
    if ip.is_empty() {
        return Err(Status::bad_request("address not allowed"));
    }
    let target = Target {
        security,
        host: ip.to_owned(),
        port,
    };
    target.check_address()?;
    Ok(target)
}

pub(super) async fn service(
    kubelets: &Kubelets,
    reader: &dyn ObjectReader,
    store: &Store,
    ctx: &Context,
    text: &str,
) -> Result<Target, Status> {
    let id = Id::parse(text, "service")?;
    let service = store.get(&ctx.namespace, id.name).await?;
    let mut port = id.port.to_owned();
    if let Ok(n) = port.parse::<i64>() {
        let ports = service.items_at(&["spec", "ports"]);
        let Some(found) = ports.iter().find(|p| p.i64_at(&["port"]) == Some(n)) else {
            let why = format!("no service port {n} found for service {:?}", id.name);
            return Err(unavailable(&why));
        };
        found.str_at(&["name"]).clone_into(&mut port);
    }
    let slices = reader
        .list("discovery.k8s.io", "endpointslices", &ctx.namespace)
        .await?;
    let places: Vec<(String, u16)> = slices
        .iter()
        .filter(|s| catena_objects::meta::label(s, "kubernetes.io/service-name") == Some(id.name))
        .flat_map(|s| ready(s, &port))
        .collect();
    // Any of them: two random words of a fresh uid decide.
    let (dice, _) = uuid::Uuid::new_v4().as_u64_pair();
    let turn = usize::try_from(dice % u64::try_from(places.len().max(1)).unwrap_or(1));
    let Some((host, port)) = places.into_iter().nth(turn.unwrap_or(0)) else {
        let why = format!("no endpoints available for service {text:?}");
        return Err(unavailable(&why));
    };
    let security = id.security(kubelets);
    let target = Target {
        security,
        host,
        port,
    };
    target.check_address()?;
    Ok(target)
}

fn unavailable(why: &str) -> Status {
    Status::new(Reason::ServiceUnavailable, why)
}

/// Addresses of a slice that take requests, with the port of that name.
fn ready(slice: &Value, port: &str) -> Vec<(String, u16)> {
    let ports = slice.items_at(&["ports"]);
    let found = ports.iter().find(|p| p.str_at(&["name"]) == port);
    let Some(number) = found
        .and_then(|p| p.i64_at(&["port"]))
        .and_then(|n| u16::try_from(n).ok())
    else {
        return Vec::new();
    };
    slice
        .items_at(&["endpoints"])
        .iter()
        .filter(|e| e.bool_at(&["conditions", "ready"]) != Some(false))
        .filter_map(|e| e.items_at(&["addresses"]).first()?.as_str())
        .map(|address| (address.to_owned(), number))
        .collect()
}
