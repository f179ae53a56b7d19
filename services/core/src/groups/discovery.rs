//! discovery.k8s.io: EndpointSlice.

use std::sync::Arc;

use catena_objects::{
    Value,
    field::{Error, Errors, Path},
    meta, names,
};
use catena_registry::{Context, Strategy};

use super::core::endpoints::endpoint_ip;
use crate::steps::{
    complaints, each, immutable, is_set, kube_finalizers, one_of, required_one_of, same, strings,
};

const MAX_ADDRESSES: usize = 100;
const MAX_PORTS: usize = 20_000;
const MAX_ENDPOINTS: usize = 1_000;
const MAX_HINTS: usize = 8;
const CONTROLLERS: [&str; 2] = [
    "endpointslice-controller.k8s.io",
    "endpointslicemirroring-controller.k8s.io",
];

/// Rules of a resource of the group.
pub fn strategy(plural: &str, _version: &str) -> Option<Arc<dyn Strategy>> {
    match plural {
        "endpointslices" => Some(Arc::new(EndpointSlice)),
        _ => None,
    }
}

/// `ValidateEndpointSlice`.
#[derive(Debug)]
pub struct EndpointSlice;

impl Strategy for EndpointSlice {
    fn default(&self, object: &mut Value) {
        each(object, &["ports"], |port| {
            port.set_default(&["name"], "");
            port.set_default(&["protocol"], "TCP");
        });
    }

    fn prepare_create(&self, _ctx: &Context, object: &mut Value) {
        each(object, &["endpoints"], |e| {
            drop(e.unset(&["deprecatedTopology"]))
        });
    }

    fn prepare_update(&self, _ctx: &Context, object: &mut Value, old: &Value) {
        if !same(object.get("endpoints"), old.get("endpoints")) {
            each(object, &["endpoints"], |e| {
                drop(e.unset(&["deprecatedTopology"]))
            });
        }
    }

    fn has_generation(&self) -> bool {
        true
    }

    /// Labels count: they say which service a slice belongs to.
    fn is_new_generation(&self, object: &Value, old: &Value) -> bool {
        let differs = |path: &[&str]| object.at(path) != old.at(path);
        differs(&["endpoints"]) || differs(&["ports"]) || differs(&["metadata", "labels"])
    }

    fn validate(&self, _ctx: &Context, object: &Value) -> Errors {
        let mut errors = checks(object);
        errors.extend(endpoints(object));
        errors
    }

    fn validate_update(&self, _ctx: &Context, object: &Value, old: &Value) -> Errors {
        let mut errors = checks(object);
        if !same(object.get("endpoints"), old.get("endpoints")) {
            errors.extend(endpoints(object));
        }
        let ty = Path::new("addressType");
        immutable(
            &mut errors,
            &ty,
            object.get("addressType"),
            old.get("addressType"),
        );
        errors
    }

    fn warnings(&self, _ctx: &Context, object: &Value, old: Option<&Value>) -> Vec<String> {
        let mut out = Vec::new();
        if old.is_none() && object.str_at(&["addressType"]) == "FQDN" {
            out.push("spec.addressType: FQDN endpoints are deprecated".into());
        }
        let manager = meta::label(object, "endpointslice.kubernetes.io/managed-by");
        if manager.is_some_and(|m| CONTROLLERS.contains(&m)) {
            return out;
        }
        for (i, endpoint) in object.items_at(&["endpoints"]).iter().enumerate() {
            let path = Path::new("endpoints").index(i).child("addresses");
            for (j, address) in strings(endpoint, &["addresses"]).into_iter().enumerate() {
                out.extend(names::ip_warnings(&path.index(j), address));
            }
        }
        out
    }
}

fn checks(object: &Value) -> Errors {
    let mut errors = kube_finalizers(object);
    let ty = object.str_at(&["addressType"]);
    required_one_of(
        &mut errors,
        &Path::new("addressType"),
        ty,
        &["FQDN", "IPv4", "IPv6"],
    );
    ports(&mut errors, object);
    errors
}

fn ports(errors: &mut Errors, object: &Value) {
    let all = object.items_at(&["ports"]);
    let root = Path::new("ports");
    if all.len() > MAX_PORTS {
        errors.push(Error::too_many(&root, all.len(), MAX_PORTS));
        return;
    }
    let mut seen: Vec<&str> = Vec::new();
    for (i, port) in all.iter().enumerate() {
        let path = root.index(i);
        let name = port.str_at(&["name"]);
        if !name.is_empty() {
            complaints(
                errors,
                &path.child("name"),
                name,
                names::dns1123_label(name, false),
            );
        }
        if seen.contains(&name) {
            errors.push(Error::duplicate(&path.child("name"), name));
        }
        seen.push(name);
        let protocol = port.str_at(&["protocol"]);
        one_of(
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
}

fn endpoints(object: &Value) -> Errors {
    let mut errors = Errors::new();
    let all = object.items_at(&["endpoints"]);
    let root = Path::new("endpoints");
    if all.len() > MAX_ENDPOINTS {
        errors.push(Error::too_many(&root, all.len(), MAX_ENDPOINTS));
        return errors;
    }
    let ty = object.str_at(&["addressType"]);
    for (i, endpoint) in all.iter().enumerate() {
        let path = root.index(i);
        addresses(&mut errors, &path.child("addresses"), endpoint, ty);
        if is_set(endpoint, &["nodeName"]) {
            let node = endpoint.str_at(&["nodeName"]);
            complaints(
                &mut errors,
                &path.child("nodeName"),
                node,
                names::dns1123_subdomain(node, false),
            );
        }
        if is_set(endpoint, &["hostname"]) {
            let host = endpoint.str_at(&["hostname"]);
            complaints(
                &mut errors,
                &path.child("hostname"),
                host,
                names::dns1123_label(host, false),
            );
        }
        hints(&mut errors, &path.child("hints"), endpoint);
    }
    errors
}

fn addresses(errors: &mut Errors, path: &Path, endpoint: &Value, ty: &str) {
    let all = strings(endpoint, &["addresses"]);
    if all.is_empty() {
        errors.push(Error::required(path, "must contain at least 1 address"));
    } else if all.len() > MAX_ADDRESSES {
        errors.push(Error::too_many(path, all.len(), MAX_ADDRESSES));
    }
    for (i, address) in all.into_iter().enumerate() {
        let at = path.index(i);
        let found = match ty {
            "IPv4" => names::valid_ip_legacy(&at, address, &[]),
            "IPv6" => names::valid_ip(&at, address),
            "FQDN" => {
                errors.extend(names::fully_qualified_domain_name(&at, address));
                continue;
            }
            _ => continue,
        };
        if found.is_empty() {
            let v6 = names::parse_ip_sloppy(address).is_some_and(|ip| ip.addr.is_ipv6());
            if v6 != (ty == "IPv6") {
                errors.push(Error::invalid(
                    path,
                    address,
                    format!("must be an {ty} address"),
                ));
            }
            endpoint_ip(errors, &at, address);
        }
        errors.extend(found);
    }
}

fn hints(errors: &mut Errors, path: &Path, endpoint: &Value) {
    for list in ["forZones", "forNodes"] {
        let all = endpoint.items_at(&["hints", list]);
        let root = path.child(list);
        if all.len() > MAX_HINTS {
            errors.push(Error::too_many(&root, all.len(), MAX_HINTS));
            return;
        }
        for (i, hint) in all.iter().enumerate() {
            let at = root.index(i).child("name");
            let name = hint.str_at(&["name"]);
            if all[..i].iter().any(|h| h.str_at(&["name"]) == name) {
                errors.push(Error::duplicate(&at, name));
            }
            let texts = if list == "forZones" {
                names::label_value(name)
            } else {
                names::dns1123_subdomain(name, false)
            };
            complaints(errors, &at, name, texts);
        }
    }
}
