//! PodSecurity: pods keep to the standard that their namespace's labels name.

mod existing;
mod policy;

use std::{collections::BTreeSet, sync::Arc};

use async_trait::async_trait;
use catena_objects::{Status, Value};
use catena_registry::{Admission, Attributes, Operation};

use super::forbidden;
use crate::{
    reader::ObjectReader,
    steps::{is_set, strings},
};
use policy::{Level, Policy, Standard};

/// Kinds with a template of pods: of what it breaks they are warned.
const TEMPLATES: [(&str, &str); 8] = [
    ("", "podtemplates"),
    ("", "replicationcontrollers"),
    ("apps", "replicasets"),
    ("apps", "deployments"),
    ("apps", "statefulsets"),
    ("apps", "daemonsets"),
    ("batch", "jobs"),
    ("batch", "cronjobs"),
];

pub(super) struct PodSecurity {
    pub(super) reader: Arc<dyn ObjectReader>,
}

#[async_trait]
impl Admission for PodSecurity {
    fn handles(&self, operation: Operation, group: &str, resource: &str, sub: &str) -> bool {
        matches!(operation, Operation::Create | Operation::Update)
            && match (group, resource) {
                ("", "pods") => matches!(sub, "" | "ephemeralcontainers"),
                ("", "namespaces") => sub.is_empty(),
                other => sub.is_empty() && TEMPLATES.contains(&other),
            }
    }

    async fn validate(&self, a: &Attributes<'_>) -> Result<(), Status> {
        let Some(pod) = a.object.as_deref() else {
            return Ok(());
        };
        if a.resource.plural == "namespaces" {
            return self.namespace(a, pod).await;
        }
        if a.old.is_some_and(|old| old.get("spec") == pod.get("spec")) {
            return Ok(());
        }
        let Some(ns) = self
            .reader
            .known("", "namespaces", "", &a.ctx.namespace)
            .await?
        else {
            return Ok(());
        };
        let (policy, _) = Policy::of(&ns);
        let is_pod = a.resource.plural == "pods";
        if is_pod && let Some(found) = judge(&policy.enforce, pod) {
            return Err(forbidden(a, &format!("violates PodSecurity {found}")));
        }
        let wrapped = template(pod);
        let shown = if is_pod { Some(pod) } else { wrapped.as_ref() };
        if let Some(found) = shown.and_then(|p| judge(&policy.warn, p)) {
            let text = format!("would violate PodSecurity {found}");
            a.ctx.warnings.add(text);
        }
        Ok(())
    }
}

impl PodSecurity {
    /// Labels that say nothing are refused where they are written; pods that break
    /// a level that is enforced from now on are told.
    async fn namespace(&self, a: &Attributes<'_>, namespace: &Value) -> Result<(), Status> {
        let (policy, errors) = Policy::of(namespace);
        let name = namespace.str_at(&["metadata", "name"]);
        let before = a.old.map(Policy::of);
        let known = before.as_ref().is_some_and(|(_, was)| *was == errors);
        if !errors.is_empty() && !known {
            return Err(Status::invalid("", "Namespace", name, &errors));
        }
        let Some((before, _)) = before else {
            return Ok(());
        };
        let (now, was) = (&policy.enforce, &before.enforce);
        let relaxed = now.version == was.version && now.level <= was.level;
        if now.level > Level::Privileged && !relaxed {
            let pods = self.reader.list("", "pods", name).await?;
            let warnings = existing::warnings(&pods, name, now);
            a.ctx.warnings.extend(warnings);
        }
        Ok(())
    }
}

/// The template of pods in an object of [`TEMPLATES`], which has the shape of a pod.
fn template(object: &Value) -> Option<Value> {
    const PLACES: [&[&str]; 3] = [
        &["spec", "jobTemplate", "spec", "template"],
        &["spec", "template"],
        &["template"],
    ];
    PLACES.iter().find_map(|place| object.at(place)).cloned()
}

/// How a pod breaks a standard.
fn judge(standard: &Standard, pod: &Value) -> Option<String> {
    let found = violations(pod, standard.level);
    (!found.is_empty()).then(|| format!("\"{standard}\": {}", found.join(", ")))
}

/// What a pod does against a level, reason and detail of each.
fn violations(pod: &Value, level: Level) -> Vec<String> {
    let mut out = Vec::new();
    if level >= Level::Baseline {
        baseline(&mut out, pod, level == Level::Restricted);
    }
    if level == Level::Restricted {
        restricted(&mut out, pod);
    }
    out
}

fn containers(pod: &Value) -> impl Iterator<Item = &Value> {
    ["initContainers", "containers", "ephemeralContainers"]
        .into_iter()
        .flat_map(|list| pod.items_at(&["spec", list]))
}

/// `container "a"`, `containers "a", "b"`.
fn named(bad: &[&str], noun: &str) -> String {
    let quoted: Vec<String> = bad.iter().map(|n| format!("{n:?}")).collect();
    let plural = if bad.len() == 1 { "" } else { "s" };
    format!("{noun}{plural} {}", quoted.join(", "))
}

fn must(bad: &[&str]) -> String {
    named(bad, "container")
}

fn which(pod: &Value, bad: impl Fn(&Value) -> bool) -> Vec<&str> {
    containers(pod)
        .filter(|c| bad(c))
        .map(|c| c.str_at(&["name"]))
        .collect()
}

fn baseline(out: &mut Vec<String>, pod: &Value, restricted: bool) {
    let flags: Vec<&str> = ["hostNetwork", "hostPID", "hostIPC"]
        .into_iter()
        .filter(|f| pod.bool_at(&["spec", f]) == Some(true))
        .collect();
    if !flags.is_empty() {
        let list: Vec<String> = flags.iter().map(|f| format!("{f}=true")).collect();
        out.push(format!("host namespaces ({})", list.join(", ")));
    }
    let bad = which(pod, |c| {
        c.bool_at(&["securityContext", "privileged"]) == Some(true)
    });
    if !bad.is_empty() {
        out.push(format!(
            "privileged ({} must not set securityContext.privileged=true)",
            must(&bad)
        ));
    }
    if !restricted {
        capabilities(out, pod);
    }
    let volumes: Vec<&str> = pod
        .items_at(&["spec", "volumes"])
        .iter()
        .filter(|v| is_set(v, &["hostPath"]))
        .map(|v| v.str_at(&["name"]))
        .collect();
    if !volumes.is_empty() {
        out.push(format!("hostPath volumes ({})", named(&volumes, "volume")));
    }
    host_ports(out, pod);
}

fn capabilities(out: &mut Vec<String>, pod: &Value) {
    const ALLOWED: [&str; 14] = [
        "AUDIT_WRITE",
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "MKNOD",
        "NET_BIND_SERVICE",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
        "",
    ];
    let extra = |c: &Value| -> Vec<String> {
        strings(c, &["securityContext", "capabilities", "add"])
            .into_iter()
            .filter(|cap| !ALLOWED.contains(cap))
            .map(|cap| format!("{cap:?}"))
            .collect()
    };
    let bad = which(pod, |c| !extra(c).is_empty());
    if !bad.is_empty() {
        let all: BTreeSet<String> = containers(pod).flat_map(extra).collect();
        let list: Vec<String> = all.into_iter().collect();
        out.push(format!(
            "non-default capabilities ({} must not include {} in securityContext.capabilities.add)",
            must(&bad),
            list.join(", ")
        ));
    }
}

fn host_ports(out: &mut Vec<String>, pod: &Value) {
    let ports = |c: &Value| -> Vec<i64> {
        c.items_at(&["ports"])
            .iter()
            .filter_map(|p| p.i64_at(&["hostPort"]).filter(|n| *n != 0))
            .collect()
    };
    let bad = which(pod, |c| !ports(c).is_empty());
    if !bad.is_empty() {
        let all: BTreeSet<i64> = containers(pod).flat_map(ports).collect();
        let list: Vec<String> = all.iter().map(ToString::to_string).collect();
        let plural = if list.len() == 1 { "" } else { "s" };
        out.push(format!(
            "hostPort ({} uses hostPort{plural} {})",
            must(&bad),
            list.join(", ")
        ));
    }
}

fn restricted(out: &mut Vec<String>, pod: &Value) {
    let windows = pod.str_at(&["spec", "os", "name"]) == "windows";
    if !windows {
        let bad = which(pod, |c| {
            c.bool_at(&["securityContext", "allowPrivilegeEscalation"]) != Some(false)
        });
        if !bad.is_empty() {
            out.push(format!(
                "allowPrivilegeEscalation != false ({} must set securityContext.allowPrivilegeEscalation=false)",
                must(&bad)
            ));
        }
        unrestricted_capabilities(out, pod);
    }
    volume_types(out, pod);
    run_as_non_root(out, pod);
    if !windows {
        seccomp(out, pod);
    }
}

fn unrestricted_capabilities(out: &mut Vec<String>, pod: &Value) {
    let bad = which(pod, |c| {
        !strings(c, &["securityContext", "capabilities", "drop"]).contains(&"ALL")
    });
    let adds = |c: &Value| {
        strings(c, &["securityContext", "capabilities", "add"])
            .iter()
            .any(|cap| *cap != "NET_BIND_SERVICE")
    };
    let adding = which(pod, adds);
    let mut parts = Vec::new();
    if !bad.is_empty() {
        parts.push(format!(
            "{} must set securityContext.capabilities.drop=[\"ALL\"]",
            must(&bad)
        ));
    }
    if !adding.is_empty() {
        parts.push(format!(
            "{} must not include capabilities other than \"NET_BIND_SERVICE\" in securityContext.capabilities.add",
            must(&adding)
        ));
    }
    if !parts.is_empty() {
        out.push(format!("unrestricted capabilities ({})", parts.join("; ")));
    }
}

fn volume_types(out: &mut Vec<String>, pod: &Value) {
    const ALLOWED: [&str; 8] = [
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "persistentVolumeClaim",
        "projected",
        "secret",
    ];
    let mut names = Vec::new();
    let mut types = BTreeSet::new();
    for volume in pod.items_at(&["spec", "volumes"]) {
        for (key, _) in crate::steps::members(volume, &[]) {
            if key != "name" && !ALLOWED.contains(&key) && key != "image" {
                names.push(volume.str_at(&["name"]));
                types.insert(format!("{key:?}"));
            }
        }
    }
    if !names.is_empty() {
        let verb = if names.len() == 1 { "uses" } else { "use" };
        let noun = if types.len() == 1 { "type" } else { "types" };
        let list: Vec<String> = types.into_iter().collect();
        out.push(format!(
            "restricted volume types ({} {verb} restricted volume {noun} {})",
            named(&names, "volume"),
            list.join(", ")
        ));
    }
}

fn run_as_non_root(out: &mut Vec<String>, pod: &Value) {
    let by_pod = pod.bool_at(&["spec", "securityContext", "runAsNonRoot"]);
    let bad = which(pod, |c| {
        let own = c.bool_at(&["securityContext", "runAsNonRoot"]);
        own == Some(false) || (own.is_none() && by_pod != Some(true))
    });
    if !bad.is_empty() {
        out.push(format!(
            "runAsNonRoot != true (pod or {} must set securityContext.runAsNonRoot=true)",
            must(&bad)
        ));
    }
    let root = which(pod, |c| {
        c.i64_at(&["securityContext", "runAsUser"]) == Some(0)
    });
    if !root.is_empty() || pod.i64_at(&["spec", "securityContext", "runAsUser"]) == Some(0) {
        let who = if root.is_empty() {
            "pod".to_owned()
        } else {
            must(&root)
        };
        out.push(format!("runAsUser=0 ({who} must not set runAsUser=0)"));
    }
}

fn seccomp(out: &mut Vec<String>, pod: &Value) {
    let good = |ty: &str| matches!(ty, "RuntimeDefault" | "Localhost");
    let by_pod = good(pod.str_at(&["spec", "securityContext", "seccompProfile", "type"]));
    let bad = which(pod, |c| {
        let own = c.str_at(&["securityContext", "seccompProfile", "type"]);
        if own.is_empty() { !by_pod } else { !good(own) }
    });
    if !bad.is_empty() {
        out.push(format!(
            "seccompProfile (pod or {} must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\")",
            must(&bad)
        ));
    }
}
