//! Warnings about pod specs (`pkg/api/pod/warnings.go`): what is taken but hardly meant.

mod overlap;

use std::collections::BTreeMap;

use catena_objects::{Value, field::Path, names};

use super::validate::visit;
use crate::rules::{At, equality::same_at, quantity};

const NO_SELECTOR: &str = "a null labelSelector results in matching no pod";
const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";

/// Volume types that are gone or going.
const OLD_VOLUMES: [(&str, &str, &str); 9] = [
    (
        "photonPersistentDisk",
        "photonPersistentDisk",
        "deprecated in v1.11, non-functional in v1.16+",
    ),
    (
        "gitRepo",
        "gitRepo",
        "deprecated in v1.11, and disabled by default in v1.33+",
    ),
    (
        "scaleIO",
        "scaleIO",
        "deprecated in v1.16, non-functional in v1.22+",
    ),
    (
        "flocker",
        "flocker",
        "deprecated in v1.22, non-functional in v1.25+",
    ),
    (
        "storageos",
        "storageOS",
        "deprecated in v1.22, non-functional in v1.25+",
    ),
    (
        "quobyte",
        "quobyte",
        "deprecated in v1.22, non-functional in v1.25+",
    ),
    (
        "glusterfs",
        "glusterfs",
        "deprecated in v1.25, non-functional in v1.26+",
    ),
    (
        "cephfs",
        "cephfs",
        "deprecated in v1.28, non-functional in v1.31+",
    ),
    (
        "rbd",
        "rbd",
        "deprecated in v1.28, non-functional in v1.31+",
    ),
];

/// Warnings about the template at a path of an object, when it is new or changed.
pub fn of_template(object: &Value, old: Option<&Value>, path: &[&str]) -> Vec<String> {
    if old.is_some_and(|o| same_at(object, o, &path[..1])) {
        return Vec::new();
    }
    let null = Value::Null;
    let at = At::new(
        object.at(path).unwrap_or(&null),
        Path::default().children(path),
    );
    about(&at)
}

/// A name that becomes part of host names should be a label.
pub fn of_name(object: &Value, old: Option<&Value>) -> Option<String> {
    let bad = names::dns1123_label(object.str_at(&["metadata", "name"]), false);
    (old.is_none() && !bad.is_empty()).then(|| {
        format!(
            "metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended: [{}]",
            bad.join(" ")
        )
    })
}

/// Warnings about a pod or a template: what has `metadata` and `spec`.
pub fn about(at: &At) -> Vec<String> {
    let mut out = Vec::new();
    let spec = at.child("spec");
    for t in spec.child("topologySpreadConstraints").items() {
        if !t.child("labelSelector").has() {
            out.push(format!("{}: {NO_SELECTOR}", t.path.child("labelSelector")));
        }
    }
    for v in spec.child("volumes").items() {
        for (name, shown, why) in OLD_VOLUMES {
            if v.child(name).has() {
                out.push(format!("{}: {why}", v.path.child(shown)));
            }
        }
    }
    overlap::warn(&spec.child("volumes"), &mut out);
    repeated(&spec, "hostAliases", "ip", &mut out);
    repeated(&spec, "imagePullSecrets", "name", &mut out);
    for s in spec.child("imagePullSecrets").items() {
        if s.text("name").is_empty() {
            out.push(format!("{}: invalid empty name \"\"", s.path.child("name")));
        }
    }
    fractions(&spec.child("overhead"), &mut out);
    for c in visit(&spec) {
        for list in ["limits", "requests"] {
            fractions(&c.child("resources").child(list), &mut out);
        }
        hidden_env(&c.child("env"), &mut out);
    }
    ports(&spec, &mut out);
    let grace = spec.child("terminationGracePeriodSeconds");
    if grace.int().is_some_and(|g| g < 0) {
        out.push(format!(
            "{}: must be >= 0; negative values are invalid and will be treated as 1",
            grace.path
        ));
    }
    affinity(&spec.child("affinity"), &mut out);
    for ns in spec.child("dnsConfig").child("nameservers").items() {
        out.extend(names::ip_warnings(&ns.path, ns.str()));
    }
    for a in spec.child("hostAliases").items() {
        out.extend(names::ip_warnings(&a.path.child("ip"), a.text("ip")));
    }
    out
}

fn repeated(spec: &At, list: &str, key: &str, out: &mut Vec<String>) {
    let items: Vec<At> = spec.child(list).items().collect();
    for (i, item) in items.iter().enumerate() {
        let value = item.text(key);
        if items[..i].iter().any(|o| o.text(key) == value) {
            out.push(format!(
                "{}: duplicate {key} {value:?}",
                item.path.child(key)
            ));
        }
    }
}

fn fractions(at: &At, out: &mut Vec<String>) {
    for (name, q) in at.entries() {
        if matches!(name, "memory" | "ephemeral-storage") && !quantity::is_whole(q.v) {
            let text = quantity::text(q.v);
            out.push(format!(
                "{}: fractional byte value {text:?} is invalid, must be an integer",
                q.path
            ));
        }
    }
}

fn hidden_env(at: &At, out: &mut Vec<String>) {
    let items: Vec<At> = at.items().collect();
    for (i, v) in items.iter().enumerate() {
        let (name, value) = (v.text("name"), v.text("value"));
        let reference = format!("$({name})");
        let extends =
            v.some("valueFrom").is_none() && value != reference && value.contains(&reference);
        if items[..i].iter().any(|o| o.text("name") == name) && !extends {
            out.push(format!(
                "{}: hides previous definition of {name:?}, which may be dropped when using apply",
                v.path
            ));
        }
    }
}

fn ports(spec: &At, out: &mut Vec<String>) {
    let mut by_port: BTreeMap<String, Vec<At>> = BTreeMap::new();
    let mut names: BTreeMap<&str, Path> = BTreeMap::new();
    let mut about_names = Vec::new();
    for c in visit(spec) {
        for p in c.child("ports").items() {
            let key = format!("{}/{}", p.num("containerPort"), p.text("protocol"));
            let others = by_port.entry(key).or_default();
            for o in others.iter() {
                let same_host_port = p.num("hostPort") == o.num("hostPort");
                let (a, b) = (p.text("hostIP"), o.text("hostIP"));
                let how = if a == b && same_host_port {
                    "duplicate"
                } else if p.num("hostPort") == 0 || o.num("hostPort") == 0 {
                    "overlapping"
                } else if same_host_port && a.is_empty() != b.is_empty() {
                    "dangerously ambiguous"
                } else {
                    continue;
                };
                out.push(format!("{}: {how} port definition with {}", p.path, o.path));
            }
            let name = p.text("name");
            match names.get(name) {
                _ if name.is_empty() => {}
                Some(o) => about_names.push(format!(
                    "{}: duplicate port name {name:?} with {o}, services and probes that select ports by name will use {o}",
                    p.path
                )),
                None => drop(names.insert(name, p.path.clone())),
            }
            others.push(p);
        }
    }
    out.extend(about_names);
}

fn affinity(at: &At, out: &mut Vec<String>) {
    for kind in ["podAffinity", "podAntiAffinity"] {
        let pods = at.child(kind);
        let preferred = pods.child(PREFERRED);
        let terms = pods.child(REQUIRED).items().collect::<Vec<_>>().into_iter();
        for t in terms.chain(preferred.items().map(|w| w.child("podAffinityTerm"))) {
            if !t.child("labelSelector").has() {
                out.push(format!("{}: {NO_SELECTOR}", t.path.child("labelSelector")));
            }
        }
    }
}
