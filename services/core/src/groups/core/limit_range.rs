//! LimitRange: `SetDefaults_LimitRangeItem`, `ValidateLimitRange`.

use std::collections::BTreeSet;

use catena_objects::{
    Value,
    field::{Error, Errors, Path},
    names,
    quantity::Quantity,
};
use catena_registry::{Context, Strategy};

use crate::{
    rules::{At, resource_names},
    steps::{complaints, each, kube_finalizers, members},
};

const TYPES: [&str; 3] = ["Pod", "Container", "PersistentVolumeClaim"];

#[derive(Debug)]
pub struct LimitRange;

impl Strategy for LimitRange {
    fn default(&self, object: &mut Value) {
        each(object, &["spec", "limits"], |limit| {
            if limit.str_at(&["type"]) != "Container" {
                return;
            }
            for (from, to) in [
                ("max", "default"),
                ("default", "defaultRequest"),
                ("min", "defaultRequest"),
            ] {
                let source = limit.get(from).cloned().unwrap_or_default();
                for (resource, quantity) in source.as_object().into_iter().flatten() {
                    limit.set_default(&[to, resource], quantity.clone());
                }
            }
        });
    }

    fn prepare_update(&self, _ctx: &Context, _object: &mut Value, _old: &Value) {}

    fn validate(&self, _ctx: &Context, object: &Value) -> Errors {
        let mut errors = kube_finalizers(object);
        let mut seen = BTreeSet::new();
        for (i, limit) in object.items_at(&["spec", "limits"]).iter().enumerate() {
            let path = Path::new("spec").child("limits").index(i);
            let ty = limit.str_at(&["type"]);
            type_name(&mut errors, &path.child("type"), ty);
            if !seen.insert(ty) {
                errors.push(Error::duplicate(&path.child("type"), ty));
            }
            item(&mut errors, &path, limit, ty);
        }
        errors
    }
}

fn type_name(errors: &mut Errors, path: &Path, ty: &str) {
    let texts = names::qualified_name(ty);
    if texts.is_empty() && !ty.contains('/') && !TYPES.contains(&ty) {
        let text = "must be a standard limit type or fully qualified";
        errors.push(Error::invalid(path, ty, text));
    }
    complaints(errors, path, ty, texts);
}

fn item(errors: &mut Errors, path: &Path, limit: &Value, ty: &str) {
    let mut keys = BTreeSet::new();
    let mut names_in = |list: &str, errors: &mut Errors| {
        for (key, _) in members(limit, &[list]) {
            let at = At::new(limit, path.child(list).key(key));
            match ty {
                "Pod" | "Container" => resource_names::container(&at, key, errors),
                _ => resource_names::validate(&at, key, errors),
            }
            keys.insert(key.to_owned());
        }
    };
    names_in("max", errors);
    names_in("min", errors);
    for list in ["default", "defaultRequest"] {
        if ty != "Pod" {
            names_in(list, errors);
        } else if members(limit, &[list]).next().is_some() {
            let text = "may not be specified when `type` is 'Pod'";
            errors.push(Error::forbidden(&path.child(list), text));
        }
    }
    let storage = |list: &str| limit.at(&[list, "storage"]).is_some();
    if ty == "PersistentVolumeClaim" && !storage("min") && !storage("max") {
        let text = "either minimum or maximum storage value is required, but neither was provided";
        errors.push(Error::required(&path.child("limits"), text));
    }
    names_in("maxLimitRequestRatio", errors);
    for key in keys {
        bounds(errors, path, limit, &key, ty == "Pod");
    }
}

/// The values of one resource against each other.
fn bounds(errors: &mut Errors, path: &Path, limit: &Value, key: &str, pod: bool) {
    let get = |list: &str| {
        let text = limit.at(&[list, key])?.as_str()?;
        Some((Quantity::parse(text).ok()?, text))
    };
    let (min, max, ratio) = (get("min"), get("max"), get("maxLimitRequestRatio"));
    let (default, request) = if pod {
        (None, None)
    } else {
        (get("default"), get("defaultRequest"))
    };
    // (low, high, list that is blamed, words for low and high)
    let pairs = [
        (&min, &max, "min", "min value", "max value"),
        (
            &min,
            &request,
            "defaultRequest",
            "min value",
            "default request value",
        ),
        (
            &request,
            &max,
            "defaultRequest",
            "default request value",
            "max value",
        ),
        (
            &request,
            &default,
            "defaultRequest",
            "default request value",
            "default limit value",
        ),
        (&min, &default, "default", "min value", "default value"),
        (&default, &max, "default", "default value", "max value"),
    ];
    for (low, high, list, low_words, high_words) in pairs {
        if let (Some(low), Some(high)) = (low, high)
            && low.0 > high.0
        {
            let text = format!(
                "{low_words} {} is greater than {high_words} {}",
                low.1, high.1
            );
            // The value of the field that is blamed; of `default` the bound is shown.
            let shown = match (list, low_words) {
                ("defaultRequest", "min value") | ("default", "default value") => high.1,
                _ => low.1,
            };
            errors.push(Error::invalid(&path.child(list).key(key), shown, text));
        }
    }
    if let Some(ratio) = ratio {
        ratio_bounds(
            errors,
            &path.child("maxLimitRequestRatio").key(key),
            &ratio,
            &min,
            &max,
        );
    }
}

type Amount<'a> = (Quantity, &'a str);

/// The ratio of limit and request against what the bounds allow.
fn ratio_bounds(
    errors: &mut Errors,
    at: &Path,
    ratio: &Amount<'_>,
    min: &Option<Amount<'_>>,
    max: &Option<Amount<'_>>,
) {
    if Quantity::parse("1").is_ok_and(|one| ratio.0 < one) {
        errors.push(Error::invalid(
            at,
            ratio.1,
            format!("ratio {} is less than 1", ratio.1),
        ));
    }
    if let (Some(min), Some(max)) = (min, max) {
        let limit = max.0.approximate() / min.0.approximate();
        if ratio.0.approximate() > limit {
            let text = format!("ratio {} is greater than max/min = {limit:.6}", ratio.1);
            errors.push(Error::invalid(at, ratio.1, text));
        }
    }
}
