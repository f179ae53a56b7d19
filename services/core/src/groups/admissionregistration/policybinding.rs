//! Bindings of admission policies.

use std::collections::BTreeSet;

use catena_objects::{Value, field::Errors, names};
use catena_registry::{Context, Strategy};

use super::rule;
use crate::{
    groups::core::pod::defaults::present,
    rules::{At, labels},
};

#[derive(Debug)]
pub struct PolicyBinding {
    pub mutating: bool,
}

impl Strategy for PolicyBinding {
    fn default(&self, object: &mut Value) {
        if let Some(m) = object
            .at_mut(&["spec"])
            .and_then(|s| present(s, "matchResources"))
        {
            rule::default_match(m);
        }
    }

    fn validate(&self, _ctx: &Context, object: &Value) -> Errors {
        let mut e = Errors::new();
        let at = At::root(object, "spec");
        let policy = at.child("policyName");
        if policy.str().is_empty() {
            policy.required(&mut e, "");
        } else {
            policy.complain(&mut e, names::dns1123_subdomain(policy.str(), false));
        }
        if let Some(p) = at.some("paramRef") {
            param_ref(&p, &mut e);
        }
        if let Some(m) = at.some("matchResources") {
            rule::match_resources(&m, &mut e);
        }
        if !self.mutating {
            actions(&at.child("validationActions"), &mut e);
        }
        e
    }

    fn has_generation(&self) -> bool {
        true
    }
}

fn param_ref(at: &At, e: &mut Errors) {
    const BOTH: &str = "name and selector are mutually exclusive";
    let (name, selector) = (at.child("name"), at.child("selector"));
    if !name.str().is_empty() {
        name.complain(e, names::path_segment(name.str(), false));
        if selector.has() {
            name.forbidden(e, BOTH);
        }
    }
    if selector.has() {
        labels::selector(&selector, false, e);
        if !name.str().is_empty() {
            selector.forbidden(e, BOTH);
        }
    }
    if name.str().is_empty() && !selector.has() {
        at.required(e, "one of name or selector must be specified");
    }
    at.child("parameterNotFoundAction")
        .required_one_of(e, &["Deny", "Allow"]);
}

fn actions(at: &At, e: &mut Errors) {
    let mut seen = BTreeSet::new();
    for a in at.items() {
        a.one_of(e, &["Audit", "Deny", "Warn"]);
        if !seen.insert(a.str()) {
            a.duplicate(e);
        }
    }
    if seen.contains("Deny") && seen.contains("Warn") {
        at.invalid(e, "must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)");
    }
    if seen.is_empty() {
        at.required(e, "at least one validation action is required");
    }
}
