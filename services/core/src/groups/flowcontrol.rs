//! flowcontrol.apiserver.k8s.io: FlowSchema and PriorityLevelConfiguration.

use std::sync::Arc;

use catena_objects::{
    Value,
    field::{Error, Errors, Path},
    names, obj,
};
use catena_registry::{Context, Strategy};

use crate::steps::{complaints, is_set, kube_finalizers, one_of, strings};

const MAX_PRECEDENCE: i64 = 10_000;

/// Rules of a resource of the group.
pub fn strategy(plural: &str, _version: &str) -> Option<Arc<dyn Strategy>> {
    match plural {
        "flowschemas" => Some(Arc::new(FlowSchema)),
        "prioritylevelconfigurations" => Some(Arc::new(PriorityLevel)),
        _ => None,
    }
}

#[derive(Debug)]
pub struct FlowSchema;

impl Strategy for FlowSchema {
    fn default(&self, object: &mut Value) {
        if object.i64_at(&["spec", "matchingPrecedence"]).unwrap_or(0) == 0 {
            object.set(&["spec", "matchingPrecedence"], 1_000i64);
        }
    }

    fn prepare_create(&self, _ctx: &Context, object: &mut Value) {
        object.set(&["status"], Value::object());
    }

    fn has_generation(&self) -> bool {
        true
    }

    fn validate(&self, _ctx: &Context, object: &Value) -> Errors {
        let mut errors = kube_finalizers(object);
        let spec = Path::new("spec");
        let precedence = object.i64_at(&["spec", "matchingPrecedence"]).unwrap_or(0);
        let path = spec.child("matchingPrecedence");
        if precedence <= 0 {
            errors.push(Error::invalid(
                &path,
                precedence,
                "must be a positive value",
            ));
        }
        if precedence > MAX_PRECEDENCE {
            let text = format!("must not be greater than {MAX_PRECEDENCE}");
            errors.push(Error::invalid(&path, precedence, text));
        }
        let exempt = object.str_at(&["metadata", "name"]) == "exempt";
        if precedence == 1 && !exempt {
            let text = "only the schema named 'exempt' may have matchingPrecedence 1";
            errors.push(Error::invalid(&path, precedence, text));
        }
        if is_set(object, &["spec", "distinguisherMethod"]) {
            let ty = object.str_at(&["spec", "distinguisherMethod", "type"]);
            let path = spec.child("distinguisherMethod").child("type");
            if !matches!(ty, "ByNamespace" | "ByUser") {
                // Go prints the whole struct here.
                let shown = obj!({"Type": ty});
                errors.push(Error::not_supported(
                    &path,
                    shown,
                    &["ByNamespace", "ByUser"],
                ));
            }
        }
        let level = object.str_at(&["spec", "priorityLevelConfiguration", "name"]);
        let path = spec.child("priorityLevelConfiguration").child("name");
        if level.is_empty() {
            let text = "must reference a priority level";
            errors.push(Error::required(&path, text));
        } else {
            complaints(
                &mut errors,
                &path,
                level,
                names::dns1123_subdomain(level, false),
            );
        }
        for (i, rule) in object.items_at(&["spec", "rules"]).iter().enumerate() {
            policy_rule(&mut errors, &spec.child("rules").index(i), rule);
        }
        errors
    }
}

fn policy_rule(errors: &mut Errors, path: &Path, rule: &Value) {
    let subjects = rule.items_at(&["subjects"]);
    if subjects.is_empty() {
        errors.push(Error::required(
            &path.child("subjects"),
            "subjects must contain at least one value",
        ));
    }
    for (i, subject) in subjects.iter().enumerate() {
        let at = path.child("subjects").index(i);
        let (kind, member) = match subject.str_at(&["kind"]) {
            "ServiceAccount" => ("ServiceAccount", "serviceAccount"),
            "User" => ("User", "user"),
            "Group" => ("Group", "group"),
            other => {
                let known = ["Group", "ServiceAccount", "User"];
                errors.push(Error::not_supported(&at.child("kind"), other, &known));
                continue;
            }
        };
        if !is_set(subject, &[member]) {
            let text = match kind {
                "ServiceAccount" => {
                    "serviceAccount is required when subject kind is 'ServiceAccount'"
                }
                "User" => "user is required when subject kind is 'User'",
                _ => "group is required when subject kind is 'Group'",
            };
            errors.push(Error::required(&at.child(member), text));
        } else if subject.str_at(&[member, "name"]).is_empty() {
            errors.push(Error::required(&at.child(member).child("name"), ""));
        }
    }
    let (resource, other) = (
        rule.items_at(&["resourceRules"]),
        rule.items_at(&["nonResourceRules"]),
    );
    if resource.is_empty() && other.is_empty() {
        let text = "at least one of resourceRules and nonResourceRules has to be non-empty";
        errors.push(Error::required(path, text));
    }
    for (i, r) in resource.iter().enumerate() {
        resource_rule(errors, &path.child("resourceRules").index(i), r);
    }
    for (i, r) in other.iter().enumerate() {
        let at = path.child("nonResourceRules").index(i);
        verbs(errors, &at, r);
        let text = "nonResourceURLs must contain at least one value";
        alone(errors, &at, r, "nonResourceURLs", text, "non-resource URLs");
    }
}

/// A list that is not empty and, when it has "*", has nothing else.
fn alone(errors: &mut Errors, path: &Path, rule: &Value, list: &str, empty: &str, noun: &str) {
    let all = strings(rule, &[list]);
    if all.is_empty() {
        errors.push(Error::required(&path.child(list), empty));
    } else if all.len() > 1 && all.contains(&"*") {
        let value = rule.get(list).cloned().unwrap_or_default();
        let text = format!("if '*' is present, must not specify other {noun}");
        errors.push(Error::invalid(&path.child(list), value, text));
    }
}

fn verbs(errors: &mut Errors, path: &Path, rule: &Value) {
    const KNOWN: [&str; 9] = [
        "create",
        "delete",
        "deletecollection",
        "get",
        "list",
        "patch",
        "proxy",
        "update",
        "watch",
    ];
    alone(
        errors,
        path,
        rule,
        "verbs",
        "verbs must contain at least one value",
        "verbs",
    );
    let all = strings(rule, &["verbs"]);
    if !all.contains(&"*") && all.iter().any(|v| !KNOWN.contains(v)) {
        let value = rule.get("verbs").cloned().unwrap_or_default();
        errors.push(Error::not_supported(&path.child("verbs"), value, &KNOWN));
    }
}

fn resource_rule(errors: &mut Errors, path: &Path, rule: &Value) {
    verbs(errors, path, rule);
    let text = "resource rules must supply at least one api group";
    alone(errors, path, rule, "apiGroups", text, "api groups");
    let text = "resource rules must supply at least one resource";
    alone(errors, path, rule, "resources", text, "resources");
    let namespaces = strings(rule, &["namespaces"]);
    if namespaces.is_empty() && rule.bool_at(&["clusterScope"]) == Some(true) {
        return;
    }
    let text = "resource rules that are not cluster scoped must supply at least one namespace";
    alone(errors, path, rule, "namespaces", text, "namespaces");
    if namespaces.contains(&"*") {
        return;
    }
    for (i, ns) in namespaces.into_iter().enumerate() {
        for text in names::dns1123_label(ns, false) {
            let text = format!("each member of this list must be '*' or a DNS-1123 label; {text}");
            errors.push(Error::invalid(&path.child("namespaces").index(i), ns, text));
        }
    }
}

#[derive(Debug)]
pub struct PriorityLevel;

impl Strategy for PriorityLevel {
    fn default(&self, object: &mut Value) {
        if is_set(object, &["spec", "exempt"]) {
            object.set_default(&["spec", "exempt", "nominalConcurrencyShares"], 0i64);
            object.set_default(&["spec", "exempt", "lendablePercent"], 0i64);
        }
        if !is_set(object, &["spec", "limited"]) {
            return;
        }
        object.set_default(&["spec", "limited", "nominalConcurrencyShares"], 30i64);
        object.set_default(&["spec", "limited", "lendablePercent"], 0i64);
        if is_set(object, &["spec", "limited", "limitResponse", "queuing"]) {
            for (field, value) in [("queues", 64i64), ("handSize", 8), ("queueLengthLimit", 50)] {
                let path = ["spec", "limited", "limitResponse", "queuing", field];
                if object.i64_at(&path).unwrap_or(0) == 0 {
                    object.set(&path, value);
                }
            }
        }
    }

    fn prepare_create(&self, _ctx: &Context, object: &mut Value) {
        object.set(&["status"], Value::object());
    }

    fn has_generation(&self) -> bool {
        true
    }

    fn validate(&self, _ctx: &Context, object: &Value) -> Errors {
        let mut errors = kube_finalizers(object);
        let spec = Path::new("spec");
        let ty = object.str_at(&["spec", "type"]);
        match ty {
            "Exempt" => {
                if is_set(object, &["spec", "limited"]) {
                    let text = "must be nil if the type is not Limited";
                    errors.push(Error::forbidden(&spec.child("limited"), text));
                }
            }
            "Limited" => limited(&mut errors, object),
            other => {
                errors.push(Error::not_supported(
                    &spec.child("type"),
                    other,
                    &["Exempt", "Limited"],
                ));
            }
        }
        errors
    }
}

fn limited(errors: &mut Errors, object: &Value) {
    let spec = Path::new("spec");
    if is_set(object, &["spec", "exempt"]) {
        let text = "must be nil if the type is Limited";
        errors.push(Error::forbidden(&spec.child("exempt"), text));
    }
    let path = spec.child("limited");
    if !is_set(object, &["spec", "limited"]) {
        errors.push(Error::required(
            &path,
            "must not be empty when type is Limited",
        ));
        return;
    }
    let response = path.child("limitResponse");
    let ty = object.str_at(&["spec", "limited", "limitResponse", "type"]);
    let shares = object
        .i64_at(&["spec", "limited", "nominalConcurrencyShares"])
        .unwrap_or(0);
    if shares < 0 {
        let at = path.child("nominalConcurrencyShares");
        errors.push(Error::invalid(
            &at,
            shares,
            "must be a non-negative integer",
        ));
    }
    one_of(errors, &response.child("type"), ty, &["Queue", "Reject"]);
    let queuing = is_set(object, &["spec", "limited", "limitResponse", "queuing"]);
    if ty == "Reject" && queuing {
        let text = "must be nil if limited.limitResponse.type is not Limited";
        errors.push(Error::forbidden(&response.child("queuing"), text));
    } else if ty == "Queue" && !queuing {
        let text = "must not be empty if limited.limitResponse.type is Limited";
        errors.push(Error::required(&response.child("queuing"), text));
    } else if ty == "Queue" {
        queuing_rules(errors, &response.child("queuing"), object);
    }
    let percent = ["spec", "limited", "lendablePercent"];
    if let Some(n) = object.i64_at(&percent).filter(|n| !(0..=100).contains(n)) {
        let at = path.child("lendablePercent");
        errors.push(Error::invalid(
            &at,
            n,
            "must be between 0 and 100, inclusive",
        ));
    }
    let percent = ["spec", "limited", "borrowingLimitPercent"];
    if let Some(n) = object.i64_at(&percent).filter(|n| *n < 0) {
        let at = path.child("borrowingLimitPercent");
        errors.push(Error::invalid(
            &at,
            n,
            "if specified, must be a non-negative integer",
        ));
    }
}

fn queuing_rules(errors: &mut Errors, path: &Path, object: &Value) {
    const MAX_QUEUES: i64 = 10_000_000;
    let get = |field: &str| {
        object
            .i64_at(&["spec", "limited", "limitResponse", "queuing", field])
            .unwrap_or(0)
    };
    let mut wrong = |field: &str, text: String| {
        errors.push(Error::invalid(&path.child(field), get(field), text));
    };
    let (queues, hand) = (get("queues"), get("handSize"));
    if get("queueLengthLimit") <= 0 {
        wrong("queueLengthLimit", "must be positive".into());
    }
    if queues <= 0 {
        wrong("queues", "must be positive".into());
    } else if queues > MAX_QUEUES {
        wrong("queues", format!("must not be greater than {MAX_QUEUES}"));
    }
    if hand <= 0 {
        wrong("handSize", "must be positive".into());
    } else if hand > queues {
        wrong(
            "handSize",
            format!("should not be greater than queues ({queues})"),
        );
    }
}
