//! Questions about users and rights (`pkg/registry/{authentication,authorization}`).

use catena_objects::{
    Map, Status, Value,
    field::{Error, Errors, Path},
    obj, time,
    user::User,
};

use crate::{
    Auth,
    authz::{Attributes, Decision, rbac::Rule},
};

const AUTHORIZATION: &str = "authorization.k8s.io";

pub(crate) async fn answer(
    auth: &Auth,
    kind: &str,
    user: &User,
    namespace: &str,
    body: Value,
) -> Result<Value, Status> {
    match kind {
        "TokenReview" => token(auth, body).await,
        "SelfSubjectReview" => Ok(self_subject(user, body)),
        "SelfSubjectRulesReview" => rules(auth, user, body),
        _ => access(auth, kind, user, namespace, body).await,
    }
}

/// `userInfo` of a review.
fn user_info(user: &User) -> Value {
    let mut m = Map::new();
    if !user.name.is_empty() {
        m.insert("username", user.name.as_str());
    }
    if !user.uid.is_empty() {
        m.insert("uid", user.uid.as_str());
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

async fn token(auth: &Auth, mut body: Value) -> Result<Value, Status> {
    let token = body.str_at(&["spec", "token"]).to_owned();
    if token.is_empty() {
        return Err(Status::bad_request(
            "token is required for TokenReview in authentication",
        ));
    }
    let mut audiences: Vec<String> = list(&body, &["spec", "audiences"]);
    let asked = !audiences.is_empty();
    if !asked {
        audiences = auth.chain.audiences().to_vec();
    }
    let status = match auth.chain.token(&token, &audiences).await {
        Ok(Some(accepted)) => {
            let mut s = obj!({ "authenticated": true, "user": (user_info(&accepted.user)) });
            if !accepted.audiences.is_empty() {
                s.set(&["audiences"], strings(&accepted.audiences));
            }
            s
        }
        Ok(None) => obj!({ "user": {} }),
        Err(why) => obj!({ "user": {}, "error": (why) }),
    };
    metadata(&mut body);
    body.set(&["status"], status);
    Ok(body)
}

fn self_subject(user: &User, mut body: Value) -> Value {
    metadata(&mut body);
    body.set(&["metadata", "creationTimestamp"], time::now());
    body.set(&["status"], obj!({ "userInfo": (user_info(user)) }));
    body
}

/// Reviews are never stored; their metadata is there all the same.
fn metadata(body: &mut Value) {
    if body.get("metadata").is_none() {
        body.set(&["metadata"], Value::object());
    }
}

fn list(v: &Value, path: &[&str]) -> Vec<String> {
    v.items_at(path)
        .iter()
        .filter_map(|s| s.as_str().map(str::to_owned))
        .collect()
}

async fn access(
    auth: &Auth,
    kind: &str,
    user: &User,
    namespace: &str,
    mut body: Value,
) -> Result<Value, Status> {
    let own = kind == "SelfSubjectAccessReview";
    let errors = validate(
        &body,
        own,
        (kind == "LocalSubjectAccessReview").then_some(namespace),
    );
    if !errors.is_empty() {
        return Err(Status::invalid(AUTHORIZATION, kind, "", &errors));
    }
    let subject = if own { user.clone() } else { subject(&body) };
    let attributes = attributes(subject, body.get("spec").unwrap_or(&Value::Null));
    let (decision, reason) = auth.authorize(&attributes).await;
    let mut status = obj!({ "allowed": (decision == Decision::Allow) });
    if decision == Decision::Deny {
        status.set(&["denied"], true);
    }
    if !reason.is_empty() {
        status.set(&["reason"], reason);
    }
    metadata(&mut body);
    body.set(&["status"], status);
    Ok(body)
}

/// `ValidateSubjectAccessReviewSpec` and its siblings.
fn validate(body: &Value, own: bool, local: Option<&str>) -> Errors {
    let mut errors = Errors::new();
    let spec = Path::new("spec");
    let has = |f: &str| body.at(&["spec", f]).is_some_and(|v| !v.is_null());
    let (resource, path) = (has("resourceAttributes"), has("nonResourceAttributes"));
    if resource && path {
        let why = "cannot be specified in combination with resourceAttributes";
        let shown = "";
        errors.push(Error::invalid(
            &spec.child("nonResourceAttributes"),
            shown,
            why,
        ));
    }
    if !resource && !path {
        let why = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
        errors.push(Error::invalid(
            &spec.child("resourceAttributes"),
            Value::Null,
            why,
        ));
    }
    if !own {
        let named = !body.str_at(&["spec", "user"]).is_empty();
        if !named && body.items_at(&["spec", "groups"]).is_empty() {
            let why = "at least one of user or group must be specified";
            errors.push(Error::invalid(&spec.child("user"), "", why));
        }
    }
    if let Some(namespace) = local {
        if path {
            let why = "disallowed on this kind of request";
            errors.push(Error::invalid(
                &spec.child("nonResourceAttributes"),
                "",
                why,
            ));
        }
        let given = body.str_at(&["spec", "resourceAttributes", "namespace"]);
        if given != namespace {
            let at = spec.child("resourceAttributes").child("namespace");
            errors.push(Error::invalid(&at, given, "must match metadata.namespace"));
        }
    }
    errors
}

fn subject(body: &Value) -> User {
    let mut user = User {
        name: body.str_at(&["spec", "user"]).to_owned(),
        uid: body.str_at(&["spec", "uid"]).to_owned(),
        groups: list(body, &["spec", "groups"]),
        ..User::default()
    };
    let extra = body.at(&["spec", "extra"]).and_then(Value::as_object);
    for (key, values) in extra.into_iter().flat_map(Map::iter) {
        let values = values.as_array().unwrap_or_default();
        let values = values.iter().filter_map(|v| v.as_str().map(str::to_owned));
        user.extra
            .insert(key.to_ascii_lowercase().to_string(), values.collect());
    }
    user
}

fn attributes(user: User, spec: &Value) -> Attributes {
    if let Some(r) = spec.get("resourceAttributes").filter(|v| !v.is_null()) {
        let text = |f: &str| r.str_at(&[f]).to_owned();
        return Attributes {
            user,
            verb: text("verb"),
            namespace: text("namespace"),
            api_group: text("group"),
            api_version: text("version"),
            resource: text("resource"),
            subresource: text("subresource"),
            name: text("name"),
            resource_request: true,
            ..Attributes::default()
        };
    }
    let text = |f: &str| spec.str_at(&["nonResourceAttributes", f]).to_owned();
    Attributes {
        user,
        verb: text("verb"),
        path: text("path"),
        ..Attributes::default()
    }
}

fn rules(auth: &Auth, user: &User, mut body: Value) -> Result<Value, Status> {
    let namespace = body.str_at(&["spec", "namespace"]).to_owned();
    if namespace.is_empty() {
        return Err(Status::bad_request("no namespace on request"));
    }
    let rules = auth.rules_for(user, &namespace);
    let resource: Vec<Value> = rules.resource.iter().map(resource_rule).collect();
    let paths: Vec<Value> = rules.non_resource.iter().map(path_rule).collect();
    let mut status = obj!({
        "resourceRules": resource,
        "nonResourceRules": paths,
        "incomplete": (!rules.errors.is_empty())
    });
    if !rules.errors.is_empty() {
        status.set(&["evaluationError"], rules.errors.join(", "));
    }
    metadata(&mut body);
    body.set(&["status"], status);
    Ok(body)
}

fn resource_rule(rule: &Rule) -> Value {
    let mut m = Map::new();
    m.insert("verbs", strings(&rule.verbs));
    m.insert("apiGroups", strings(&rule.api_groups));
    m.insert("resources", strings(&rule.resources));
    if !rule.resource_names.is_empty() {
        m.insert("resourceNames", strings(&rule.resource_names));
    }
    m.into()
}

fn path_rule(rule: &Rule) -> Value {
    let mut m = Map::new();
    m.insert("verbs", strings(&rule.verbs));
    m.insert("nonResourceURLs", strings(&rule.non_resource_urls));
    m.into()
}
