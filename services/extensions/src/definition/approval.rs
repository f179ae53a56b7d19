//! Groups of the Kubernetes community need an approval (`api-approved.kubernetes.io`).

use catena_objects::{
    Value,
    field::{Error, Errors, Path},
    json::go_quote,
    meta,
};

pub(crate) const ANNOTATION: &str = "api-approved.kubernetes.io";
const WHERE: &str = "see https://github.com/kubernetes/enhancements/pull/1111";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Invalid,
    Approved,
    Bypassed,
    Missing,
}

pub(crate) fn is_protected(group: &str) -> bool {
    ["k8s.io", "kubernetes.io"].iter().any(|domain| {
        group == *domain
            || group
                .strip_suffix(domain)
                .is_some_and(|head| head.ends_with('.'))
    })
}

/// State of a definition's approval, and why.
pub(crate) fn state(definition: &Value) -> (State, String) {
    let given = meta::annotation(definition, ANNOTATION).unwrap_or_default();
    let name = go_quote(ANNOTATION);
    if given.is_empty() {
        let why = format!("protected groups must have approval annotation {name}, {WHERE}");
        return (State::Missing, why);
    }
    if given.starts_with("unapproved") {
        return (
            State::Bypassed,
            format!("not approved: {}", go_quote(given)),
        );
    }
    if is_url(given) {
        return (State::Approved, format!("approved in {given}"));
    }
    let why = format!(
        "protected groups must have approval annotation {name} with either a URL or a reason starting with \"unapproved\", {WHERE}"
    );
    (State::Invalid, why)
}

/// Scheme and host are there.
fn is_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else {
        return false;
    };
    let host = rest.split(['/', '?']).next().unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(plain)
        && !host.is_empty()
        && !text.contains(|c: char| c.is_control() || c == ' ')
}

/// `validateAPIApproval`: a state that does not change is not judged again.
pub(super) fn validate(object: &Value, old: Option<&Value>) -> Errors {
    if !is_protected(object.str_at(&["spec", "group"])) {
        return Errors::new();
    }
    let (now, why) = state(object);
    if old.is_some_and(|o| state(o).0 == now) {
        return Errors::new();
    }
    let at = Path::new("metadata").child("annotations").key(ANNOTATION);
    let given = meta::annotation(object, ANNOTATION).unwrap_or_default();
    match now {
        State::Invalid => Errors(vec![Error::invalid(&at, given, why)]),
        State::Missing => Errors(vec![Error::required(&at, why)]),
        State::Approved | State::Bypassed => Errors::new(),
    }
}
