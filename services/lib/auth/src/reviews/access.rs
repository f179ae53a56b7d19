//! The three reviews that ask whether someone may do something.

use catena_objects::{
    Map, Status, Value,
    field::{Error, Errors, Path},
    obj,
    user::User,
};

use super::{list, selectors, with_metadata};
use crate::{
    Auth,
    authz::{Attributes, Decision},
};

const GROUP: &str = "authorization.k8s.io";
const RESOURCE: &[&str] = &["spec", "resourceAttributes"];
const PATH: &[&str] = &["spec", "nonResourceAttributes"];

/// Whose rights are asked about.
pub(super) enum Whose<'a> {
    /// Those of the user in the spec.
    Named,
    /// Those of the user in the spec, in this namespace.
    Local(&'a str),
    /// Those of who asks.
    Own(&'a User),
}

pub(super) async fn answer(auth: &Auth, whose: Whose<'_>, body: Value) -> Result<Value, Status> {
    let mut body = with_metadata(body);
    if let Whose::Local(namespace) = whose {
        match body.str_at(&["metadata", "namespace"]) {
            "" => body.set(&["metadata", "namespace"], namespace),
            given if given == namespace => {}
            _ => {
                let why = "the namespace of the provided object does not match the namespace sent on the request";
                return Err(Status::bad_request(why));
            }
        }
    }
    let errors = validate(&body, &whose);
    if !errors.is_empty() {
        // kube-apiserver has lost the kind at this point.
        let mut status = Status::invalid(GROUP, "", "", &errors);
        if let Some(details) = &mut status.details {
            details.kind.clear();
        }
        return Err(status);
    }
    let user = match whose {
        Whose::Own(user) => user.clone(),
        Whose::Named | Whose::Local(_) => named(&body),
    };
    let a = attributes(user, &body);
    let (decision, reason) = auth.authorize(&a).await;
    let mut status = Map::new();
    status.insert("allowed", decision == Decision::Allow);
    if decision == Decision::Deny {
        status.insert("denied", true);
    }
    for (name, text) in [
        ("reason", reason),
        ("evaluationError", selectors::evaluation_error(&a)),
    ] {
        if !text.is_empty() {
            status.insert(name, text);
        }
    }
    body.set(&["status"], status);
    Ok(body)
}

fn given<'a>(body: &'a Value, path: &[&str]) -> Option<&'a Value> {
    body.at(path).filter(|v| !v.is_null())
}

/// `ValidateSubjectAccessReview` and its siblings.
fn validate(body: &Value, whose: &Whose<'_>) -> Errors {
    let mut errors = Errors::new();
    let spec = Path::new("spec");
    let (resource, path) = (given(body, RESOURCE), given(body, PATH));
    if let (Some(_), Some(path)) = (resource, path) {
        let why = "cannot be specified in combination with resourceAttributes";
        let at = spec.child("nonResourceAttributes");
        errors.push(Error::invalid(&at, shown(path), why));
    }
    if resource.is_none() && path.is_none() {
        let why = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
        let at = spec.child("resourceAttributes");
        errors.push(Error::invalid(&at, Value::Null, why));
    }
    let own = matches!(whose, Whose::Own(_));
    let user = body.str_at(&["spec", "user"]);
    if !own && user.is_empty() && body.items_at(&["spec", "groups"]).is_empty() {
        let why = "at least one of user or group must be specified";
        errors.push(Error::invalid(&spec.child("user"), "", why));
    }
    if let Some(resource) = resource {
        let at = Path::new("spec.resourceAttributes");
        errors.extend(selectors::validate(resource, &at));
    }
    metadata(&mut errors, body, whose);
    if let Whose::Local(namespace) = whose {
        local(&mut errors, body, namespace);
    }
    errors
}

/// A review has no name and no labels.
fn metadata(errors: &mut Errors, body: &Value, whose: &Whose<'_>) {
    let mut meta = body.get("metadata").cloned().unwrap_or_default();
    let shown = meta.clone();
    meta.unset(&["managedFields"]);
    let mut why = "must be empty";
    if let Whose::Local(_) = whose {
        meta.unset(&["namespace"]);
        why = "must be empty except for namespace";
    }
    let filled = |v: &Value| match v {
        Value::Null => false,
        Value::String(s) => !s.is_empty(),
        Value::Array(a) => !a.is_empty(),
        Value::Object(m) => !m.is_empty(),
        Value::Int(i) => *i != 0,
        _ => true,
    };
    let fields = meta.as_object().map(Map::values);
    if fields.into_iter().flatten().any(filled) {
        errors.push(Error::invalid(&Path::new("metadata"), shown, why));
    }
}

fn local(errors: &mut Errors, body: &Value, namespace: &str) {
    if let Some(resource) = given(body, RESOURCE) {
        let other = resource.str_at(&["namespace"]);
        if other != namespace {
            let at = Path::new("spec.resourceAttributes.namespace");
            errors.push(Error::invalid(&at, other, "must match metadata.namespace"));
        }
    }
    if let Some(path) = given(body, PATH) {
        let at = Path::new("spec.nonResourceAttributes");
        let why = "disallowed on this kind of request";
        errors.push(Error::invalid(&at, shown(path), why));
    }
}

/// Go prints the internal type, which has no JSON names.
fn shown(path: &Value) -> Value {
    obj!({
        "Path": (path.str_at(&["path"])),
        "Verb": (path.str_at(&["verb"]))
    })
}

fn named(body: &Value) -> User {
    let mut user = User {
        name: body.str_at(&["spec", "user"]).to_owned(),
        uid: body.str_at(&["spec", "uid"]).to_owned(),
        groups: list(body, &["spec", "groups"]),
        ..User::default()
    };
    let extra = body.at(&["spec", "extra"]).and_then(Value::as_object);
    for (key, values) in extra.into_iter().flat_map(Map::iter) {
        user.extra.insert(key.to_string(), list(values, &[]));
    }
    user
}

fn attributes(user: User, body: &Value) -> Attributes {
    let Some(r) = given(body, RESOURCE) else {
        let text = |f: &str| body.str_at(&[PATH, &[f]].concat()).to_owned();
        return Attributes {
            user,
            verb: text("verb"),
            path: text("path"),
            ..Attributes::default()
        };
    };
    let text = |f: &str| r.str_at(&[f]).to_owned();
    let mut a = Attributes {
        user,
        verb: text("verb"),
        namespace: text("namespace"),
        api_group: text("group"),
        api_version: match text("version") {
            v if v.is_empty() => "*".to_owned(),
            v => v,
        },
        resource: text("resource"),
        subresource: text("subresource"),
        name: text("name"),
        resource_request: true,
        ..Attributes::default()
    };
    selectors::apply(&mut a, r);
    a
}
