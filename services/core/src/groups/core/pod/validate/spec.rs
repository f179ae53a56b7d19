//! `ValidatePodSpec`, `ValidatePodTemplateSpec`.

use std::collections::BTreeSet;

use catena_objects::{
    Value,
    field::{Error, Errors},
    names,
};

use super::{
    Opts, Scope, affinity, annotations, containers, resources, scheduling, security, visit,
    volumes, windows,
};
use crate::rules::{At, labels, meta};

/// Rules of a spec; `pod` is the metadata of a real pod, `None` for templates.
pub fn pod_spec(at: &At, pod: Option<&Value>, opts: Opts, e: &mut Errors) {
    let spec = at.v;
    let grace = spec.i64_at(&["terminationGracePeriodSeconds"]);
    if grace.is_none() {
        at.child("terminationGracePeriodSeconds").required(e, "");
    }
    let volumes = volumes::volumes(&at.child("volumes"), pod, opts, e);
    let claims: BTreeSet<&str> = spec
        .items_at(&["resourceClaims"])
        .iter()
        .map(|c| c.str_at(&["name"]))
        .filter(|n| !n.is_empty())
        .collect();
    let scope = Scope {
        opts,
        spec,
        volumes,
        claims,
        grace,
        host_users: spec.bool_at(&["hostUsers"]) != Some(false),
    };
    resource_claims(&at.child("resourceClaims"), pod, e);
    containers::regular(&at.child("containers"), &scope, e);
    containers::init(&at.child("initContainers"), &scope, e);
    containers::ephemeral(&at.child("ephemeralContainers"), &scope, e);
    resources::pod_level(at, &scope, e);
    host_network_ports(at, opts, e);
    at.child("restartPolicy")
        .required_one_of(e, &["Always", "OnFailure", "Never"]);
    at.child("dnsPolicy").required_one_of(
        e,
        &["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"],
    );
    labels::labels(&at.child("nodeSelector"), e);
    security::pod(at, opts, e);
    affinity::affinity(&at.child("affinity"), opts, e);
    dns(at, e);
    for gate in at.child("readinessGates").items() {
        let kind = gate.child("conditionType");
        kind.complain(e, names::qualified_name(kind.str()));
    }
    scheduling::gates(&at.child("schedulingGates"), e);
    scheduling::spread(&at.child("topologySpreadConstraints"), opts, e);
    windows::host_process(at, e);
    host_users(at, &scope, e);
    hostname_override(at, e);
    names_and_numbers(at, e);
    tail(at, &scope, e);
}

/// Single fields with a rule of their own.
fn names_and_numbers(at: &At, e: &mut Errors) {
    let subdomain = |name: &str, e: &mut Errors| {
        let f = at.child(name);
        if !f.str().is_empty() {
            f.complain(e, names::dns1123_subdomain(f.str(), false));
        }
    };
    subdomain("serviceAccountName", e);
    subdomain("nodeName", e);
    if let Some(f) = at.some("activeDeadlineSeconds") {
        f.complain_num(
            e,
            names::in_range(f.int().unwrap_or(0), 1, i64::from(i32::MAX)),
        );
    }
    for name in ["hostname", "subdomain"] {
        let f = at.child(name);
        if !f.str().is_empty() {
            f.complain(e, names::dns1123_label(f.str(), false));
        }
    }
    scheduling::tolerations(&at.child("tolerations"), e);
    for alias in at.child("hostAliases").items() {
        let ip = alias.child("ip");
        e.extend(names::valid_ip_legacy(&ip.path, ip.str(), &[]));
        for host in alias.child("hostnames").items() {
            host.complain(e, names::dns1123_subdomain(host.str(), false));
        }
    }
    subdomain("priorityClassName", e);
    if let Some(f) = at.some("runtimeClassName") {
        f.complain(e, names::dns1123_subdomain(f.str(), false));
    }
    if let Some(f) = at.some("preemptionPolicy") {
        f.required_one_of(e, &["PreemptLowerPriority", "Never"]);
    }
}

fn tail(at: &At, scope: &Scope, e: &mut Errors) {
    if let Some(f) = at.some("overhead") {
        resources::overhead(&f, scope.opts, e);
    }
    if let Some(os) = at.some("os") {
        let name = os.child("name");
        match name.str() {
            "" => name.required(e, ""),
            "linux" => windows::linux_pod(at, e),
            "windows" => windows::windows_pod(at, e),
            other => e.push(Error::not_supported(&os.path, other, &["linux", "windows"])),
        }
    }
    file_key_volumes(at, e);
}

/// `ValidatePodTemplateSpec`.
pub fn pod_template_spec(at: &At, opts: Opts, e: &mut Errors) {
    let metadata = at.child("metadata");
    // Go names these fields without `metadata`.
    let labels_at = At::new(metadata.child("labels").v, at.path.child("labels"));
    let annotations_at = At::new(
        metadata.child("annotations").v,
        at.path.child("annotations"),
    );
    let spec = at.child("spec");
    labels::labels(&labels_at, e);
    meta::annotations(&annotations_at, e);
    annotations::pod_specific(&annotations_at, &spec, opts, e);
    pod_spec(&spec, None, opts, e);
    annotations::match_fields(metadata.child("annotations").v, &spec, e);
    if !spec.child("ephemeralContainers").is_empty() {
        spec.child("ephemeralContainers")
            .forbidden(e, "ephemeral containers not allowed in pod template");
    }
}

fn resource_claims(at: &At, pod: Option<&Value>, e: &mut Errors) {
    let mut seen = BTreeSet::new();
    let mirror = pod.is_some_and(|m| m.at(&["annotations", annotations::MIRROR]).is_some());
    for claim in at.items() {
        if mirror {
            let root = catena_objects::field::Path::new("");
            e.push(Error::forbidden(
                &root,
                "static pods do not support resource claims",
            ));
            continue;
        }
        let name = claim.child("name");
        if name.str().is_empty() {
            name.required(e, "");
        } else if seen.insert(name.str()) {
            name.complain(e, names::dns1123_label(name.str(), false));
        } else {
            name.duplicate(e);
        }
        let (by_name, by_template) = (
            claim.some("resourceClaimName"),
            claim.some("resourceClaimTemplateName"),
        );
        let go = crate::rules::go_struct(
            claim.v,
            &["name=", "resourceClaimName", "resourceClaimTemplateName"],
        );
        if by_name.is_some() && by_template.is_some() {
            claim.bad_value(e, go, "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified");
        } else if by_name.is_none() && by_template.is_none() {
            claim.bad_value(
                e,
                go,
                "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`",
            );
        }
        for f in [by_name, by_template].into_iter().flatten() {
            f.complain(e, names::dns1123_subdomain(f.str(), false));
        }
    }
}

fn host_network_ports(at: &At, opts: Opts, e: &mut Errors) {
    if !at.flag("hostNetwork") {
        return;
    }
    for c in at.child("containers").items() {
        for port in c.child("ports").items() {
            let (host, container) = (port.num("hostPort"), port.num("containerPort"));
            if (opts.is_pod || host != 0) && host != container {
                port.child("hostPort")
                    .bad_num(e, "must match `containerPort` when `hostNetwork` is true");
            }
        }
    }
}

/// `validatePodDNSConfig`.
fn dns(at: &At, e: &mut Errors) {
    let config = at.child("dnsConfig");
    let servers = config.child("nameservers");
    if at.text("dnsPolicy") == "None" {
        if !config.has() {
            config.required(e, "must provide `dnsConfig` when `dnsPolicy` is None");
            return;
        }
        if servers.is_empty() {
            servers.required(
                e,
                "must provide at least one DNS nameserver when `dnsPolicy` is None",
            );
            return;
        }
    }
    if servers.len() > 3 {
        servers.invalid(e, "must not have more than 3 nameservers");
    }
    for ns in servers.items() {
        e.extend(names::valid_ip_legacy(&ns.path, ns.str(), &[]));
    }
    let searches = config.child("searches");
    if searches.len() > 32 {
        searches.invalid(e, "must not have more than 32 search paths");
    }
    let joined: usize = searches.items().map(|s| s.str().len() + 1).sum();
    if joined > 2049 {
        searches.invalid(
            e,
            "must not have more than 2048 characters (including spaces) in the search list",
        );
    }
    for s in searches.items() {
        if s.str() != "." {
            let name = s.str().strip_suffix('.').unwrap_or(s.str());
            for why in names::dns1123_subdomain_with_underscore(name) {
                s.bad_value(e, name, why);
            }
        }
    }
    for o in config.child("options").items() {
        if o.text("name").is_empty() {
            o.required(e, "must not be empty");
        }
    }
}

/// `validateHostUsers`.
fn host_users(at: &At, scope: &Scope, e: &mut Errors) {
    if scope.host_users {
        return;
    }
    for (name, shown) in [
        ("hostNetwork", "hostNetwork"),
        ("hostPID", "HostPID"),
        ("hostIPC", "HostIPC"),
    ] {
        if at.flag(name) {
            at.child(shown).forbidden(e, "when `hostUsers` is false");
        }
    }
    if !scope.opts.devices_in_user_namespace {
        for c in visit(at) {
            if !c.child("volumeDevices").is_empty() {
                c.child("volumeDevices")
                    .forbidden(e, "when `hostUsers` is false");
            }
        }
    }
}

/// `validatePodHostName`.
fn hostname_override(at: &At, e: &mut Errors) {
    let Some(f) = at.some("hostnameOverride") else {
        return;
    };
    if at.flag("setHostnameAsFQDN") {
        f.forbidden(e, "may not be specified when setHostnameAsFQDN is true");
    }
    if at.flag("hostNetwork") {
        f.forbidden(e, "may not be specified when hostNetwork is true");
    }
    if f.str().len() > 64 {
        e.push(Error::too_long(&f.path, 64));
    }
    f.complain(e, names::dns1123_subdomain(f.str(), false));
}

/// `validateFileKeyRefVolumes`.
fn file_key_volumes(at: &At, e: &mut Errors) {
    for c in visit(at) {
        for env in c.child("env").items() {
            let Some(key) = env.child("valueFrom").some("fileKeyRef") else {
                continue;
            };
            let name = key.child("volumeName");
            let volume =
                at.v.items_at(&["volumes"])
                    .iter()
                    .rfind(|v| v.str_at(&["name"]) == name.str());
            match volume {
                None => name.not_found(e),
                Some(v) if v.get("emptyDir").is_none() => {
                    name.bad_text(e, "referenced volume must be of type emptyDir");
                }
                Some(_) => {}
            }
        }
    }
}
