//! Endpoints: `ValidateEndpoints`.

use std::net::IpAddr;

use catena_objects::{
    Value,
    field::{Error, Errors, Path},
    names,
};
use catena_registry::{Context, Strategy};

use crate::steps::{complaints, each, is_set, kube_finalizers, required_one_of, same};

#[derive(Debug)]
pub struct Endpoints;

impl Strategy for Endpoints {
    fn default(&self, object: &mut Value) {
        each(object, &["subsets"], |subset| {
            each(subset, &["ports"], |port| {
                if port.str_at(&["protocol"]).is_empty() {
                    port.set(&["protocol"], "TCP");
                }
            });
        });
    }

    fn prepare_update(&self, _ctx: &Context, _object: &mut Value, _old: &Value) {}

    fn validate(&self, _ctx: &Context, object: &Value) -> Errors {
        let mut errors = kube_finalizers(object);
        errors.extend(subsets(object));
        errors
    }

    fn validate_update(&self, _ctx: &Context, object: &Value, old: &Value) -> Errors {
        let errors = subsets(object);
        if same(object.get("subsets"), old.get("subsets")) {
            return Errors::new();
        }
        errors
    }

    fn warnings(&self, _ctx: &Context, object: &Value, _old: Option<&Value>) -> Vec<String> {
        let mut out = Vec::new();
        for (i, subset) in object.items_at(&["subsets"]).iter().enumerate() {
            for list in ["addresses", "notReadyAddresses"] {
                let path = Path::new("subsets").index(i).child(list);
                for (j, address) in subset.items_at(&[list]).iter().enumerate() {
                    let ip = address.str_at(&["ip"]);
                    out.extend(names::ip_warnings(&path.index(j).child("ip"), ip));
                }
            }
        }
        out
    }

    fn allow_create_on_update(&self) -> bool {
        true
    }
}

fn subsets(object: &Value) -> Errors {
    let mut errors = Errors::new();
    for (i, subset) in object.items_at(&["subsets"]).iter().enumerate() {
        let path = Path::new("subsets").index(i);
        let lists = ["addresses", "notReadyAddresses"];
        if lists.iter().all(|l| subset.items_at(&[l]).is_empty()) {
            let text = "must specify `addresses` or `notReadyAddresses`";
            errors.push(Error::required(&path, text));
        }
        for list in lists {
            for (j, address) in subset.items_at(&[list]).iter().enumerate() {
                endpoint_address(&mut errors, &path.child(list).index(j), address);
            }
        }
        let ports = subset.items_at(&["ports"]);
        for (j, port) in ports.iter().enumerate() {
            endpoint_port(
                &mut errors,
                &path.child("ports").index(j),
                port,
                ports.len() > 1,
            );
        }
    }
    errors
}

fn endpoint_address(errors: &mut Errors, path: &Path, address: &Value) {
    let ip = address.str_at(&["ip"]);
    errors.extend(names::valid_ip_legacy(&path.child("ip"), ip, &[]));
    let host = address.str_at(&["hostname"]);
    if !host.is_empty() {
        complaints(
            errors,
            &path.child("hostname"),
            host,
            names::dns1123_label(host, false),
        );
    }
    if is_set(address, &["nodeName"]) {
        let node = address.str_at(&["nodeName"]);
        complaints(
            errors,
            &path.child("nodeName"),
            node,
            names::dns1123_subdomain(node, false),
        );
    }
    endpoint_ip(errors, &path.child("ip"), ip);
}

fn endpoint_port(errors: &mut Errors, path: &Path, port: &Value, named: bool) {
    let name = port.str_at(&["name"]);
    if named && name.is_empty() {
        errors.push(Error::required(&path.child("name"), ""));
    } else if !name.is_empty() {
        complaints(
            errors,
            &path.child("name"),
            name,
            names::dns1123_label(name, false),
        );
    }
    let number = port.i64_at(&["port"]).unwrap_or(0);
    for text in names::port_num(number) {
        errors.push(Error::invalid(&path.child("port"), number, text));
    }
    let protocol = port.str_at(&["protocol"]);
    required_one_of(
        errors,
        &path.child("protocol"),
        protocol,
        &["SCTP", "TCP", "UDP"],
    );
    if is_set(port, &["appProtocol"]) {
        let text = port.str_at(&["appProtocol"]);
        complaints(
            errors,
            &path.child("appProtocol"),
            text,
            names::qualified_name(text),
        );
    }
}

/// `ValidateEndpointIP`: also for external addresses of a Service and endpoint slices.
pub(crate) fn endpoint_ip(errors: &mut Errors, path: &Path, ip: &str) {
    let Some(parsed) = names::parse_ip_sloppy(ip) else {
        errors.push(Error::invalid(path, ip, "must be a valid IP address"));
        return;
    };
    let addr = parsed.addr;
    let mut wrong = |text: &str| errors.push(Error::invalid(path, ip, text));
    if addr.is_unspecified() {
        wrong(&format!("may not be unspecified ({ip})"));
    }
    if addr.is_loopback() {
        wrong("may not be in the loopback range (127.0.0.0/8, ::1/128)");
    }
    let (link_local, link_local_multicast) = match addr {
        IpAddr::V4(a) => (a.is_link_local(), a.octets()[..3] == [224, 0, 0]),
        IpAddr::V6(a) => (
            a.is_unicast_link_local(),
            a.segments()[0] & 0xff0f == 0xff02,
        ),
    };
    if link_local {
        wrong("may not be in the link-local range (169.254.0.0/16, fe80::/10)");
    }
    if link_local_multicast {
        wrong("may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)");
    }
}
