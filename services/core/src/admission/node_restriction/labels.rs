//! Labels that a kubelet may not give its node (`kubeletapis.IsKubeletLabel`).

use std::collections::BTreeSet;

use catena_objects::Value;

const OF_KUBELETS: [&str; 11] = [
    "kubernetes.io/hostname",
    "topology.kubernetes.io/zone",
    "topology.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/region",
    "beta.kubernetes.io/instance-type",
    "node.kubernetes.io/instance-type",
    "kubernetes.io/os",
    "kubernetes.io/arch",
    "beta.kubernetes.io/os",
    "beta.kubernetes.io/arch",
];

/// Changed labels that are not the kubelet's to change, sorted.
pub(super) fn forbidden<'a>(new: &'a Value, old: &'a Value) -> Vec<&'a str> {
    const LABELS: [&str; 2] = ["metadata", "labels"];
    let keys = |o: &'a Value| {
        let map = o.at(&LABELS).and_then(Value::as_object);
        map.into_iter().flat_map(|m| m.keys()).map(|k| k.as_str())
    };
    let of = |o: &'a Value, key: &str| o.at(&LABELS).and_then(|l| l.get(key));
    let all: BTreeSet<&str> = keys(new).chain(keys(old)).collect();
    all.into_iter()
        .filter(|key| of(new, key) != of(old, key))
        .filter(|key| is_forbidden(key))
        .collect()
}

fn is_forbidden(key: &str) -> bool {
    let domain = key.split_once('/').map_or("", |(domain, _)| domain);
    let within = |suffix: &str| {
        domain
            .strip_suffix(suffix)
            .is_some_and(|head| head.is_empty() || head.ends_with('.'))
    };
    if within("node-restriction.kubernetes.io") {
        return true;
    }
    let of_kubelets = OF_KUBELETS.contains(&key)
        || within("kubelet.kubernetes.io")
        || within("node.kubernetes.io");
    (within("kubernetes.io") || within("k8s.io")) && !of_kubelets
}
