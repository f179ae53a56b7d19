//! Resource requirements of containers and pods.

use std::collections::BTreeSet;

use catena_objects::{
    Value,
    field::{Error, Errors},
    names,
};

use super::{Opts, Scope};
use crate::rules::{At, NOT_NEGATIVE, quantity, resource_names as rn};

/// `ValidateContainerResourceRequirements`.
pub fn container(at: &At, scope: &Scope, e: &mut Errors) {
    requirements(at, rn::container, scope.opts, e);
    claims(&at.child("claims"), &scope.claims, e);
}

/// `validateOverhead`: the list is checked as limits.
pub fn overhead(at: &At, opts: Opts, e: &mut Errors) {
    let wrapped = catena_objects::obj!({"limits": (at.v.clone())});
    requirements(&At::new(&wrapped, at.path.clone()), rn::container, opts, e);
}

type NameRule = fn(&At, &str, &mut Errors);

fn pod_name(at: &At, name: &str, e: &mut Errors) {
    let before = e.0.len();
    rn::validate(at, name, e);
    if e.0.len() == before && !pod_level_resource(name) {
        e.push(Error::not_supported(
            &at.path,
            name,
            &["cpu", "hugepages-", "memory"],
        ));
    }
}

fn pod_level_resource(name: &str) -> bool {
    matches!(name, "cpu" | "memory") || name.starts_with("hugepages-")
}

/// `ValidateResourceQuantityValue`.
pub fn quantity_value(at: &At, name: &str, e: &mut Errors) {
    if quantity::sign(at.v) < 0 {
        at.bad_value(e, quantity::text(at.v), NOT_NEGATIVE);
    }
    if rn::is_integer(name) && !quantity::is_whole(at.v) {
        at.bad_value(e, quantity::text(at.v), "must be an integer");
    }
}

fn huge(at: &At, name: &str, opts: Opts, e: &mut Errors) -> bool {
    if !rn::is_huge_page(name) {
        return false;
    }
    if !opts.indivisible_huge_pages && !rn::huge_page_divides(name, at.v) {
        let text = quantity::text(at.v);
        let why = format!("{text} is not positive integer multiple of {name}");
        at.bad_value(e, text, why);
    }
    true
}

fn requirements(at: &At, name_rule: NameRule, opts: Opts, e: &mut Errors) {
    let (limits, requests) = (at.child("limits"), at.child("requests"));
    let (mut compute, mut huge_pages) = (false, false);
    for (name, q) in limits.entries() {
        name_rule(&q, name, e);
        quantity_value(&q, name, e);
        huge_pages |= huge(&q, name, opts, e);
        compute |= matches!(name, "cpu" | "memory");
    }
    for (name, q) in requests.entries() {
        name_rule(&q, name, e);
        quantity_value(&q, name, e);
        match limits.some(name) {
            Some(limit) => {
                let order = quantity::cmp(q.v, limit.v);
                let (have, want) = (quantity::text(q.v), quantity::text(limit.v));
                if order.is_ne() && !rn::overcommit_allowed(name) {
                    requests.bad_value(e, have, format!("must be equal to {name} limit of {want}"));
                } else if order.is_gt() {
                    let why = format!("must be less than or equal to {name} limit of {want}");
                    requests.bad_value(e, have, why);
                }
            }
            None if !rn::overcommit_allowed(name) => {
                limits.required(e, "Limit must be set for non overcommitable resources");
            }
            None => {}
        }
        huge_pages |= huge(&q, name, opts, e);
        compute |= matches!(name, "cpu" | "memory");
    }
    if huge_pages && !compute {
        at.forbidden(e, "HugePages require cpu or memory");
    }
}

/// `validateResourceClaimNames`.
fn claims(at: &At, known: &BTreeSet<&str>, e: &mut Errors) {
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for c in at.items() {
        let (name, request) = (c.text("name"), c.text("request"));
        if name.is_empty() {
            c.required(e, "");
            continue;
        }
        if seen.contains(name) {
            e.push(Error::duplicate(&c.path, name));
        } else {
            let mut key = name.to_owned();
            if !request.is_empty() {
                c.child("request")
                    .complain(e, names::dns1123_label(request, false));
                key = format!("{name}/{request}");
            }
            if seen.contains(&key) {
                e.push(Error::duplicate(&c.path, key.as_str()));
            } else if request.is_empty() {
                let prefix = format!("{name}/");
                for _ in seen.iter().filter(|k| k.starts_with(&prefix)) {
                    e.push(Error::duplicate(&c.path, name));
                }
            }
            seen.insert(key);
        }
        if !known.contains(name) {
            let mut error = Error::not_found(&c.path, name);
            error.detail = if known.is_empty() {
                "must be one of the names in pod.spec.resourceClaims which is empty".to_owned()
            } else {
                let list: Vec<&str> = known.iter().copied().collect();
                format!(
                    "must be one of the names in pod.spec.resourceClaims: {}",
                    list.join(", ")
                )
            };
            e.push(error);
        }
    }
}

/// `validatePodResources`.
pub fn pod_level(at: &At, scope: &Scope, e: &mut Errors) {
    let Some(r) = at.some("resources") else {
        return;
    };
    if scope.os() == "windows" {
        r.forbidden(e, "may not be set for a windows pod");
        return;
    }
    if let Some(c) = r.some("claims") {
        c.forbidden(e, "claims may not be set for Resources at pod-level");
    }
    requirements(&r, pod_name, scope.opts, e);
    claims(&r.child("claims"), &scope.claims, e);
    consistency(at, &r, e);
}

/// `validatePodResourceConsistency`.
fn consistency(spec: &At, r: &At, e: &mut Errors) {
    let aggregate = super::super::resources::aggregate(spec.v, "requests");
    for (name, sum) in &aggregate {
        if let Some(q) = r
            .child("requests")
            .entries()
            .into_iter()
            .find(|(k, _)| k == name)
            && quantity::cmp(sum, q.1.v).is_gt()
        {
            let why = format!(
                "must be greater than or equal to aggregate container requests of {}",
                quantity::text(sum)
            );
            q.1.bad_value(e, quantity::text(q.1.v), why);
        }
    }
    for (name, sum) in super::super::resources::aggregate(spec.v, "limits") {
        if !rn::is_huge_page(&name) {
            continue;
        }
        if let Some(q) = r
            .child("limits")
            .entries()
            .into_iter()
            .find(|(k, _)| *k == name)
            && quantity::cmp(&sum, q.1.v).is_gt()
        {
            let why = format!(
                "must be greater than or equal to aggregate container limits of {}",
                quantity::text(&sum)
            );
            q.1.bad_value(e, quantity::text(q.1.v), why);
        }
    }
    for (i, c) in spec.child("containers").items().enumerate() {
        for (name, q) in c.child("resources").child("limits").entries() {
            let limit: Option<&Value> = r.v.at(&["limits", name]);
            if let Some(limit) = limit
                && quantity::cmp(q.v, limit).is_gt()
            {
                let path = r
                    .path
                    .child("containers")
                    .index(i)
                    .key(name)
                    .child("limits");
                let why = format!(
                    "must be less than or equal to pod limits of {}",
                    quantity::text(limit)
                );
                e.push(Error::invalid(&path, quantity::text(q.v), why));
            }
        }
    }
}
