//! Certificate signing requests.

use std::collections::BTreeSet;

use catena_objects::{
    Value,
    field::{Error, Errors},
};
use catena_registry::{Context, Strategy};

use crate::rules::{At, equality::same_at, meta};

const USAGES: [&str; 23] = [
    "any",
    "cert sign",
    "client auth",
    "code signing",
    "content commitment",
    "crl sign",
    "data encipherment",
    "decipher only",
    "digital signature",
    "email protection",
    "encipher only",
    "ipsec end system",
    "ipsec tunnel",
    "ipsec user",
    "key agreement",
    "key encipherment",
    "microsoft sgc",
    "netscape sgc",
    "ocsp signing",
    "s/mime",
    "server auth",
    "signing",
    "timestamping",
];

#[derive(Debug)]
pub struct CertificateSigningRequest;

impl Strategy for CertificateSigningRequest {
    /// Who asks is what the server says, not the client.
    fn prepare_create(&self, ctx: &Context, object: &mut Value) {
        for name in ["username", "uid", "groups", "extra"] {
            object.unset(&["spec", name]);
        }
        let user = &ctx.user;
        for (name, text) in [("username", &user.name), ("uid", &user.uid)] {
            if !text.is_empty() {
                object.set(&["spec", name], text.as_str());
            }
        }
        let list = |l: &[String]| {
            Value::from(
                l.iter()
                    .map(|s| Value::from(s.as_str()))
                    .collect::<Vec<_>>(),
            )
        };
        if !user.groups.is_empty() {
            object.set(&["spec", "groups"], list(&user.groups));
        }
        for (k, v) in &user.extra {
            object.set(&["spec", "extra", k], list(v));
        }
        object.set(&["status"], Value::object());
    }

    fn validate(&self, _ctx: &Context, object: &Value) -> Errors {
        let mut e = meta::finalizers(object);
        let at = At::root(object, "spec");
        let request = at.child("request");
        if request.str().is_empty() {
            request.required(&mut e, "");
        }
        let usages = at.child("usages");
        if usages.is_empty() {
            usages.required(&mut e, "");
        }
        let mut seen = BTreeSet::new();
        for u in usages.items() {
            u.one_of(&mut e, &USAGES);
            if !seen.insert(u.str()) {
                u.duplicate(&mut e);
            }
        }
        signer(&at.child("signerName"), &mut e);
        let seconds = at.child("expirationSeconds");
        if seconds.int().is_some_and(|s| s < 600) {
            seconds.bad_num(
                &mut e,
                "may not specify a duration less than 600 seconds (10 minutes)",
            );
        }
        e
    }

    fn prepare_update(&self, ctx: &Context, object: &mut Value, old: &Value) {
        let metadata = object.get("metadata").cloned();
        let status = object.get("status").cloned();
        // Nothing of the spec ever changes.
        *object = old.clone();
        if let Some(m) = metadata {
            object.set(&["metadata"], m);
        }
        let status = status.unwrap_or_else(Value::object);
        match ctx.subresource.as_str() {
            "approval" => {
                let conditions = status.get("conditions").cloned();
                match conditions {
                    Some(c) => object.set(&["status", "conditions"], c),
                    None => drop(object.unset(&["status", "conditions"])),
                }
                stamp(object, old, &ctx.now);
            }
            "status" => {
                object.set(&["status"], status);
                stamp(object, old, &ctx.now);
            }
            _ => {}
        }
    }

    fn validate_update(&self, ctx: &Context, object: &Value, old: &Value) -> Errors {
        let mut e = meta::finalizers(object);
        let at = At::root(object, "status");
        decisions(
            &at.child("conditions"),
            old,
            ctx.subresource == "approval",
            &mut e,
        );
        if ctx.subresource == "status"
            && !old.str_at(&["status", "certificate"]).is_empty()
            && !same_at(object, old, &["status", "certificate"])
        {
            at.child("certificate")
                .forbidden(&mut e, "updates may not modify or remove the certificate");
        }
        e
    }

    fn selectable(&self, object: &Value) -> Vec<String> {
        vec![object.str_at(&["spec", "signerName"]).to_owned()]
    }
}

/// New conditions get times and a status.
fn stamp(object: &mut Value, old: &Value, now: &str) {
    let before = old.items_at(&["status", "conditions"]);
    let mut all = object.items_at(&["status", "conditions"]).to_vec();
    for c in &mut all {
        let kind = c.str_at(&["type"]).to_owned();
        let was = before.iter().find(|b| b.str_at(&["type"]) == kind);
        if c.str_at(&["status"]).is_empty() {
            c.set(&["status"], "True");
        }
        c.set_default(&["lastUpdateTime"], now);
        match was.and_then(|w| w.get("lastTransitionTime")) {
            Some(t) if was.is_some_and(|w| w.get("status") == c.get("status")) => {
                c.set_default(&["lastTransitionTime"], t.clone());
            }
            _ => c.set_default(&["lastTransitionTime"], now),
        }
    }
    if !all.is_empty() {
        object.set(&["status", "conditions"], all);
    }
}

/// Approval and denial exclude each other and stay.
fn decisions(at: &At, old: &Value, may_decide: bool, e: &mut Errors) {
    let has = |list: &[Value], kind: &str| list.iter().any(|c| c.str_at(&["type"]) == kind);
    let now = at.v.as_array().unwrap_or_default();
    let before = old.items_at(&["status", "conditions"]);
    for kind in ["Approved", "Denied", "Failed"] {
        if has(before, kind) && !has(now, kind) {
            at.forbidden(
                e,
                format!("updates may not remove a condition of type {kind:?}"),
            );
        }
        if kind != "Failed" && !may_decide && !has(before, kind) && has(now, kind) {
            at.forbidden(
                e,
                format!("updates may not add a condition of type {kind:?}"),
            );
        }
    }
    let mut seen = BTreeSet::new();
    for c in at.items() {
        let kind = c.child("type");
        kind.need(e);
        let opposite = match kind.str() {
            "Approved" => "Denied",
            "Denied" => "Approved",
            _ => "",
        };
        if seen.contains(opposite) {
            e.push(Error::invalid(
                &kind.path,
                kind.str(),
                "Approved and Denied conditions are mutually exclusive",
            ));
        }
        if !seen.insert(kind.str()) {
            kind.duplicate(e);
        }
    }
}

/// `ValidateSignerName`, the part that every name must pass.
fn signer(at: &At, e: &mut Errors) {
    let name = at.str();
    if name.is_empty() {
        at.required(e, "");
        return;
    }
    let Some((domain, path)) = name.split_once('/').filter(|(_, p)| !p.contains('/')) else {
        at.bad_text(
            e,
            "must be a fully qualified domain and path of the form 'example.com/signer-name'",
        );
        return;
    };
    if path.is_empty() {
        at.bad_text(e, "validating label \"\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character");
    }
    e.extend(catena_objects::names::fully_qualified_domain_name(
        &at.path, domain,
    ));
}
