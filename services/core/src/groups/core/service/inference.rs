//! What a write of a Service leaves to the server (`registry/core/service`).

use catena_objects::Value;

use super::externally_accessible;
use crate::steps::{each, keep, strings};

const IP: [&str; 2] = ["spec", "clusterIP"];
const IPS: [&str; 2] = ["spec", "clusterIPs"];
const HEALTH_PORT: [&str; 2] = ["spec", "healthCheckNodePort"];

pub(crate) fn needs_cluster_ip(s: &Value) -> bool {
    s.str_at(&["spec", "type"]) != "ExternalName"
}

pub(crate) fn needs_node_port(s: &Value) -> bool {
    match s.str_at(&["spec", "type"]) {
        "NodePort" => true,
        "LoadBalancer" => s.bool_at(&["spec", "allocateLoadBalancerNodePorts"]) != Some(false),
        _ => false,
    }
}

/// `NeedsHealthCheck`: a load balancer that keeps traffic local.
pub(crate) fn needs_health_check(s: &Value) -> bool {
    s.str_at(&["spec", "type"]) == "LoadBalancer"
        && s.str_at(&["spec", "externalTrafficPolicy"]) == "Local"
}

/// Clients may manage `clusterIP` alone; `clusterIPs` follows it.
pub(super) fn normalize_cluster_ips(new: &mut Value, old: Option<&Value>) {
    let ip = new.str_at(&IP).to_owned();
    let Some(old) = old else {
        if !ip.is_empty() && new.items_at(&IPS).is_empty() {
            new.set(&IPS, vec![Value::from(ip)]);
        }
        return;
    };
    let old_ip = old.str_at(&IP);
    if !old.items_at(&IPS).is_empty() && new.items_at(&IPS).is_empty() && old_ip == ip {
        keep(new, old, &IPS);
    }
    if old_ip == ip || strings(old, &IPS) != strings(new, &IPS) {
        return;
    }
    if !old_ip.is_empty() && ip.is_empty() {
        new.unset(&IPS);
    } else {
        new.set(&IPS, vec![Value::from(ip)]);
    }
}

/// `patchAllocatedValues`: what was allocated before stays when the client left it out.
pub(super) fn patch_allocated(new: &mut Value, old: &Value) {
    if needs_cluster_ip(old) && needs_cluster_ip(new) {
        if new.str_at(&IP).is_empty() && !old.str_at(&IP).is_empty() {
            keep(new, old, &IP);
        }
        if new.items_at(&IPS).is_empty() && !old.items_at(&IPS).is_empty() {
            keep(new, old, &IPS);
        }
    }
    if needs_node_port(old) && needs_node_port(new) {
        patch_node_ports(new, old);
    }
    let unset = new.i64_at(&HEALTH_PORT).unwrap_or(0) == 0;
    if needs_health_check(old) && needs_health_check(new) && unset {
        keep(new, old, &HEALTH_PORT);
    }
}

fn patch_node_ports(new: &mut Value, old: &Value) {
    let kept: Vec<i64> = node_ports(new);
    let named: Vec<(String, i64)> = old
        .items_at(&["spec", "ports"])
        .iter()
        .map(|p| {
            (
                p.str_at(&["name"]).to_owned(),
                p.i64_at(&["nodePort"]).unwrap_or(0),
            )
        })
        .collect();
    each(new, &["spec", "ports"], |port| {
        if port.i64_at(&["nodePort"]).unwrap_or(0) != 0 {
            return;
        }
        let name = port.str_at(&["name"]);
        let before = named
            .iter()
            .rev()
            .find(|(n, _)| n == name)
            .map_or(0, |(_, p)| *p);
        if before != 0 && !kept.contains(&before) {
            port.set(&["nodePort"], before);
        }
    });
}

/// Node ports in use, in the order of the ports.
pub(crate) fn node_ports(s: &Value) -> Vec<i64> {
    s.items_at(&["spec", "ports"])
        .iter()
        .filter_map(|p| p.i64_at(&["nodePort"]).filter(|n| *n != 0))
        .collect()
}

/// `dropTypeDependentFields`: fields that the new type has no use for, unless
/// the client changed them at the same time (which validation refuses).
pub(super) fn drop_type_dependent(new: &mut Value, old: &Value) {
    let same = |new: &Value, path: &[&str]| new.at(path) == old.at(path);
    // Defaulted without need once, and hidden on every read since.
    if new.str_at(&["spec", "type"]) == "ExternalName" {
        new.unset(&["spec", "internalTrafficPolicy"]);
    }
    if needs_cluster_ip(old) && !needs_cluster_ip(new) {
        if same(new, &IP) && same(new, &IPS) {
            new.unset(&IP);
            new.unset(&IPS);
        }
        for path in [["spec", "ipFamilies"], ["spec", "ipFamilyPolicy"]] {
            if same(new, &path) {
                new.unset(&path);
            }
        }
    }
    let drop_ports = needs_node_port(old) && !needs_node_port(new);
    if drop_ports && node_ports(old) == node_ports(new) {
        each(new, &["spec", "ports"], |p| drop(p.unset(&["nodePort"])));
    }
    if needs_health_check(old) && !needs_health_check(new) && same(new, &HEALTH_PORT) {
        new.unset(&HEALTH_PORT);
    }
    let balanced = |s: &Value| s.str_at(&["spec", "type"]) == "LoadBalancer";
    if balanced(old) && !balanced(new) {
        for path in [
            ["spec", "allocateLoadBalancerNodePorts"],
            ["spec", "loadBalancerClass"],
        ] {
            if same(new, &path) {
                new.unset(&path);
            }
        }
    }
    let policy = ["spec", "externalTrafficPolicy"];
    if externally_accessible(old) && !externally_accessible(new) && same(new, &policy) {
        new.unset(&policy);
    }
    if !balanced(new) {
        new.set(&["status", "loadBalancer"], Value::object());
    }
}
