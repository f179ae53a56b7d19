//! Containers: regular, init, ephemeral.

use std::collections::BTreeSet;

use catena_objects::{
    Value,
    field::{Error, Errors},
    names,
};

use super::{Scope, env, mounts, probes, resources, security};
use crate::rules::At;

/// `validateContainers`.
pub fn regular(at: &At, scope: &Scope, e: &mut Errors) {
    if at.is_empty() {
        at.required(e, "");
        return;
    }
    let mut seen = BTreeSet::new();
    for c in at.items() {
        common(&c, scope, e);
        if !seen.insert(c.text("name")) {
            e.push(Error::duplicate(&c.path.child("name"), c.text("name")));
        }
        probes::lifecycle(&c, scope, e);
        probes::probes(&c, scope, e);
        restart_policy(&c, e);
    }
    host_ports(at.items(), e);
}

/// `validateInitContainers`.
pub fn init(at: &At, scope: &Scope, e: &mut Errors) {
    let mut seen: BTreeSet<&str> = container_names(scope.spec, &["containers"]);
    for c in at.items() {
        common(&c, scope, e);
        if c.some("restartPolicy").is_none() {
            if !c.child("restartPolicyRules").is_empty() {
                c.child("restartPolicy")
                    .required(e, "must specify restartPolicy when restart rules are used");
            }
        } else {
            restart_policy(&c, e);
        }
        let name = c.text("name");
        if seen.contains(name) {
            e.push(Error::duplicate(&c.path.child("name"), name));
        } else if !name.is_empty() {
            seen.insert(name);
        }
        // Init containers run one by one; Go names the first path for all of them.
        host_ports(std::iter::once(At::new(c.v, at.path.index(0))), e);
        let sidecar = c.text("restartPolicy") == "Always";
        if sidecar {
            probes::lifecycle(&c, scope, e);
            probes::probes(&c, scope, e);
        } else {
            for name in [
                "lifecycle",
                "livenessProbe",
                "readinessProbe",
                "startupProbe",
            ] {
                if let Some(f) = c.some(name) {
                    f.forbidden(
                        e,
                        "may not be set for init containers without restartPolicy=Always",
                    );
                }
            }
        }
        if !sidecar && !scope.opts.restart_container_in_init {
            for p in c.child("resizePolicy").items() {
                if p.text("restartPolicy") == "RestartContainer" {
                    p.child("restartPolicy").bad_text(
                        e,
                        "must not be set to 'RestartContainer' for non-sidecar initContainers",
                    );
                }
            }
        }
    }
}

const NOT_EPHEMERAL: &str = "cannot be set for an Ephemeral Container";
/// Fields of a container that an ephemeral one may not have, in the order of the type.
const EPHEMERAL_FORBIDDEN: [&str; 9] = [
    "ports",
    "resources",
    "resizePolicy",
    "restartPolicy",
    "restartPolicyRules",
    "livenessProbe",
    "readinessProbe",
    "startupProbe",
    "lifecycle",
];

/// `validateEphemeralContainers`.
pub fn ephemeral(at: &At, scope: &Scope, e: &mut Errors) {
    let others = container_names(scope.spec, &["containers", "initContainers"]);
    let mut seen = others.clone();
    for c in at.items() {
        common(&c, scope, e);
        pod_only(&c, e);
        if !seen.insert(c.text("name")) {
            e.push(Error::duplicate(&c.path.child("name"), c.text("name")));
        }
        let target = c.child("targetContainerName");
        if !target.str().is_empty() && !others.contains(target.str()) {
            target.not_found(e);
        }
        for name in EPHEMERAL_FORBIDDEN {
            if set(c.child(name).v) {
                c.child(name).forbidden(e, NOT_EPHEMERAL);
            }
        }
        for m in c.child("volumeMounts").items() {
            for name in ["subPath", "subPathExpr"] {
                if !m.text(name).is_empty() {
                    m.child(name).forbidden(e, NOT_EPHEMERAL);
                }
            }
        }
    }
}

fn set(v: &Value) -> bool {
    match v {
        Value::Null => false,
        Value::Object(m) => m.values().any(set),
        _ => true,
    }
}

/// `validateContainerOnlyForPod`.
pub fn pod_only(c: &At, e: &mut Errors) {
    let image = c.child("image");
    if image.str().trim() != image.str() {
        image.bad_text(e, "must not have leading or trailing whitespace");
    }
}

/// Names of the containers in some lists of a spec.
pub fn container_names<'a>(spec: &'a Value, lists: &[&str]) -> BTreeSet<&'a str> {
    lists
        .iter()
        .flat_map(|l| spec.items_at(&[l]))
        .map(|c| c.str_at(&["name"]))
        .collect()
}

/// `validateContainerCommon`.
fn common(c: &At, scope: &Scope, e: &mut Errors) {
    let name = c.child("name");
    if name.str().is_empty() {
        name.required(e, "");
    } else {
        name.complain(e, names::dns1123_label(name.str(), false));
    }
    c.child("image").need(e);
    c.child("terminationMessagePolicy")
        .required_one_of(e, &["File", "FallbackToLogsOnError"]);
    ports(&c.child("ports"), e);
    env::env(&c.child("env"), e);
    env::env_from(&c.child("envFrom"), e);
    mounts::mounts(c, scope, e);
    mounts::devices(c, scope, e);
    pull_policy(&c.child("imagePullPolicy"), e);
    resources::container(&c.child("resources"), scope, e);
    resize_policy(&c.child("resizePolicy"), scope, e);
    security::container(&c.child("securityContext"), scope.host_users, e);
}

/// `validatePullPolicy`.
pub fn pull_policy(at: &At, e: &mut Errors) {
    at.required_one_of(e, &["Always", "IfNotPresent", "Never"]);
}

/// `validateContainerPorts`.
fn ports(at: &At, e: &mut Errors) {
    let mut seen = BTreeSet::new();
    for p in at.items() {
        let name = p.child("name");
        if !name.str().is_empty() {
            let bad = names::port_name(name.str());
            if !bad.is_empty() {
                name.complain(e, bad);
            } else if !seen.insert(name.str()) {
                name.duplicate(e);
            }
        }
        let port = p.child("containerPort");
        match port.int().unwrap_or(0) {
            0 => port.required(e, ""),
            n => port.complain_num(e, names::port_num(n)),
        }
        let host = p.child("hostPort");
        match host.int().unwrap_or(0) {
            0 => {}
            n => host.complain_num(e, names::port_num(n)),
        }
        p.child("protocol")
            .required_one_of(e, &["SCTP", "TCP", "UDP"]);
    }
}

/// `AccumulateUniqueHostPorts`.
fn host_ports<'a>(containers: impl Iterator<Item = At<'a>>, e: &mut Errors) {
    let mut seen = BTreeSet::new();
    for c in containers {
        for p in c.child("ports").items() {
            let port = p.num("hostPort");
            if port == 0 {
                continue;
            }
            let text = format!("{}/{}/{port}", p.text("protocol"), p.text("hostIP"));
            if !seen.insert(text.clone()) {
                e.push(Error::duplicate(&p.path.child("hostPort"), text));
            }
        }
    }
}

/// `validateResizePolicy`.
fn resize_policy(at: &At, scope: &Scope, e: &mut Errors) {
    let mut seen = BTreeSet::new();
    let never = scope.spec.str_at(&["restartPolicy"]) == "Never";
    for p in at.items() {
        let (resource, policy) = (p.text("resourceName"), p.text("restartPolicy"));
        if !seen.insert(resource) {
            e.push(Error::duplicate(&p.path, resource));
        }
        for (value, supported) in [
            (resource, ["cpu", "memory"]),
            (policy, ["NotRequired", "RestartContainer"]),
        ] {
            if value.is_empty() {
                at.required(e, "");
            } else if !supported.contains(&value) {
                e.push(Error::not_supported(&at.path, value, &supported));
            }
        }
        if never && policy != "NotRequired" {
            at.bad_value(
                e,
                policy,
                "must be 'NotRequired' when pod `restartPolicy` is 'Never'",
            );
        }
    }
}

/// `validateContainerRestartPolicy`.
fn restart_policy(c: &At, e: &mut Errors) {
    let policy = c.child("restartPolicy");
    let rules = c.child("restartPolicyRules");
    if policy.has() {
        policy.one_of(e, &["Always", "Never", "OnFailure"]);
    } else if rules.is_empty() {
        return;
    } else {
        policy.required(e, "must specify restartPolicy when restart rules are used");
    }
    if rules.len() > 20 {
        e.push(Error::too_many(&rules.path, rules.len(), 20));
    }
    for r in rules.items() {
        r.child("action")
            .one_of(e, &["Restart", "RestartAllContainers"]);
        let Some(codes) = r.some("exitCodes") else {
            r.child("exitCodes").required(e, "must be specified");
            continue;
        };
        codes.child("operator").one_of(e, &["In", "NotIn"]);
        let values = codes.child("values");
        if values.len() > 255 {
            e.push(Error::too_many(&values.path, values.len(), 255));
        }
    }
}
