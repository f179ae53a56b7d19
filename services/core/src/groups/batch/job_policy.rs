//! Failure and success policies of jobs.

use std::collections::BTreeSet;

use catena_objects::{
    field::{Error, Errors},
    names,
};

use crate::{groups::core::pod::validate::containers::container_names, rules::At};

const ACTIONS: [&str; 4] = ["Count", "FailIndex", "FailJob", "Ignore"];
const STATUSES: [&str; 3] = ["False", "True", "Unknown"];
const OPERATORS: [&str; 2] = ["In", "NotIn"];

/// Required with the list of values as Go's `%q` prints a slice.
fn required_one_of(at: &At, supported: &[&str], e: &mut Errors) {
    if at.str().is_empty() {
        let list: Vec<String> = supported.iter().map(|s| format!("{s:?}")).collect();
        at.required(e, &format!("valid values: [{}]", list.join(" ")));
    } else {
        at.one_of(e, supported);
    }
}

/// `validatePodFailurePolicy`; `spec` is the job's.
pub fn failure(spec: &At, e: &mut Errors) {
    let rules = spec.child("podFailurePolicy").child("rules");
    if rules.len() > 20 {
        e.push(Error::too_many(&rules.path, rules.len(), 20));
    }
    let empty = catena_objects::Value::object();
    let pod = spec.v.at(&["template", "spec"]).unwrap_or(&empty);
    let containers = container_names(pod, &["containers", "initContainers"]);
    for r in rules.items() {
        let action = r.child("action");
        if action.str() == "FailIndex" {
            if spec.some("backoffLimitPerIndex").is_none() {
                action.bad_text(e, "requires the backoffLimitPerIndex to be set");
            }
        } else {
            required_one_of(&action, &ACTIONS, e);
        }
        let (codes, conditions) = (r.some("onExitCodes"), r.child("onPodConditions"));
        if let Some(c) = &codes {
            exit_codes(c, &containers, e);
        }
        if !conditions.is_empty() {
            pod_conditions(&conditions, e);
        }
        let omitted =
            |e: &mut Errors, why: &str| e.push(crate::rules::invalid_without_value(&r.path, why));
        match (codes.is_some(), conditions.is_empty()) {
            (true, false) => omitted(
                e,
                "specifying both OnExitCodes and OnPodConditions is not supported",
            ),
            (false, true) => omitted(
                e,
                "specifying one of OnExitCodes and OnPodConditions is required",
            ),
            _ => {}
        }
    }
}

fn pod_conditions(at: &At, e: &mut Errors) {
    if at.len() > 20 {
        e.push(Error::too_many(&at.path, at.len(), 20));
    }
    for p in at.items() {
        p.child("type")
            .complain(e, names::qualified_name(p.text("type")));
        required_one_of(&p.child("status"), &STATUSES, e);
    }
}

fn exit_codes(at: &At, containers: &BTreeSet<&str>, e: &mut Errors) {
    required_one_of(&at.child("operator"), &OPERATORS, e);
    if let Some(c) = at.some("containerName")
        && !containers.contains(c.str())
    {
        c.bad_text(
            e,
            "must be one of the container or initContainer names in the pod template",
        );
    }
    let values = at.child("values");
    if values.is_empty() {
        values.invalid(e, "at least one value is required");
    } else if values.len() > 255 {
        e.push(Error::too_many(&values.path, values.len(), 255));
    }
    let mut seen = BTreeSet::new();
    let (mut last, mut ordered) = (i64::MIN, true);
    for v in values.items() {
        let code = v.int().unwrap_or(0);
        if at.text("operator") == "In" && code == 0 {
            v.bad_num(e, "must not be 0 for the In operator");
        }
        if !seen.insert(code) {
            v.duplicate(e);
        }
        ordered &= last <= code;
        last = code;
    }
    if !ordered {
        values.invalid(e, "must be ordered");
    }
}

/// `validateSuccessPolicy`; `spec` is the job's.
pub fn success(spec: &At, at: &At, e: &mut Errors) {
    let rules = at.child("rules");
    if rules.is_empty() {
        rules.required(
            e,
            "at least one rules must be specified when the successPolicy is specified",
        );
    }
    if rules.len() > 20 {
        e.push(Error::too_many(&rules.path, rules.len(), 20));
    }
    let completions = spec.num("completions");
    for r in rules.items() {
        let (count, indexes) = (r.some("succeededCount"), r.some("succeededIndexes"));
        if count.is_none() && indexes.is_none() {
            r.required(
                e,
                "at least one of succeededCount or succeededIndexes must be specified",
            );
        }
        let mut total = 0;
        if let Some(i) = &indexes {
            if i.str().len() > 64 * 1024 {
                e.push(Error::too_long(&i.path, 64 * 1024));
            }
            match count_indexes(i.str(), completions) {
                Ok(n) => total = n,
                Err(why) => i.bad_text(e, format!("error parsing succeededIndexes: {why}")),
            }
        }
        if let Some(c) = count {
            c.non_negative(e);
            let n = c.int().unwrap_or(0);
            if n > completions {
                c.bad_num(e, format!("must be less than or equal to {completions} (the number of specified completions)"));
            }
            if indexes.is_some() && n > total {
                c.bad_num(e, format!("must be less than or equal to {total} (the number of indexes in the specified succeededIndexes field)"));
            }
        }
    }
}

/// The number of indexes in `0,2-4` (`validateIndexesFormat`).
pub fn count_indexes(text: &str, completions: i64) -> Result<i64, String> {
    if text.is_empty() {
        return Ok(0);
    }
    let number = |s: &str| -> Result<i64, String> {
        let n: i64 = s
            .parse()
            .map_err(|_| format!("cannot convert string to integer for index: {s:?}"))?;
        if n >= completions {
            return Err(format!("too large index: {s:?}"));
        }
        Ok(n)
    };
    let (mut total, mut last) = (0, None);
    for part in text.split(',') {
        let ends: Vec<&str> = part.split('-').collect();
        let (x, y) = match ends.as_slice() {
            [x] => {
                let x = number(x)?;
                (x, x)
            }
            [x, y] => {
                let (x, y) = (number(x)?, number(y)?);
                if x >= y {
                    return Err(format!("non-increasing order, previous: {x}, current: {y}"));
                }
                (x, y)
            }
            _ => {
                return Err(format!(
                    "the fragment {part:?} violates the requirement that an index interval can have at most two parts separated by '-'"
                ));
            }
        };
        if let Some(l) = last.filter(|l| *l >= x) {
            return Err(format!("non-increasing order, previous: {l}, current: {x}"));
        }
        total += y - x + 1;
        last = Some(y);
    }
    Ok(total)
}
