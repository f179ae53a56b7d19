//! Configurations of webhooks, validating and mutating.

use std::collections::BTreeSet;

use catena_objects::{Value, field::Errors, names};
use catena_registry::{Context, Strategy};

use super::{expression, rule};
use crate::{
    groups::core::pod::defaults::{each, present},
    rules::{At, labels},
};

#[derive(Debug)]
pub struct Webhooks {
    pub mutating: bool,
}

/// What an update may keep of an old configuration.
#[derive(Clone, Copy, Default)]
struct Opts {
    side_effects: bool,
    unknown_versions: bool,
    repeated_names: bool,
    bad_selectors: bool,
    /// Match conditions are as they were.
    same_conditions: bool,
}

impl Strategy for Webhooks {
    fn default(&self, object: &mut Value) {
        let mutating = self.mutating;
        each(object, "webhooks", |h| {
            h.set_default(&["failurePolicy"], "Fail");
            h.set_default(&["matchPolicy"], "Equivalent");
            h.set_default(&["namespaceSelector"], Value::object());
            h.set_default(&["objectSelector"], Value::object());
            h.set_default(&["timeoutSeconds"], 10i64);
            if mutating {
                h.set_default(&["reinvocationPolicy"], "Never");
            }
            each(h, "rules", rule::default_scope);
            if let Some(s) = h
                .at_mut(&["clientConfig"])
                .and_then(|c| present(c, "service"))
            {
                s.set_default(&["port"], 443i64);
            }
        });
    }

    fn validate(&self, _ctx: &Context, object: &Value) -> Errors {
        let mut e = Errors::new();
        self.webhooks(object, Opts::default(), &mut e);
        e
    }

    fn validate_update(&self, _ctx: &Context, object: &Value, old: &Value) -> Errors {
        let mut e = Errors::new();
        let hooks = old.items_at(&["webhooks"]);
        let mut seen = BTreeSet::new();
        let null = Value::Null;
        let opts = Opts {
            side_effects: hooks
                .iter()
                .any(|h| !matches!(h.str_at(&["sideEffects"]), "None" | "NoneOnDryRun")),
            unknown_versions: hooks.iter().any(|h| {
                let v = h.items_at(&["admissionReviewVersions"]);
                !v.is_empty() && !v.iter().any(is_accepted)
            }),
            repeated_names: hooks.iter().any(|h| !seen.insert(h.str_at(&["name"]))),
            bad_selectors: hooks.iter().any(|h| {
                ["namespaceSelector", "objectSelector"]
                    .iter()
                    .any(|s| labels::is_malformed(h.get(s).unwrap_or(&null)))
            }),
            same_conditions: same_conditions(object.items_at(&["webhooks"]), hooks),
        };
        self.webhooks(object, opts, &mut e);
        e
    }

    fn has_generation(&self) -> bool {
        true
    }
}

fn same_conditions(new: &[Value], old: &[Value]) -> bool {
    let same = |(new, old)| expression::same_conditions(new, old);
    new.len() == old.len() && new.iter().zip(old).all(same)
}

fn is_accepted(v: &Value) -> bool {
    matches!(v.as_str(), Some("v1" | "v1beta1"))
}

impl Webhooks {
    fn webhooks(&self, object: &Value, opts: Opts, e: &mut Errors) {
        let mut seen = BTreeSet::new();
        for h in At::root(object, "webhooks").items() {
            self.webhook(&h, opts, e);
            versions(&h.child("admissionReviewVersions"), opts, e);
            let name = h.child("name");
            if !opts.repeated_names && !name.str().is_empty() && !seen.insert(name.str()) {
                name.duplicate(e);
            }
        }
    }

    fn webhook(&self, h: &At, opts: Opts, e: &mut Errors) {
        let name = h.child("name");
        e.extend(names::fully_qualified_name(&name.path, name.str()));
        for r in h.child("rules").items() {
            rule::rule(&r, e);
        }
        for (field, supported) in [
            ("failurePolicy", ["Fail", "Ignore"]),
            ("matchPolicy", ["Equivalent", "Exact"]),
        ] {
            if let Some(f) = h.some(field) {
                f.one_of(e, &supported);
            }
        }
        let effects: &[&str] = if opts.side_effects {
            &["None", "NoneOnDryRun", "Some", "Unknown"]
        } else {
            &["None", "NoneOnDryRun"]
        };
        let effect = h.child("sideEffects");
        if effect.has() {
            effect.one_of(e, effects);
        } else {
            effect.required(e, &format!("must specify one of {}", effects.join(", ")));
        }
        let timeout = h.child("timeoutSeconds");
        if timeout.int().is_some_and(|t| !(1..=30).contains(&t)) {
            timeout.bad_num(e, "the timeout value must be between 1 and 30 seconds");
        }
        for name in ["namespaceSelector", "objectSelector"] {
            labels::selector(&h.child(name), opts.bad_selectors, e);
        }
        if let (true, Some(p)) = (self.mutating, h.some("reinvocationPolicy")) {
            p.one_of(e, &["IfNeeded", "Never"]);
        }
        client(&h.child("clientConfig"), e);
        if !opts.same_conditions {
            expression::match_conditions(&h.child("matchConditions"), false, e);
        }
    }
}

fn versions(at: &At, opts: Opts, e: &mut Errors) {
    if at.is_empty() {
        at.required(e, "must specify one of v1, v1beta1");
        return;
    }
    let mut seen = BTreeSet::new();
    let mut accepted = false;
    for v in at.items() {
        if !seen.insert(v.str()) {
            v.bad_text(e, "duplicate version");
            continue;
        }
        v.complain(e, names::dns1035_label(v.str(), false));
        accepted |= is_accepted(v.v);
    }
    if !opts.unknown_versions && !accepted {
        at.invalid(e, "must include at least one of v1, v1beta1");
    }
}

fn client(at: &At, e: &mut Errors) {
    match (at.some("url"), at.some("service")) {
        (Some(u), None) => url(&u, e),
        (None, Some(s)) => service(&s, e),
        _ => at.required(e, "exactly one of url or service is required"),
    }
}

/// `ValidateWebhookURL`.
pub fn url(at: &At, e: &mut Errors) {
    const FORM: &str = "; desired format: https://host[/path]";
    let text = at.str();
    let (rest, fragment) = text.split_once('#').unwrap_or((text, ""));
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (scheme, rest) = match rest.split_once(':') {
        Some((s, r))
            if !s.is_empty()
                && s.starts_with(|c: char| c.is_ascii_alphabetic())
                && s.bytes()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, b'+' | b'-' | b'.')) =>
        {
            (s.to_lowercase(), r)
        }
        Some(("", _)) => {
            at.required(
                e,
                &format!("url must be a valid URL: parse {text:?}: missing protocol scheme{FORM}"),
            );
            return;
        }
        _ => (String::new(), rest),
    };
    let authority = rest
        .strip_prefix("//")
        .map_or("", |r| r.split('/').next().unwrap_or_default());
    let (user, host) = authority
        .rsplit_once('@')
        .map_or((None, authority), |(u, h)| (Some(u), h));
    if scheme != "https" {
        at.bad_value(
            e,
            scheme,
            format!("'https' is the only allowed URL scheme{FORM}"),
        );
    }
    if host.is_empty() {
        at.bad_value(e, host, format!("host must be specified{FORM}"));
    }
    if let Some(u) = user {
        at.bad_value(e, u, "user information is not permitted in the URL");
    }
    if !fragment.is_empty() {
        at.bad_value(e, fragment, "fragments are not permitted in the URL");
    }
    if !query.is_empty() {
        at.bad_value(e, query, "query parameters are not permitted in the URL");
    }
}

/// `ValidateWebhookService`; callers in Go give name and namespace in the wrong order.
fn service(at: &At, e: &mut Errors) {
    for (shown, read) in [("name", "namespace"), ("namespace", "name")] {
        if at.text(read).is_empty() {
            at.child(shown).required(e, "");
        }
    }
    let port = at.child("port");
    let bad = names::port_num(port.int().unwrap_or(0));
    if !bad.is_empty() {
        port.bad_num(e, format!("port is not valid: {}", bad.join(", ")));
    }
    if let Some(p) = at.some("path") {
        path(&p, e);
    }
}

fn path(at: &At, e: &mut Errors) {
    let text = at.str();
    if text.is_empty() || text == "/" {
        return;
    }
    if text == "//" {
        at.bad_text(e, "segment[0] may not be empty");
        return;
    }
    if !text.starts_with('/') {
        at.bad_text(e, "must start with a '/'");
    }
    let mut chars = text.chars();
    chars.next();
    let inner = chars.as_str();
    let inner = inner.strip_suffix('/').unwrap_or(inner);
    for (i, step) in inner.split('/').enumerate() {
        if step.is_empty() {
            at.bad_text(e, format!("segment[{i}] may not be empty"));
            continue;
        }
        for why in names::dns1123_subdomain(step, false) {
            at.bad_text(e, format!("segment[{i}]: {why}"));
        }
    }
}
