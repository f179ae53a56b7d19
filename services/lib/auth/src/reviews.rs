//! Questions about users and rights (`pkg/registry/{authentication,authorization}`).

mod access;
mod rules;
mod selectors;
mod token;

use catena_objects::{Map, Status, Value, obj, time, user::User};

use crate::Auth;

pub(crate) async fn answer(
    auth: &Auth,
    kind: &str,
    user: &User,
    namespace: &str,
    body: Value,
) -> Result<Value, Status> {
    match kind {
        "TokenReview" => token::answer(auth, body).await,
        "SelfSubjectReview" => Ok(self_subject(user, &body)),
        "SelfSubjectRulesReview" => rules::answer(auth, user, &body),
        "SubjectAccessReview" => access::answer(auth, access::Whose::Named, body).await,
        "SelfSubjectAccessReview" => access::answer(auth, access::Whose::Own(user), body).await,
        "LocalSubjectAccessReview" => {
            access::answer(auth, access::Whose::Local(namespace), body).await
        }
        other => Err(Status::internal(format!("{other} is no review"))),
    }
}

/// The answer says nothing of what was asked but the name of the user.
fn self_subject(user: &User, body: &Value) -> Value {
    let mut out = fresh(body);
    out.set(&["metadata", "creationTimestamp"], time::now());
    out.set(&["status"], obj!({ "userInfo": (user_info(user)) }));
    out
}

/// A review of the same kind with nothing in it.
fn fresh(body: &Value) -> Value {
    obj!({
        "kind": (body.str_at(&["kind"])),
        "apiVersion": (body.str_at(&["apiVersion"])),
        "metadata": {}
    })
}

/// `userInfo` of a review.
fn user_info(user: &User) -> Value {
    let mut m = Map::new();
    for (key, text) in [("username", &user.name), ("uid", &user.uid)] {
        if !text.is_empty() {
            m.insert(key, text.as_str());
        }
    }
    if !user.groups.is_empty() {
        m.insert("groups", strings(&user.groups));
    }
    if !user.extra.is_empty() {
        let mut extra = Map::new();
        for (key, values) in &user.extra {
            extra.insert(key.as_str(), strings(values));
        }
        m.insert("extra", extra);
    }
    m.into()
}

fn strings(list: &[String]) -> Vec<Value> {
    list.iter().map(|s| Value::from(s.as_str())).collect()
}

fn list(v: &Value, path: &[&str]) -> Vec<String> {
    v.items_at(path)
        .iter()
        .filter_map(|s| s.as_str().map(str::to_owned))
        .collect()
}

/// Reviews are never stored; their metadata is there all the same.
fn with_metadata(mut body: Value) -> Value {
    if body.get("metadata").is_none_or(Value::is_null) {
        body.set(&["metadata"], Value::object());
    }
    body
}
