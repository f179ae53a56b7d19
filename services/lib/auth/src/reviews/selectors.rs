//! Selectors in access reviews: what may be said, and what of it is understood.

use catena_objects::{
    Value,
    field::{Error, Errors, Path},
    labels, meta, names,
};

use super::list;
use crate::authz::{Attributes, Requirement};

const LISTED: &str = "must be specified when `operator` is 'In' or 'NotIn'";
const UNLISTED: &str = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";

/// `validateResourceAttributes`.
pub(super) fn validate(resource: &Value, path: &Path) -> Errors {
    let mut errors = Errors::new();
    for (name, is_label) in [("fieldSelector", false), ("labelSelector", true)] {
        let Some(selector) = resource.get(name).filter(|s| !s.is_null()) else {
            continue;
        };
        let path = path.child(name);
        let raw = selector.str_at(&["rawSelector"]);
        let requirements = selector.items_at(&["requirements"]);
        if !raw.is_empty() && !requirements.is_empty() {
            let why = "may not specified at the same time as requirements";
            errors.push(Error::invalid(&path.child("rawSelector"), raw, why));
        }
        if raw.is_empty() && requirements.is_empty() {
            let why = format!("when {path} is specified, requirements or rawSelector is required");
            errors.push(Error::required(&path.child("requirements"), why));
        }
        for (i, r) in requirements.iter().enumerate() {
            requirement(
                &mut errors,
                &path.child("requirements").index(i),
                r,
                is_label,
            );
        }
    }
    errors
}

/// Operators that are not known pass: newer clients may know more.
fn requirement(errors: &mut Errors, path: &Path, r: &Value, is_label: bool) {
    let key = r.str_at(&["key"]);
    if !is_label && key.is_empty() {
        errors.push(Error::required(&path.child("key"), "must be specified"));
    }
    let values = r.items_at(&["values"]);
    match r.str_at(&["operator"]) {
        "In" | "NotIn" if values.is_empty() => {
            errors.push(Error::required(&path.child("values"), LISTED));
        }
        "Exists" | "DoesNotExist" if !values.is_empty() => {
            errors.push(Error::forbidden(&path.child("values"), UNLISTED));
        }
        _ => {}
    }
    if !is_label {
        return;
    }
    errors.extend(meta::validate_label_name(key, &path.child("key")));
    for (i, value) in values.iter().enumerate() {
        let value = value.as_str().unwrap_or_default();
        for why in names::label_value(value) {
            let at = path.child("values").index(i);
            errors.push(Error::invalid(&at, value, why));
        }
    }
}

/// Takes the selectors over as far as they are understood: leaving out a
/// requirement asks for more rights, never for fewer.
pub(super) fn apply(a: &mut Attributes, resource: &Value) {
    a.select_fields(resource.str_at(&["fieldSelector", "rawSelector"]));
    a.select_labels(resource.str_at(&["labelSelector", "rawSelector"]));
    for r in resource.items_at(&["fieldSelector", "requirements"]) {
        match field(r) {
            Some(r) => a.field_selector.push(r),
            None => a.field_selector_broken = true,
        }
    }
    for r in resource.items_at(&["labelSelector", "requirements"]) {
        match label(r) {
            Some(r) => a.label_selector.push(r),
            None => a.label_selector_broken = true,
        }
    }
}

fn plain(r: &Value) -> Requirement {
    Requirement {
        key: r.str_at(&["key"]).to_owned(),
        operator: r.str_at(&["operator"]).to_owned(),
        values: list(r, &["values"]),
    }
}

/// Fields are compared with one value only.
fn field(r: &Value) -> Option<Requirement> {
    let r = plain(r);
    let known = ["In", "NotIn"].contains(&r.operator.as_str());
    (known && r.values.len() == 1).then_some(r)
}

fn label(r: &Value) -> Option<Requirement> {
    let r = plain(r);
    let operator = match r.operator.as_str() {
        "In" => labels::Operator::In,
        "NotIn" => labels::Operator::NotIn,
        "Exists" => labels::Operator::Exists,
        "DoesNotExist" => labels::Operator::DoesNotExist,
        _ => return None,
    };
    labels::Requirement::new(&r.key, operator, r.values.clone()).ok()?;
    Some(r)
}

/// `BuildEvaluationError`: which selectors were not wholly understood.
pub(super) fn evaluation_error(a: &Attributes) -> String {
    let said = |broken: bool, some: &[Requirement], name: &str| {
        let partially = if some.is_empty() { "" } else { "partially " };
        let why = format!("spec.resourceAttributes.{name} {partially}ignored due to parse error");
        broken.then_some(why)
    };
    let parts = [
        said(a.field_selector_broken, &a.field_selector, "fieldSelector"),
        said(a.label_selector_broken, &a.label_selector, "labelSelector"),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    parts.join("; ")
}
