//! Conditions (`metav1.Condition`) in a status.

use std::collections::HashSet;

use crate::field::{Error, Errors, Path};
use crate::{Value, meta, names};

const REASON_MAX: usize = 1024;
const MESSAGE_MAX: usize = 32 * 1024;

/// `ValidateConditions`: each is well-formed, and no type stands twice.
pub fn validate_conditions(conditions: &[Value], path: &Path) -> Errors {
    let mut out = Errors::new();
    let mut seen = HashSet::new();
    for (i, condition) in conditions.iter().enumerate() {
        let path = path.index(i);
        let ty = condition.str_at(&["type"]);
        if !seen.insert(ty) {
            out.push(Error::duplicate(&path.child("type"), ty));
        }
        out.extend(validate(condition, &path));
    }
    out
}

fn validate(condition: &Value, path: &Path) -> Errors {
    let mut out = meta::validate_label_name(condition.str_at(&["type"]), &path.child("type"));
    let status = condition.str_at(&["status"]);
    let known = ["False", "True", "Unknown"];
    if !known.contains(&status) {
        out.push(Error::not_supported(&path.child("status"), status, &known));
    }
    if let Some(generation) = condition.i64_at(&["observedGeneration"]).filter(|g| *g < 0) {
        let at = path.child("observedGeneration");
        out.push(Error::invalid(
            &at,
            generation,
            "must be greater than or equal to zero",
        ));
    }
    if condition.str_at(&["lastTransitionTime"]).is_empty() {
        out.push(Error::required(&path.child("lastTransitionTime"), ""));
    }
    let reason = condition.str_at(&["reason"]);
    let at = path.child("reason");
    if reason.is_empty() {
        out.push(Error::required(&at, ""));
    } else {
        if !is_reason(reason) {
            out.push(Error::invalid(&at, reason, reason_error()));
        }
        if reason.len() > REASON_MAX {
            out.push(Error::too_long(&at, REASON_MAX));
        }
    }
    if condition.str_at(&["message"]).len() > MESSAGE_MAX {
        out.push(Error::too_long(&path.child("message"), MESSAGE_MAX));
    }
    out
}

fn is_reason(s: &str) -> bool {
    let b = s.as_bytes();
    let inner = |c: &u8| c.is_ascii_alphanumeric() || matches!(c, b'_' | b',' | b':');
    b.first().is_some_and(u8::is_ascii_alphabetic)
        && b.last()
            .is_some_and(|c| c.is_ascii_alphanumeric() || *c == b'_')
        && b.iter().all(inner)
}

fn reason_error() -> String {
    names::regex_error(
        "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_'",
        "[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?",
        &[
            "my_name",
            "MY_NAME",
            "MyName",
            "ReasonA,ReasonB",
            "ReasonA:ReasonB",
        ],
    )
}
