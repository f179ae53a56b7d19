//! Tokens that end, and die with what they are bound to (`claims.go`).

use catena_objects::{Value, json::go_quote, meta, user::User};
use jiff::Timestamp;

use super::{
    claims::{Received, Ref},
    user as account_user,
};
use crate::{
    authn::{CREDENTIAL_ID, Refused},
    objects::Objects,
};

/// Clocks of two machines may differ by this much (seconds).
const LEEWAY: i64 = 60;
const GONE: &str = "service account token has been invalidated";

/// The user, if the account and what the token is bound to are there.
pub(super) async fn user(claims: &Received, objects: &Objects) -> Result<User, Refused> {
    let now = Timestamp::now().as_second();
    check_times(claims, now)?;
    let k = &claims.kubernetes;
    let (namespace, account) = (k.namespace.as_str(), &k.serviceaccount);
    let found = objects
        .get("serviceaccounts", namespace, &account.name)
        .await?
        .ok_or_else(|| format!("serviceaccounts {} not found", go_quote(&account.name)))?;
    if meta::uid(&found) != account.uid {
        let (uid, claim) = (meta::uid(&found), &account.uid);
        let why = format!("service account UID ({uid}) does not match claim ({claim})");
        return Err(why.into());
    }
    if is_deleted(&found, now) {
        let why = format!(
            "service account {namespace}/{} has been deleted",
            account.name
        );
        return Err(why.into());
    }
    let bound = Bound { objects, now };
    if let Some(secret) = &k.secret {
        let words = ("secret", "service account secret ref");
        bound.check("secrets", namespace, secret, words).await?;
    }
    if let Some(pod) = &k.pod {
        let words = ("pod", "service account pod ref");
        bound.check("pods", namespace, pod, words).await?;
    } else if let Some(node) = &k.node {
        let words = ("node", "service account node ref");
        bound.check("minions", "", node, words).await?;
    }
    let mut user = account_user(namespace, &account.name, &account.uid);
    add_extra(&mut user, claims);
    Ok(user)
}

/// Times that are not given do not count.
fn check_times(claims: &Received, now: i64) -> Result<(), Refused> {
    let now = now as f64;
    let leeway = LEEWAY as f64;
    if claims.nbf.is_some_and(|t| now + leeway < t) {
        return Err("service account token is not valid yet".into());
    }
    if claims.exp.is_some_and(|t| now - leeway > t) {
        return Err("service account token has expired".into());
    }
    if claims.iat.is_some_and(|t| now + leeway < t) {
        return Err("service account token is issued in the future".into());
    }
    Ok(())
}

fn is_deleted(object: &Value, now: i64) -> bool {
    let at = object.str_at(&["metadata", "deletionTimestamp"]);
    at.parse::<Timestamp>()
        .is_ok_and(|at| at.as_second() < now - LEEWAY)
}

struct Bound<'a> {
    objects: &'a Objects,
    now: i64,
}

impl Bound<'_> {
    async fn check(
        &self,
        resource: &str,
        namespace: &str,
        wanted: &Ref,
        (kind, claim): (&str, &str),
    ) -> Result<(), Refused> {
        let found = self.objects.get(resource, namespace, &wanted.name).await?;
        let object = found.ok_or(GONE)?;
        if meta::uid(&object) != wanted.uid {
            let (uid, claimed) = (meta::uid(&object), &wanted.uid);
            let why = format!("{kind} UID ({uid}) does not match {claim} claim ({claimed})");
            return Err(why.into());
        }
        if is_deleted(&object, self.now) {
            return Err(GONE.into());
        }
        Ok(())
    }
}

fn add_extra(user: &mut User, claims: &Received) {
    let mut add = |key: &str, value: &str| {
        user.extra.insert(
            format!("authentication.kubernetes.io/{key}"),
            vec![value.to_owned()],
        );
    };
    let k = &claims.kubernetes;
    if let Some(pod) = k
        .pod
        .as_ref()
        .filter(|p| !p.name.is_empty() && !p.uid.is_empty())
    {
        add("pod-name", &pod.name);
        add("pod-uid", &pod.uid);
    }
    if let Some(node) = k.node.as_ref().filter(|n| !n.name.is_empty()) {
        add("node-name", &node.name);
        if !node.uid.is_empty() {
            add("node-uid", &node.uid);
        }
    }
    if !claims.jti.is_empty() {
        let id = format!("JTI={}", claims.jti);
        user.extra.insert(CREDENTIAL_ID.to_owned(), vec![id]);
    }
}
