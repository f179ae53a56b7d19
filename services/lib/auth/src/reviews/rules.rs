//! SelfSubjectRulesReview: everything that one may do in a namespace.

use catena_objects::{Map, Status, Value, user::User};

use super::{fresh, strings};
use crate::{Auth, authz::rbac::Rule};

pub(super) fn answer(auth: &Auth, user: &User, body: &Value) -> Result<Value, Status> {
    let namespace = body.str_at(&["spec", "namespace"]);
    if namespace.is_empty() {
        return Err(Status::bad_request("no namespace on request"));
    }
    let rules = auth.rules_for(user, namespace);
    let resource: Vec<Value> = rules.resource.iter().map(resource_rule).collect();
    let paths: Vec<Value> = rules.non_resource.iter().map(path_rule).collect();
    let mut status = Map::new();
    status.insert("resourceRules", resource);
    status.insert("nonResourceRules", paths);
    status.insert("incomplete", rules.incomplete);
    if let Some(why) = aggregate(&rules.errors) {
        status.insert("evaluationError", why);
    }
    let mut out = fresh(body);
    out.set(&["spec"], Value::object());
    out.set(&["status"], status);
    Ok(out)
}

/// One error as it is, several in brackets; repeated ones once.
fn aggregate(errors: &[String]) -> Option<String> {
    let mut seen: Vec<&str> = Vec::new();
    for e in errors {
        if !seen.contains(&e.as_str()) {
            seen.push(e);
        }
    }
    match seen.as_slice() {
        [] => None,
        [one] => Some((*one).to_owned()),
        many => Some(format!("[{}]", many.join(", "))),
    }
}

fn resource_rule(rule: &Rule) -> Value {
    filled(&[
        ("verbs", &rule.verbs),
        ("apiGroups", &rule.api_groups),
        ("resources", &rule.resources),
        ("resourceNames", &rule.resource_names),
    ])
}

fn path_rule(rule: &Rule) -> Value {
    filled(&[
        ("verbs", &rule.verbs),
        ("nonResourceURLs", &rule.non_resource_urls),
    ])
}

fn filled(lists: &[(&'static str, &Vec<String>)]) -> Value {
    let mut m = Map::new();
    for (name, list) in lists.iter().filter(|(_, list)| !list.is_empty()) {
        m.insert(*name, strings(list));
    }
    m.into()
}
