//! What an object uses of a quota (`pkg/quota/v1/evaluator/core`).

use std::collections::BTreeMap;

use catena_objects::{
    Value,
    quantity::{Format, Quantity},
};

use crate::steps::members;

/// Amounts by resource name.
pub(crate) type Usage = BTreeMap<String, Quantity>;

fn one() -> Quantity {
    Quantity::from_i64(1, Format::DecimalSi)
}

fn count(n: usize) -> Quantity {
    Quantity::from_i64(i64::try_from(n).unwrap_or(i64::MAX), Format::DecimalSi)
}

/// Amounts of a `ResourceList`.
pub(crate) fn amounts(v: &Value, path: &[&str]) -> Usage {
    members(v, path)
        .filter_map(|(k, q)| Some((k.to_owned(), Quantity::parse(q.as_str()?).ok()?)))
        .collect()
}

fn add(to: &mut Usage, more: &Usage) {
    for (k, q) in more {
        let sum = to.get(k).map_or_else(|| q.clone(), |old| old.add(q));
        to.insert(k.clone(), sum);
    }
}

fn max(to: &mut Usage, other: &Usage) {
    for (k, q) in other {
        if to.get(k).is_none_or(|old| old < q) {
            to.insert(k.clone(), q.clone());
        }
    }
}

/// Requests (or limits) of a pod: containers together, or the largest init
/// container with the sidecars before it; pod-level values win.
pub(crate) fn of_pod(pod: &Value, list: &str) -> Usage {
    let mut total = Usage::new();
    for c in pod.items_at(&["spec", "containers"]) {
        add(&mut total, &amounts(c, &["resources", list]));
    }
    let (mut sidecars, mut peak) = (Usage::new(), Usage::new());
    for c in pod.items_at(&["spec", "initContainers"]) {
        let own = amounts(c, &["resources", list]);
        if c.str_at(&["restartPolicy"]) == "Always" {
            add(&mut total, &own);
            add(&mut sidecars, &own);
            max(&mut peak, &sidecars);
        } else {
            let mut now = sidecars.clone();
            add(&mut now, &own);
            max(&mut peak, &now);
        }
    }
    max(&mut total, &peak);
    for (k, q) in amounts(pod, &["spec", "resources", list]) {
        total.insert(k, q);
    }
    add(&mut total, &amounts(pod, &["spec", "overhead"]));
    total
}

/// What a new object uses.
pub(crate) fn of(group: &str, plural: &str, object: &Value) -> Usage {
    let mut usage = Usage::new();
    let suffix = if group.is_empty() {
        String::new()
    } else {
        format!(".{group}")
    };
    usage.insert(format!("count/{plural}{suffix}"), one());
    match (group, plural) {
        ("", "pods") => pod(&mut usage, object),
        ("", "services") => service(&mut usage, object),
        ("", "persistentvolumeclaims") => claim(&mut usage, object),
        ("", "configmaps" | "secrets" | "replicationcontrollers" | "resourcequotas") => {
            usage.insert(plural.to_owned(), one());
        }
        _ => {}
    }
    usage
}

fn pod(usage: &mut Usage, object: &Value) {
    usage.insert("pods".into(), one());
    for (name, q) in of_pod(object, "requests") {
        if matches!(name.as_str(), "cpu" | "memory" | "ephemeral-storage") {
            usage.insert(name.clone(), q.clone());
        }
        usage.insert(format!("requests.{name}"), q);
    }
    for (name, q) in of_pod(object, "limits") {
        usage.insert(format!("limits.{name}"), q);
    }
}

fn service(usage: &mut Usage, object: &Value) {
    usage.insert("services".into(), one());
    let ports = object.items_at(&["spec", "ports"]).len();
    let (nodeports, balancers) = match object.str_at(&["spec", "type"]) {
        "NodePort" => (ports, 0),
        "LoadBalancer" => {
            let allocates =
                object.bool_at(&["spec", "allocateLoadBalancerNodePorts"]) != Some(false);
            (if allocates { ports } else { 0 }, 1)
        }
        _ => (0, 0),
    };
    usage.insert("services.nodeports".into(), count(nodeports));
    usage.insert("services.loadbalancers".into(), count(balancers));
}

fn claim(usage: &mut Usage, object: &Value) {
    usage.insert("persistentvolumeclaims".into(), one());
    let class = object.str_at(&["spec", "storageClassName"]).to_owned();
    let path = ["spec", "resources", "requests", "storage"];
    let size = Quantity::parse(object.str_at(&path)).ok();
    if let Some(size) = &size {
        usage.insert("requests.storage".into(), size.clone());
    }
    if !class.is_empty() {
        let prefix = format!("{class}.storageclass.storage.k8s.io");
        usage.insert(format!("{prefix}/persistentvolumeclaims"), one());
        if let Some(size) = size {
            usage.insert(format!("{prefix}/requests.storage"), size);
        }
    }
}
