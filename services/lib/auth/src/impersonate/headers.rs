//! Whom the headers of a request name.

use catena_objects::{Status, json::go_quote, user::User};
use http::{HeaderMap, HeaderName};

use crate::query::unescape;

const USER: &str = "impersonate-user";
const UID: &str = "impersonate-uid";
const GROUP: &str = "impersonate-group";
const EXTRA: &str = "impersonate-extra-";

/// Takes the headers that ask to act as someone else, and says as whom.
///
/// # Errors
/// 400 for headers without the name of a user.
pub fn wanted(headers: &mut HeaderMap) -> Result<Option<User>, Status> {
    let mut user = User {
        name: first(headers, USER),
        uid: first(headers, UID),
        groups: all(headers, GROUP),
        ..User::default()
    };
    for (name, value) in &*headers {
        let Some(key) = name.as_str().strip_prefix(EXTRA) else {
            continue;
        };
        let key = unescape(key).unwrap_or_else(|| key.to_owned());
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        user.extra.entry(key).or_default().push(value);
    }
    if user.name.is_empty() {
        if user == User::default() {
            return Ok(None);
        }
        let why = format!(
            "requested {} without impersonating a user name",
            shown(&user)
        );
        return Err(Status::bad_request(why));
    }
    let names: Vec<HeaderName> = headers
        .keys()
        .filter(|n| [USER, UID, GROUP].contains(&n.as_str()) || n.as_str().starts_with(EXTRA))
        .cloned()
        .collect();
    for name in names {
        headers.remove(name);
    }
    Ok(Some(user))
}

fn all(headers: &HeaderMap, name: &str) -> Vec<String> {
    headers
        .get_all(name)
        .iter()
        .map(|v| String::from_utf8_lossy(v.as_bytes()).into_owned())
        .collect()
}

fn first(headers: &HeaderMap, name: &str) -> String {
    all(headers, name).into_iter().next().unwrap_or_default()
}

/// As Go's `%#v` prints a `*user.DefaultInfo`.
fn shown(user: &User) -> String {
    let list = |values: &[String]| {
        let values: Vec<String> = values.iter().map(|v| go_quote(v)).collect();
        format!("[]string{{{}}}", values.join(", "))
    };
    let groups = match user.groups.as_slice() {
        [] => "[]string(nil)".to_owned(),
        some => list(some),
    };
    let extra: Vec<String> = user
        .extra
        .iter()
        .map(|(key, values)| format!("{}:{}", go_quote(key), list(values)))
        .collect();
    let extra = match extra.as_slice() {
        [] => "(nil)".to_owned(),
        some => format!("{{{}}}", some.join(", ")),
    };
    format!(
        "&user.DefaultInfo{{Name:{}, UID:{}, Groups:{groups}, Extra:map[string][]string{extra}}}",
        go_quote(&user.name),
        go_quote(&user.uid)
    )
}
