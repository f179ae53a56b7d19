//! Tokens with which new nodes join (`plugin/pkg/auth/authenticator/token/bootstrap`).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use catena_objects::{Value, user::User};

use super::Refused;
use crate::objects::Objects;

const GROUP: &str = "system:bootstrappers";

fn is_token(token: &str) -> Option<(&str, &str)> {
    let (id, secret) = token.split_once('.')?;
    let fits = |text: &str, n: usize| {
        text.len() == n
            && text
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    (fits(id, 6) && fits(secret, 16)).then_some((id, secret))
}

/// The user of a bootstrap token; `None` for a token of another form.
pub(crate) async fn user(objects: &Objects, token: &str) -> Result<Option<User>, Refused> {
    let Some((id, secret)) = is_token(token) else {
        return Ok(None);
    };
    let name = format!("bootstrap-token-{id}");
    let Some(object) = objects.get("secrets", "kube-system", &name).await else {
        return Ok(None);
    };
    let fits = object.str_at(&["type"]) == "bootstrap.kubernetes.io/token"
        && object.at(&["metadata", "deletionTimestamp"]).is_none()
        && data(&object, "token-id") == id
        && same(&data(&object, "token-secret"), secret);
    if !fits {
        return Err("the bootstrap token is not the one that is kept".to_owned());
    }
    let expires = data(&object, "expiration");
    if !expires.is_empty() {
        let end: jiff::Timestamp = expires.parse().map_err(|_| "unreadable expiration")?;
        if end < jiff::Timestamp::now() {
            return Err("the bootstrap token is expired".to_owned());
        }
    }
    if data(&object, "usage-bootstrap-authentication") != "true" {
        return Err("the bootstrap token is not for authentication".to_owned());
    }
    let mut groups = vec![GROUP.to_owned()];
    let more = data(&object, "auth-extra-groups");
    groups.extend(more.split(',').filter(|g| !g.is_empty()).map(str::to_owned));
    Ok(Some(User {
        name: format!("system:bootstrap:{id}"),
        groups,
        ..User::default()
    }))
}

fn data(object: &Value, key: &str) -> String {
    let text = object.str_at(&["data", key]);
    let bytes = STANDARD.decode(text).unwrap_or_default();
    String::from_utf8(bytes).unwrap_or_default()
}

fn same(a: &str, b: &str) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(a.as_bytes(), b.as_bytes()).is_ok()
}
