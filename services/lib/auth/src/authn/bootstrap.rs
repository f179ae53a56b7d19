//! Tokens with which new nodes join (`plugin/pkg/auth/authenticator/token/bootstrap`).

use std::collections::BTreeSet;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use catena_objects::{Value, user::User};

use crate::objects::Objects;

const GROUP: &str = "system:bootstrappers";
const NAMESPACE: &str = "kube-system";
const TYPE: &str = "bootstrap.kubernetes.io/token";
/// Longest part of a group behind `system:bootstrappers:`.
const LONGEST: usize = 256;

/// Id and secret of a token of this form.
fn parts(token: &str) -> Option<(&str, &str)> {
    let (id, secret) = token.split_once('.')?;
    let fits = |text: &str, n: usize| text.len() == n && text.bytes().all(is_letter);
    (fits(id, 6) && fits(secret, 16)).then_some((id, secret))
}

fn is_letter(b: u8) -> bool {
    b.is_ascii_lowercase() || b.is_ascii_digit()
}

/// The user of a bootstrap token; `None` for every other token.
///
/// # Errors
/// When storage does not answer.
pub(super) async fn user(objects: &Objects, token: &str) -> catena_storage::Result<Option<User>> {
    let Some((id, secret)) = parts(token) else {
        return Ok(None);
    };
    let name = format!("bootstrap-token-{id}");
    let found = objects.get("secrets", NAMESPACE, &name).await?;
    Ok(found.and_then(|object| judge(&object, id, secret)))
}

fn judge(object: &Value, id: &str, secret: &str) -> Option<User> {
    let fits = object.str_at(&["type"]) == TYPE
        && object.str_at(&["metadata", "deletionTimestamp"]).is_empty()
        && same(&data(object, "token-secret"), secret)
        && data(object, "token-id") == id
        && !is_expired(&data(object, "expiration"))
        && data(object, "usage-bootstrap-authentication") == "true";
    if !fits {
        tracing::debug!(id, "the bootstrap token is not usable");
        return None;
    }
    Some(User {
        name: format!("system:bootstrap:{id}"),
        groups: groups(&data(object, "auth-extra-groups"))?,
        ..User::default()
    })
}

/// `None` for a group that no bootstrap token may give.
fn groups(extra: &str) -> Option<Vec<String>> {
    let mut all = BTreeSet::from([GROUP.to_owned()]);
    for group in extra.split(',').filter(|_| !extra.is_empty()) {
        let rest = group.strip_prefix(GROUP)?.strip_prefix(':')?;
        let allowed = |b: u8| is_letter(b) || b == b':' || b == b'-';
        let fits = rest.len() <= LONGEST
            && rest.bytes().all(allowed)
            && rest.bytes().next_back().is_some_and(is_letter);
        if !fits {
            return None;
        }
        all.insert(group.to_owned());
    }
    Some(all.into_iter().collect())
}

/// What cannot be read counts as over.
fn is_expired(expiration: &str) -> bool {
    if expiration.is_empty() {
        return false;
    }
    expiration
        .parse::<jiff::Timestamp>()
        .map_or(true, |end| end <= jiff::Timestamp::now())
}

fn data(object: &Value, key: &str) -> String {
    let text = object.str_at(&["data", key]);
    let bytes = STANDARD.decode(text).unwrap_or_default();
    String::from_utf8(bytes).unwrap_or_default()
}

fn same(a: &str, b: &str) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(a.as_bytes(), b.as_bytes()).is_ok()
}
