//! Rules that depend on the operating system of a pod.

use catena_objects::{field::Errors, names};

use super::visit;
use crate::rules::At;

/// `validateLinux`; `at` is the spec.
pub fn linux_pod(at: &At, e: &mut Errors) {
    let pods = std::iter::once(at.child("securityContext"));
    for sc in pods.chain(visit(at).map(|c| c.child("securityContext"))) {
        if let Some(o) = sc.some("windowsOptions") {
            o.forbidden(e, "windows options cannot be set for a linux pod");
        }
    }
}

/// `validateWindows`; `at` is the spec.
pub fn windows_pod(at: &At, e: &mut Errors) {
    let deny = |f: At, e: &mut Errors| {
        let zero = f.v.as_bool() == Some(false)
            && matches!(
                f.path.as_str().rsplit('.').next(),
                Some("hostPID" | "hostIPC")
            );
        if f.has() && !zero {
            f.forbidden(e, "cannot be set for a windows pod");
        }
    };
    let sc = at.child("securityContext");
    if sc.has() {
        deny(sc.child("appArmorProfile"), e);
        deny(sc.child("seLinuxOptions"), e);
        for name in ["hostUsers", "hostPID", "hostIPC"] {
            deny(at.child(name), e);
        }
        for name in [
            "seccompProfile",
            "fsGroup",
            "fsGroupChangePolicy",
            "sysctls",
        ] {
            deny(sc.child(name), e);
        }
        deny(at.child("shareProcessNamespace"), e);
        for name in [
            "runAsUser",
            "runAsGroup",
            "supplementalGroups",
            "supplementalGroupsPolicy",
            "seLinuxChangePolicy",
        ] {
            deny(sc.child(name), e);
        }
    }
    for c in visit(at) {
        let sc = c.child("securityContext");
        for name in [
            "appArmorProfile",
            "seLinuxOptions",
            "seccompProfile",
            "capabilities",
            "readOnlyRootFilesystem",
            "privileged",
            "allowPrivilegeEscalation",
            "procMount",
            "runAsUser",
            "runAsGroup",
        ] {
            deny(sc.child(name), e);
        }
    }
}

/// `validateWindowsHostProcessPod`; `at` is the spec.
pub fn host_process(at: &At, e: &mut Errors) {
    const PATH: [&str; 3] = ["securityContext", "windowsOptions", "hostProcess"];
    let of_pod = at.v.bool_at(&PATH);
    let (mut all, mut host) = (0, 0);
    for c in visit(at) {
        all += 1;
        let own = c.v.bool_at(&PATH);
        if let (Some(pod), Some(own)) = (of_pod, own)
            && pod != own
        {
            let why =
                format!("pod hostProcess value must be identical if both are specified, was {pod}");
            c.down(&PATH).invalid(e, why);
        }
        host += usize::from(own.or(of_pod) == Some(true));
    }
    if host == 0 {
        return;
    }
    if host != all {
        at.bad_value(e, "", "If pod contains any hostProcess containers then all containers must be HostProcess containers");
    }
    if !at.flag("hostNetwork") {
        at.child("hostNetwork").bad_value(
            e,
            false,
            "hostNetwork must be true if pod contains any hostProcess containers",
        );
    }
    if !super::security::allow_privileged() {
        at.forbidden(e, "hostProcess containers are disallowed by cluster policy");
    }
}

/// `validateWindowsSecurityContextOptions`.
pub fn options(at: &At, e: &mut Errors) {
    if let Some(n) = at.some("gmsaCredentialSpecName") {
        n.complain(e, names::dns1123_subdomain(n.str(), false));
    }
    if let Some(s) = at.some("gmsaCredentialSpec") {
        if s.str().is_empty() {
            s.bad_text(e, "gmsaCredentialSpec cannot be an empty string");
        } else if s.str().len() > 64 * 1024 {
            s.bad_text(e, "gmsaCredentialSpec size must be under 64 KiB");
        }
    }
    if let Some(u) = at.some("runAsUserName") {
        user_name(&u, e);
    }
}

fn user_name(at: &At, e: &mut Errors) {
    let text = at.str();
    if text.is_empty() {
        return at.bad_text(e, "runAsUserName cannot be an empty string");
    }
    if text.chars().any(|c| c.is_ascii_control()) {
        return at.bad_text(e, "runAsUserName cannot contain control characters");
    }
    if text.matches('\\').count() > 1 {
        return at.bad_text(e, "runAsUserName cannot contain more than one backslash");
    }
    let (domain, user) = match text.split_once('\\') {
        Some((d, u)) => (Some(d), u),
        None => (None, text),
    };
    if let Some(d) = domain {
        if d.len() >= 256 {
            at.bad_text(
                e,
                "runAsUserName's Domain length must be under 256 characters",
            );
        }
        if !is_net_bios(d) && !is_dns(d) {
            at.bad_text(
                e,
                "runAsUserName's Domain doesn't match the NetBios nor the DNS format",
            );
        }
    }
    if user.is_empty() {
        at.bad_text(e, "runAsUserName's User cannot be empty");
    } else if user.len() > 104 {
        at.bad_text(
            e,
            "runAsUserName's User length must not be longer than 104 characters",
        );
    }
    if !user.is_empty() && user.chars().all(|c| c == '.' || c == ' ') {
        at.bad_text(
            e,
            "runAsUserName's User cannot contain only periods or spaces",
        );
    }
    if user.contains([
        '"', '/', '\\', ':', ';', '|', '=', ',', '+', '*', '?', '<', '>', '@', '[', ']',
    ]) {
        at.bad_text(
            e,
            "runAsUserName's User cannot contain the following characters: \"/\\:;|=,+*?<>@[]",
        );
    }
}

fn is_net_bios(d: &str) -> bool {
    (1..=15).contains(&d.chars().count())
        && !d.starts_with('.')
        && !d.contains(['\\', '/', ':', '*', '?', '"', '<', '>', '|'])
}

fn is_dns(d: &str) -> bool {
    d.split('.').all(|l| {
        l.len() <= 63
            && !l.is_empty()
            && !l.starts_with('-')
            && !l.ends_with('-')
            && l.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-')
    })
}
