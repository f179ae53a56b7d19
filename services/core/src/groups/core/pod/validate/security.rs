//! Security contexts.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

use catena_objects::{
    Value,
    field::{Error, Errors},
    names,
};

use super::{Opts, volumes::local_descending, windows};
use crate::rules::At;

/// `validatePodSpecSecurityContext`; `at` is the spec.
pub fn pod(at: &At, opts: Opts, e: &mut Errors) {
    let sc = at.child("securityContext");
    if !sc.has() {
        return;
    }
    id(&sc.child("fsGroup"), e);
    id(&sc.child("runAsUser"), e);
    id(&sc.child("runAsGroup"), e);
    for g in sc.child("supplementalGroups").items() {
        id(&g, e);
    }
    if at.flag("shareProcessNamespace") && at.flag("hostPID") {
        At::new(
            at.child("shareProcessNamespace").v,
            sc.path.child("shareProcessNamespace"),
        )
        .invalid(
            e,
            "ShareProcessNamespace and HostPID cannot both be enabled",
        );
    }
    sysctls(at, &sc.child("sysctls"), opts, e);
    if let Some(p) = sc.some("fsGroupChangePolicy") {
        p.one_of(e, &["Always", "OnRootMismatch"]);
    }
    seccomp(&sc.child("seccompProfile"), e);
    windows::options(&sc.child("windowsOptions"), e);
    app_armor(&sc.child("appArmorProfile"), e);
    if let Some(p) = sc.some("supplementalGroupsPolicy") {
        p.one_of(e, &["Merge", "Strict"]);
    }
    if let Some(p) = sc.some("seLinuxChangePolicy") {
        p.one_of(e, &["MountOption", "Recursive"]);
    }
}

fn id(at: &At, e: &mut Errors) {
    if let Some(n) = at.int() {
        at.complain_num(e, names::user_id(n));
    }
}

fn sysctls(spec: &At, at: &At, opts: Opts, e: &mut Errors) {
    let mut seen = BTreeSet::new();
    for s in at.items() {
        let name = s.child("name");
        if name.str().is_empty() {
            name.required(e, "");
        } else if !is_sysctl(name.str()) {
            name.bad_text(e, "must have at most 253 characters and match regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$");
        } else if seen.contains(name.str()) {
            name.duplicate(e);
        }
        if let (false, Some(why)) = (opts.host_sysctls, host_sysctl(name.str(), spec.v)) {
            name.bad_text(e, why);
        }
        seen.insert(name.str());
    }
}

fn is_sysctl(name: &str) -> bool {
    let alnum = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    let segment = |s: &str| {
        let b = s.as_bytes();
        matches!((b.first(), b.last()), (Some(&f), Some(&l)) if alnum(f) && alnum(l))
            && b.iter().all(|&c| alnum(c) || c == b'-' || c == b'_')
    };
    name.len() <= 253 && name.split(['.', '/']).all(segment)
}

/// Why a sysctl may not go with the host namespaces of a spec (`ValidateHostSysctl`).
pub fn host_sysctl(name: &str, spec: &Value) -> Option<&'static str> {
    // A name whose first separator is a slash has slashes for dots and the reverse.
    let dotted = match name.find(['.', '/']) {
        Some(i) if name.as_bytes()[i] == b'/' => name.replace('/', "."),
        _ => name.to_owned(),
    };
    let net = dotted.starts_with("net.");
    let ipc = ["kernel.shm", "kernel.msg", "fs.mqueue."]
        .iter()
        .any(|p| dotted.starts_with(p))
        || dotted == "kernel.sem";
    if net && spec.bool_at(&["hostNetwork"]) == Some(true) {
        return Some("may not be specified when 'hostNetwork' is true");
    }
    if ipc && spec.bool_at(&["hostIPC"]) == Some(true) {
        return Some("may not be specified when 'hostIPC' is true");
    }
    None
}

/// `--allow-privileged` (kube-apiserver keeps it for the process, too).
static ALLOW_PRIVILEGED: AtomicBool = AtomicBool::new(false);

pub fn set_allow_privileged(allowed: bool) {
    ALLOW_PRIVILEGED.store(allowed, Relaxed);
}

/// Whether containers may have the rights of their host.
pub fn allow_privileged() -> bool {
    ALLOW_PRIVILEGED.load(Relaxed)
}

/// `ValidateSecurityContext`.
pub fn container(sc: &At, host_users: bool, e: &mut Errors) {
    if !sc.has() {
        return;
    }
    if sc.flag("privileged") && !allow_privileged() {
        sc.child("privileged")
            .forbidden(e, "disallowed by cluster policy");
    }
    id(&sc.child("runAsUser"), e);
    id(&sc.child("runAsGroup"), e);
    if let Some(p) = sc.some("procMount") {
        p.one_of(e, &["Default", "Unmasked"]);
        if host_users && p.str() == "Unmasked" {
            p.bad_text(e, "`hostUsers` must be false to use `Unmasked`");
        }
    }
    seccomp(&sc.child("seccompProfile"), e);
    if sc.v.bool_at(&["allowPrivilegeEscalation"]) == Some(false) {
        let shown = || crate::rules::go_struct(sc.v, &CONTEXT_FIELDS);
        if sc.flag("privileged") {
            sc.bad_value(
                e,
                shown(),
                "cannot set `allowPrivilegeEscalation` to false and `privileged` to true",
            );
        }
        for cap in sc.child("capabilities").child("add").items() {
            if cap.str() == "CAP_SYS_ADMIN" {
                sc.bad_value(e, shown(), "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN");
            }
        }
    }
    windows::options(&sc.child("windowsOptions"), e);
    app_armor(&sc.child("appArmorProfile"), e);
}

const CONTEXT_FIELDS: [&str; 12] = [
    "capabilities",
    "privileged",
    "SELinuxOptions:seLinuxOptions",
    "windowsOptions",
    "runAsUser",
    "runAsGroup",
    "runAsNonRoot",
    "readOnlyRootFilesystem",
    "allowPrivilegeEscalation",
    "procMount",
    "seccompProfile",
    "appArmorProfile",
];

fn seccomp(at: &At, e: &mut Errors) {
    if !at.has() {
        return;
    }
    let kind = at.child("type");
    if kind.str().is_empty() {
        kind.required(e, "type is required when seccompProfile is set");
    } else {
        kind.one_of(e, &["Localhost", "RuntimeDefault", "Unconfined"]);
    }
    let profile = at.child("localhostProfile");
    if kind.str() == "Localhost" {
        if profile.has() {
            local_descending(&profile, e);
        } else {
            profile.required(e, "must be set when seccomp type is Localhost");
        }
    } else if profile.has() {
        let shown = crate::rules::go_struct(at.v, &["type=", "localhostProfile"]);
        profile.bad_value(e, shown, "can only be set when seccomp type is Localhost");
    }
}

fn app_armor(at: &At, e: &mut Errors) {
    if !at.has() {
        return;
    }
    let (kind, profile) = (at.child("type"), at.child("localhostProfile"));
    match kind.str() {
        "Localhost" => {
            let text = profile.str();
            if !profile.has() {
                profile.required(e, "must be set when AppArmor type is Localhost");
            } else if text.trim() != text {
                profile.bad_text(e, "must not be padded with whitespace");
            } else if text.is_empty() {
                profile.required(e, "must be set when AppArmor type is Localhost");
            }
            if text.len() > 4095 {
                e.push(Error::too_long(&profile.path, 4095));
            }
        }
        "RuntimeDefault" | "Unconfined" => {
            if profile.has() {
                profile.bad_text(e, "can only be set when AppArmor type is Localhost");
            }
        }
        "" => kind.required(e, "type is required when appArmorProfile is set"),
        _ => kind.unsupported(e, &["Localhost", "RuntimeDefault", "Unconfined"]),
    }
}
