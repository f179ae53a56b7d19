//! Tolerations, topology spread, scheduling gates.

use std::collections::BTreeSet;

use catena_objects::{
    field::{Error, Errors},
    names,
};

use super::Opts;
use crate::rules::{At, labels};

/// `ValidateTolerations`.
pub fn tolerations(at: &At, e: &mut Errors) {
    for t in at.items() {
        let (key, operator, effect) = (t.child("key"), t.child("operator"), t.child("effect"));
        if !key.str().is_empty() {
            labels::key(&key, key.str(), e);
        } else if operator.str() != "Exists" {
            operator.bad_text(e, "operator must be Exists when `key` is empty, which means \"match all values and all keys\"");
        }
        if t.some("tolerationSeconds").is_some() && effect.str() != "NoExecute" {
            effect.bad_text(
                e,
                "effect must be 'NoExecute' when `tolerationSeconds` is set",
            );
        }
        let value = t.text("value");
        match operator.str() {
            "Equal" | "" => {
                let bad = names::label_value(value);
                if !bad.is_empty() {
                    operator.bad_value(e, value, bad.join(";"));
                }
            }
            "Exists" => {
                if !value.is_empty() {
                    operator.bad_value(e, value, "value must be empty when `operator` is 'Exists'");
                }
            }
            "Lt" | "Gt" => operator.unsupported(e, &["Equal", "Exists", "Lt", "Gt"]),
            _ => operator.unsupported(e, &["Equal", "Exists"]),
        }
        if !effect.str().is_empty() {
            effect.one_of(e, &["NoSchedule", "PreferNoSchedule", "NoExecute"]);
        }
    }
}

/// `validateSchedulingGates`.
pub fn gates(at: &At, e: &mut Errors) {
    let mut seen = BTreeSet::new();
    for g in at.items() {
        let name = g.text("name");
        for why in names::qualified_name(name) {
            g.bad_value(e, name, why);
        }
        if !seen.insert(name) {
            e.push(Error::duplicate(&g.path, name));
        }
    }
}

/// `validateTopologySpreadConstraints`.
pub fn spread(at: &At, opts: Opts, e: &mut Errors) {
    let all: Vec<At> = at.items().collect();
    for (i, c) in all.iter().enumerate() {
        c.child("maxSkew").positive(e);
        if c.text("topologyKey").is_empty() {
            c.child("topologyKey").required(e, "can not be empty");
        }
        c.child("whenUnsatisfiable")
            .one_of(e, &["DoNotSchedule", "ScheduleAnyway"]);
        let pair = |c: &At| {
            format!(
                "{{{}, {}}}",
                c.text("topologyKey"),
                c.text("whenUnsatisfiable")
            )
        };
        if all[i + 1..].iter().any(|o| pair(o) == pair(c)) {
            e.push(Error::duplicate(
                &c.path.child("{topologyKey, whenUnsatisfiable}"),
                pair(c),
            ));
        }
        if let Some(min) = c.some("minDomains") {
            min.positive(e);
            if c.text("whenUnsatisfiable") != "DoNotSchedule" {
                let why = format!(
                    "can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {}",
                    c.text("whenUnsatisfiable")
                );
                min.invalid(e, why);
            }
        }
        for name in ["nodeAffinityPolicy", "nodeTaintsPolicy"] {
            if let Some(p) = c.some(name) {
                p.one_of(e, &["Honor", "Ignore"]);
            }
        }
        label_keys(c, e);
        if !opts.bad_spread_selectors {
            labels::selector(&c.child("labelSelector"), false, e);
        }
    }
}

/// `ValidateMatchLabelKeysAndMismatchLabelKeys`.
pub fn label_keys(at: &At, e: &mut Errors) {
    let selector = at.child("labelSelector");
    let (keys, others) = (at.child("matchLabelKeys"), at.child("mismatchLabelKeys"));
    for list in [&keys, &others] {
        if list.is_empty() {
            continue;
        }
        if !selector.has() {
            list.forbidden(e, "must not be specified when labelSelector is not set");
            continue;
        }
        for k in list.items() {
            labels::key(&k, k.str(), e);
        }
    }
    let mut seen: BTreeSet<&str> = selector
        .child("matchLabels")
        .entries()
        .iter()
        .map(|(k, _)| *k)
        .collect();
    for r in selector.child("matchExpressions").items() {
        let key = r.text("key");
        let index = keys
            .items()
            .collect::<Vec<_>>()
            .iter()
            .rposition(|k| k.str() == key);
        if let (Some(i), true) = (index, seen.contains(key)) {
            e.push(Error::invalid(
                &at.path.index(i),
                key,
                "exists in both matchLabelKeys and labelSelector",
            ));
        }
        seen.insert(key);
    }
    for k in keys.items() {
        if others.items().any(|o| o.str() == k.str()) {
            k.bad_text(e, "exists in both matchLabelKeys and mismatchLabelKeys");
        }
    }
}
