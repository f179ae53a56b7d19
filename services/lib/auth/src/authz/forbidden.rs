//! The text of a refusal (`responsewriters.ForbiddenStatusError`).

use catena_objects::Status;

use super::Attributes;

pub fn forbidden_status(a: &Attributes, reason: &str) -> Status {
    let why = message(a);
    let why = if reason.is_empty() {
        why
    } else {
        format!("{why}: {reason}")
    };
    Status::forbidden(&a.api_group, &a.resource, &a.name, &why)
}

fn message(a: &Attributes) -> String {
    let user = &a.user.name;
    if !a.resource_request {
        return format!("User {user:?} cannot {} path {:?}", a.verb, a.path);
    }
    let resource = if a.subresource.is_empty() {
        a.resource.clone()
    } else {
        format!("{}/{}", a.resource, a.subresource)
    };
    let scope = if a.namespace.is_empty() {
        "at the cluster scope".to_owned()
    } else {
        format!("in the namespace {:?}", a.namespace)
    };
    format!(
        "User {user:?} cannot {} resource {resource:?} in API group {:?} {scope}",
        a.verb, a.api_group
    )
}
