//! Form of `x-kubernetes-validations`; expressions are compiled by `catena-cel`.

use catena_objects::{
    Value,
    field::{Error, Errors, Path},
};

use crate::{node::Node, structural::field_path};

const REASONS: [&str; 4] = [
    "FieldValueDuplicate",
    "FieldValueForbidden",
    "FieldValueInvalid",
    "FieldValueRequired",
];

fn broken(text: &str) -> bool {
    text.contains(['\n', '\r'])
}

/// Checks one rule at `path`, of a schema that is `node` if a field is named.
pub(super) fn check(rule: &Value, node: Option<&Node>, path: &Path, errors: &mut Errors) {
    const BREAKS: &str = "must not contain line breaks";
    const EMPTY: &str = "must be non-empty if specified";
    let text = |key: &str| rule.str_at(&[key]);
    let blank = |key: &str| !text(key).is_empty() && text(key).trim().is_empty();
    let (expression, message) = (text("rule").trim(), text("message").trim());
    if expression.is_empty() {
        errors.push(Error::required(
            &path.child("rule"),
            "rule is not specified",
        ));
    } else if blank("message") {
        errors.push(Error::invalid(
            &path.child("message"),
            text("message"),
            EMPTY,
        ));
    } else if broken(message) {
        errors.push(Error::invalid(
            &path.child("message"),
            text("message"),
            BREAKS,
        ));
    } else if broken(expression) && message.is_empty() {
        let why = "message must be specified if rule contains line breaks";
        errors.push(Error::required(&path.child("message"), why));
    }
    if blank("messageExpression") {
        let why = "messageExpression must be non-empty if specified";
        errors.push(Error::required(&path.child("messageExpression"), why));
    }
    if let Some(reason) = rule.get("reason").and_then(Value::as_str)
        && !REASONS.contains(&reason)
    {
        errors.push(Error::not_supported(
            &path.child("reason"),
            reason,
            &REASONS,
        ));
    }
    let at = path.child("fieldPath");
    if blank("fieldPath") {
        errors.push(Error::invalid(&at, text("fieldPath"), EMPTY));
    }
    if broken(text("fieldPath")) {
        errors.push(Error::invalid(&at, text("fieldPath"), BREAKS));
    }
    let named = text("fieldPath");
    if let Some(node) = node.filter(|_| !named.is_empty())
        && field_path(named, node).is_none()
    {
        errors.push(Error::invalid(&at, named, "must be a valid path"));
    }
}
