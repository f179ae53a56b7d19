//! Tokens in secrets, which never end (`legacy.go`).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use catena_objects::{Value, json::go_quote, meta, user::User};

use super::{USER, claims::Received, user as account_user};
use crate::{authn::Refused, objects::Objects};

const INVALID_SINCE: &str = "kubernetes.io/legacy-token-invalid-since";
const GONE: &str = "Token has been invalidated";

/// The user, if the account and the secret with this very token are there.
pub(super) async fn user(
    claims: &Received,
    token: &str,
    objects: &Objects,
) -> Result<User, Refused> {
    let (namespace, name, secret) = (&claims.namespace, &claims.account, &claims.secret);
    let needed = [
        ("sub", &claims.sub),
        ("namespace", namespace),
        ("secretName", secret),
        ("serviceAccountName", name),
        ("serviceAccountUID", &claims.account_uid),
    ];
    if let Some((claim, _)) = needed.iter().find(|(_, value)| value.is_empty()) {
        return Err(format!("{claim} claim is missing").into());
    }
    if claims.sub != format!("{USER}{namespace}:{name}") {
        return Err("sub claim is invalid".into());
    }
    let found = objects.get("secrets", namespace, secret).await?;
    let object = found.filter(|s| !meta::is_deleting(s)).ok_or(GONE)?;
    if !holds(&object, token) {
        return Err("Token does not match server's copy".into());
    }
    let account = objects
        .get("serviceaccounts", namespace, name)
        .await?
        .ok_or_else(|| format!("serviceaccounts {} not found", go_quote(name)))?;
    if meta::is_deleting(&account) {
        return Err(format!("ServiceAccount {namespace}/{name} has been deleted").into());
    }
    if meta::uid(&account) != claims.account_uid {
        let (uid, claimed) = (meta::uid(&account), &claims.account_uid);
        let why = format!("ServiceAccount UID ({uid}) does not match claim ({claimed})");
        return Err(why.into());
    }
    if meta::label(&object, INVALID_SINCE).is_some_and(|since| !since.is_empty()) {
        let why = format!(
            "the token in secret {namespace}/{secret} for service account {namespace}/{name} has been marked invalid. Use tokens from the TokenRequest API or manually created secret-based tokens, or remove the '{INVALID_SINCE}' label from the secret to temporarily allow use of this token"
        );
        return Err(why.into());
    }
    Ok(account_user(namespace, name, &claims.account_uid))
}

fn holds(secret: &Value, token: &str) -> bool {
    let kept = STANDARD.decode(secret.str_at(&["data", "token"]));
    kept.is_ok_and(|kept| {
        aws_lc_rs::constant_time::verify_slices_are_equal(&kept, token.as_bytes()).is_ok()
    })
}
