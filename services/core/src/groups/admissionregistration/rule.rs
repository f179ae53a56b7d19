//! What rules, selectors and conditions of webhooks and policies have in common.

use std::collections::BTreeSet;

use catena_objects::{Value, field::Errors, names};

use crate::{
    groups::core::pod::defaults::each,
    rules::{At, labels},
};

const OPERATIONS: [&str; 5] = ["*", "CONNECT", "CREATE", "DELETE", "UPDATE"];

/// Defaults of everything that matches requests (`SetDefaults_MatchResources`).
pub fn default_match(at: &mut Value) {
    at.set_default(&["matchPolicy"], "Equivalent");
    at.set_default(&["namespaceSelector"], Value::object());
    at.set_default(&["objectSelector"], Value::object());
    for list in ["resourceRules", "excludeResourceRules"] {
        each(at, list, default_scope);
    }
}

/// `SetDefaults_Rule`.
pub fn default_scope(rule: &mut Value) {
    rule.set_default(&["scope"], "*");
}

fn has_star(at: &At) -> bool {
    at.items().any(|i| i.str() == "*")
}

fn alone(at: &At, what: &str, e: &mut Errors) {
    if at.len() > 1 && has_star(at) {
        at.invalid(
            e,
            format!("if '*' is present, must not specify other {what}"),
        );
    }
}

/// `validateRuleWithOperations`.
pub fn rule(at: &At, e: &mut Errors) {
    let operations = at.child("operations");
    if operations.is_empty() {
        operations.required(e, "");
    }
    alone(&operations, "operations", e);
    for o in operations.items() {
        o.one_of(e, &OPERATIONS);
    }
    let (groups, versions) = (at.child("apiGroups"), at.child("apiVersions"));
    if groups.is_empty() {
        groups.required(e, "");
    }
    alone(&groups, "API groups", e);
    if versions.is_empty() {
        versions.required(e, "");
    }
    alone(&versions, "API versions", e);
    versions.items().for_each(|v| v.need(e));
    resources(&at.child("resources"), e);
    if let Some(s) = at.some("scope") {
        s.one_of(e, &["*", "Cluster", "Namespaced"]);
    }
}

/// `validateResources`.
fn resources(at: &At, e: &mut Errors) {
    if at.is_empty() {
        at.required(e, "");
    }
    let (mut all_subresources, mut of_all) = (BTreeSet::new(), BTreeSet::new());
    let (mut double, mut single, mut plain) = (false, false, false);
    for r in at.items() {
        let text = r.str();
        if text.is_empty() {
            r.required(e, "");
            continue;
        }
        double |= text == "*/*";
        single |= text == "*";
        let Some((resource, sub)) = text.split_once('/') else {
            // As Go has it: the last one decides.
            plain = text != "*";
            continue;
        };
        if all_subresources.contains(resource) {
            r.bad_text(
                e,
                format!("if '{resource}/*' is present, must not specify {text}"),
            );
        }
        if of_all.contains(sub) {
            r.bad_text(
                e,
                format!("if '*/{sub}' is present, must not specify {text}"),
            );
        }
        if sub == "*" {
            all_subresources.insert(resource);
        }
        if resource == "*" {
            of_all.insert(sub);
        }
    }
    if at.len() > 1 && double {
        at.invalid(e, "if '*/*' is present, must not specify other resources");
    }
    if single && plain {
        at.invalid(
            e,
            "if '*' is present, must not specify other resources without subresources",
        );
    }
}

/// `validateMatchResources`.
pub fn match_resources(at: &At, e: &mut Errors) {
    let policy = at.child("matchPolicy");
    if policy.has() {
        policy.one_of(e, &["Equivalent", "Exact"]);
    } else {
        policy.required(e, "");
    }
    for name in ["namespaceSelector", "objectSelector"] {
        let s = at.child(name);
        if s.has() {
            labels::selector(&s, false, e);
        } else {
            s.required(e, "");
        }
    }
    for list in ["resourceRules", "excludeResourceRules"] {
        for r in at.child(list).items() {
            let mut seen = BTreeSet::new();
            for n in r.child("resourceNames").items() {
                n.complain(e, names::path_segment(n.str(), false));
                if !seen.insert(n.str()) {
                    n.duplicate(e);
                }
            }
            rule(&r, e);
        }
    }
}
