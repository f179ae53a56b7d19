//! Probes and lifecycle hooks.

use catena_objects::{Value, field::Errors, names};

use super::Scope;
use crate::rules::At;

/// Liveness, readiness and startup probes of a container, in this order.
pub fn probes(c: &At, scope: &Scope, e: &mut Errors) {
    for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
        let Some(p) = c.some(name) else {
            continue;
        };
        handler(&p, &["exec", "httpGet", "tcpSocket", "grpc"], scope, e);
        for f in [
            "initialDelaySeconds",
            "timeoutSeconds",
            "periodSeconds",
            "successThreshold",
            "failureThreshold",
        ] {
            p.child(f).non_negative(e);
        }
        let grace = p.child("terminationGracePeriodSeconds");
        if grace.int().is_some_and(|g| g <= 0) {
            grace.bad_num(e, "must be greater than 0");
        }
        if name == "readinessProbe" {
            if grace.has() {
                grace.invalid(e, "must not be set for readinessProbes");
            }
        } else if p.num("successThreshold") != 1 {
            p.child("successThreshold").bad_num(e, "must be 1");
        }
    }
}

/// `validateLifecycle`.
pub fn lifecycle(c: &At, scope: &Scope, e: &mut Errors) {
    let l = c.child("lifecycle");
    for name in ["postStart", "preStop"] {
        if let Some(h) = l.some(name) {
            handler(&h, &["exec", "httpGet", "tcpSocket", "sleep"], scope, e);
        }
    }
}

fn handler(at: &At, kinds: &[&str], scope: &Scope, e: &mut Errors) {
    let mut seen = false;
    for kind in kinds {
        let Some(h) = at.some(kind) else {
            continue;
        };
        if seen {
            h.forbidden(e, "may not specify more than 1 handler type");
            continue;
        }
        seen = true;
        match *kind {
            "exec" => {
                if h.child("command").is_empty() {
                    h.child("command").required(e, "");
                }
            }
            "httpGet" => http_get(&h, e),
            "sleep" => sleep(&h, scope, e),
            _ => port(&h.child("port"), e),
        }
    }
    if !seen {
        at.required(e, "must specify a handler type");
    }
}

fn http_get(at: &At, e: &mut Errors) {
    at.child("path").need(e);
    port(&at.child("port"), e);
    at.child("scheme").one_of(e, &["HTTP", "HTTPS"]);
    for header in at.child("httpHeaders").items() {
        for why in names::http_header_name(header.text("name")) {
            at.child("httpHeaders")
                .bad_value(e, header.text("name"), why);
        }
    }
}

/// `ValidatePortNumOrName`.
pub fn port(at: &At, e: &mut Errors) {
    match at.v {
        Value::String(s) => at.complain(e, names::port_name(s)),
        _ => at.complain_num(e, names::port_num(at.int().unwrap_or(0))),
    }
}

fn sleep(at: &At, scope: &Scope, e: &mut Errors) {
    let seconds = at.num("seconds");
    if let Some(grace) = scope.grace
        && !(0..=grace).contains(&seconds)
    {
        let why =
            format!("must be non-negative and less than terminationGracePeriodSeconds ({grace})");
        at.bad_value(e, seconds, why);
    }
}
