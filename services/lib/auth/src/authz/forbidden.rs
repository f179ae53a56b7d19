//! The text of a refusal (`responsewriters.ForbiddenStatusError`).

use catena_objects::{Status, json::go_quote};

use super::Attributes;

/// 403 with the words of kube-apiserver.
pub fn forbidden_status(a: &Attributes, reason: &str) -> Status {
    let mut why = harmless(&message(a));
    if !reason.is_empty() {
        why.push_str(": ");
        why.push_str(reason);
    }
    Status::forbidden(&a.api_group, &a.resource, &a.name, &why)
}

/// No HTML comes out of a path: browsers show refusals.
fn harmless(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

fn message(a: &Attributes) -> String {
    let (user, verb) = (go_quote(&a.user.name), &a.verb);
    if !a.resource_request {
        return format!("User {user} cannot {verb} path {}", go_quote(&a.path));
    }
    let resource = if a.subresource.is_empty() {
        go_quote(&a.resource)
    } else {
        go_quote(&format!("{}/{}", a.resource, a.subresource))
    };
    let scope = if a.namespace.is_empty() {
        "at the cluster scope".to_owned()
    } else {
        format!("in the namespace {}", go_quote(&a.namespace))
    };
    let group = go_quote(&a.api_group);
    format!("User {user} cannot {verb} resource {resource} in API group {group} {scope}")
}
