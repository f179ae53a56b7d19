//! Options of requests (`apis/meta/v1/validation`): field manager, dry run, deletion.

use crate::Value;
use crate::field::{Error, Errors, Path};

/// Longest field manager, in bytes.
pub const FIELD_MANAGER_MAX: usize = 128;

/// `ValidateFieldManager`: printable, not too long; "" is unset.
pub fn validate_field_manager(manager: &str, path: &Path) -> Errors {
    let mut out = Errors::new();
    if manager.len() > FIELD_MANAGER_MAX {
        out.push(Error::too_long(path, FIELD_MANAGER_MAX));
    }
    for (at, c) in manager.char_indices() {
        if !is_print(c) {
            let why = format!("invalid character U+{:04X} (at position {at})", c as u32);
            out.push(Error::invalid(path, manager, why));
        }
    }
    out
}

/// Go's `unicode.IsPrint` as far as it matters here: no controls, no spaces but U+0020.
fn is_print(c: char) -> bool {
    c == ' '
        || !(c.is_control()
            || c.is_whitespace()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{feff}' | '\u{ad}' | '\u{e000}'..='\u{f8ff}'))
}

/// `ValidateDryRun`.
pub fn validate_dry_run(values: &[&str], path: &Path) -> Errors {
    if values.iter().all(|v| *v == "All") {
        return Errors::new();
    }
    let list: Vec<Value> = values.iter().map(|v| Value::from(*v)).collect();
    Errors(vec![Error::not_supported(path, list, &["All"])])
}

/// `ValidateFieldValidation`.
pub fn validate_field_validation(value: &str, path: &Path) -> Errors {
    const ALLOWED: [&str; 4] = ["", "Ignore", "Strict", "Warn"];
    if ALLOWED.contains(&value) {
        return Errors::new();
    }
    Errors(vec![Error::not_supported(path, value, &ALLOWED)])
}

/// `ValidateCreateOptions`, `ValidateUpdateOptions`.
pub fn validate_create_options(manager: &str, dry_run: &[&str], field_validation: &str) -> Errors {
    let mut out = validate_field_manager(manager, &Path::new("fieldManager"));
    out.extend(validate_dry_run(dry_run, &Path::new("dryRun")));
    out.extend(validate_field_validation(
        field_validation,
        &Path::new("fieldValidation"),
    ));
    out
}

/// `ValidatePatchOptions`: `apply` for an apply patch, `force` when the client gave it.
pub fn validate_patch_options(
    manager: &str,
    dry_run: &[&str],
    field_validation: &str,
    force: Option<bool>,
    apply: bool,
) -> Errors {
    let mut out = Errors::new();
    if apply && manager.is_empty() {
        let why = "is required for apply patch";
        out.push(Error::required(&Path::new("fieldManager"), why));
    }
    if !apply && force.is_some() {
        let why = "may not be specified for non-apply patch";
        out.push(Error::forbidden(&Path::new("force"), why));
    }
    out.extend(validate_create_options(manager, dry_run, field_validation));
    out
}

/// `ValidateDeleteOptions` of a decoded `DeleteOptions`.
pub fn validate_delete_options(options: &Value) -> Errors {
    const POLICIES: [&str; 4] = ["Foreground", "Background", "Orphan", "nil"];
    let mut out = Errors::new();
    let path = Path::new("propagationPolicy");
    let given = |m: &str| options.get(m).is_some_and(|v| !v.is_null());
    if let Some(policy) = options.get("propagationPolicy").and_then(Value::as_str) {
        if given("orphanDependents") {
            let why = "orphanDependents and deletionPropagation cannot be both set";
            out.push(Error::invalid(&path, policy, why));
        }
        if !POLICIES[..3].contains(&policy) {
            out.push(Error::not_supported(&path, policy, &POLICIES));
        }
    }
    let dry_run: Vec<&str> = options
        .items_at(&["dryRun"])
        .iter()
        .filter_map(Value::as_str)
        .collect();
    out.extend(validate_dry_run(&dry_run, &Path::new("dryRun")));
    let member = "ignoreStoreReadErrorWithClusterBreakingPotential";
    if options.bool_at(&[member]) == Some(true) {
        let path = Path::new(member);
        for (other, set) in [
            ("dryRun", !dry_run.is_empty()),
            ("propagationPolicy", given("propagationPolicy")),
            ("orphanDependents", given("orphanDependents")),
            ("gracePeriodSeconds", given("gracePeriodSeconds")),
            ("preconditions", given("preconditions")),
        ] {
            if set {
                let why = format!("cannot be set together with .{other}");
                out.push(Error::invalid(&path, true, why));
            }
        }
    }
    out
}
