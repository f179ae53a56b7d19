//! Acting as someone else (`filters/impersonation/impersonation.go`).

use std::collections::BTreeMap;

use catena_auth::authz::{Attributes, Decision, forbidden_status};
use catena_objects::{
    Status,
    user::{ALL_AUTHENTICATED, ALL_UNAUTHENTICATED, ANONYMOUS, User},
};

use crate::{Front, call::Call, request_info::decode};

const USER: &str = "impersonate-user";
const UID: &str = "impersonate-uid";
const GROUP: &str = "impersonate-group";
const EXTRA: &str = "impersonate-extra-";
const ACCOUNT: &str = "system:serviceaccount:";

/// Replaces the user where the request asks for it and the user may.
///
/// # Errors
/// 403 when the user may not be someone else.
pub(crate) async fn apply(front: &Front, call: &mut Call) -> Result<(), Status> {
    let Some(wanted) = wanted(call)? else {
        return Ok(());
    };
    if !call.peer.insecure {
        for attributes in questions(&call.user, &wanted) {
            let (decision, reason) = front.auth.authorize(&attributes).await;
            if decision != Decision::Allow {
                return Err(forbidden_status(&attributes, &reason));
            }
        }
    }
    call.user = complete(wanted);
    let names: Vec<_> = call.headers.keys().cloned().collect();
    for name in names {
        if name.as_str().starts_with("impersonate-") {
            call.headers.remove(name);
        }
    }
    Ok(())
}

/// The user that the headers name.
fn wanted(call: &Call) -> Result<Option<User>, Status> {
    let all = |name: &str| -> Vec<String> {
        call.headers
            .get_all(name)
            .iter()
            .filter_map(|v| v.to_str().ok().map(str::to_owned))
            .collect()
    };
    let mut extra: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in &call.headers {
        if let (Some(key), Ok(value)) = (name.as_str().strip_prefix(EXTRA), value.to_str()) {
            extra.entry(decode(key)).or_default().push(value.to_owned());
        }
    }
    let user = User {
        name: call.header(USER).to_owned(),
        uid: call.header(UID).to_owned(),
        groups: all(GROUP),
        extra,
    };
    if !user.name.is_empty() {
        return Ok(Some(user));
    }
    if user == User::default() {
        return Ok(None);
    }
    Err(Status::internal(format!(
        "requested {:?} without impersonating a user name",
        user.groups
    )))
}

/// One permission for each thing that is impersonated.
fn questions(from: &User, wanted: &User) -> Vec<Attributes> {
    let ask = |group: &str,
               version: &str,
               resource: &str,
               subresource: &str,
               namespace: &str,
               name: &str| Attributes {
        user: from.clone(),
        verb: "impersonate".to_owned(),
        api_group: group.to_owned(),
        api_version: version.to_owned(),
        resource: resource.to_owned(),
        subresource: subresource.to_owned(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        resource_request: true,
        ..Attributes::default()
    };
    let mut out = Vec::new();
    match wanted
        .name
        .strip_prefix(ACCOUNT)
        .and_then(|a| a.split_once(':'))
    {
        Some((namespace, name)) => out.push(ask("", "v1", "serviceaccounts", "", namespace, name)),
        None => out.push(ask("", "v1", "users", "", "", &wanted.name)),
    }
    for group in &wanted.groups {
        out.push(ask("", "v1", "groups", "", "", group));
    }
    let authentication = "authentication.k8s.io";
    for (key, values) in &wanted.extra {
        for value in values {
            out.push(ask(authentication, "v1", "userextras", key, "", value));
        }
    }
    if !wanted.uid.is_empty() {
        out.push(ask(authentication, "v1", "uids", "", "", &wanted.uid));
    }
    out
}

/// The groups that come with a name.
fn complete(mut user: User) -> User {
    if let Some((namespace, _)) = user
        .name
        .strip_prefix(ACCOUNT)
        .and_then(|a| a.split_once(':'))
        && user.groups.is_empty()
    {
        user.groups = vec![
            "system:serviceaccounts".to_owned(),
            format!("system:serviceaccounts:{namespace}"),
        ];
    }
    let known = |u: &User| u.in_group(ALL_AUTHENTICATED) || u.in_group(ALL_UNAUTHENTICATED);
    if user.name == ANONYMOUS {
        if !user.in_group(ALL_UNAUTHENTICATED) {
            user.groups.push(ALL_UNAUTHENTICATED.to_owned());
        }
    } else if !known(&user) {
        user.groups.push(ALL_AUTHENTICATED.to_owned());
    }
    user
}
