//! Node: `ValidateNode`, `ValidateNodeUpdate`.

use catena_objects::{
    Value,
    field::{Error, Errors, Path},
    names, obj,
};
use catena_registry::{Context, Strategy};

use crate::steps::{complaints, is_set, keep, kube_finalizers, strings};

#[derive(Debug)]
pub struct Node;

impl Strategy for Node {
    fn default(&self, object: &mut Value) {
        if !is_set(object, &["status", "allocatable"])
            && let Some(capacity) = object.at(&["status", "capacity"]).cloned()
        {
            object.set(&["status", "allocatable"], capacity);
        }
        // Conversion keeps podCIDR and podCIDRs in step.
        let single = object.str_at(&["spec", "podCIDR"]).to_owned();
        let first = object.items_at(&["spec", "podCIDRs"]).first().cloned();
        match (single.is_empty(), first) {
            (false, None) => object.set(&["spec", "podCIDRs"], vec![Value::from(single)]),
            (false, Some(first)) if first.as_str() != Some(&single) => {
                object.set(&["spec", "podCIDRs"], vec![Value::from(single)]);
            }
            (true, Some(first)) => object.set(&["spec", "podCIDR"], first),
            _ => {}
        }
    }

    fn prepare_create(&self, _ctx: &Context, object: &mut Value) {
        object.unset(&["spec", "configSource"]);
        object.unset(&["status", "config"]);
    }

    fn validate(&self, _ctx: &Context, object: &Value) -> Errors {
        let mut errors = kube_finalizers(object);
        taints(&mut errors, object);
        declared_features(&mut errors, object);
        pod_cidrs(&mut errors, object);
        errors
    }

    fn prepare_update(&self, ctx: &Context, object: &mut Value, old: &Value) {
        if ctx.subresource == "status" {
            keep(object, old, &["spec"]);
        } else {
            keep(object, old, &["status"]);
            if !is_set(old, &["spec", "configSource"]) {
                object.unset(&["spec", "configSource"]);
            }
        }
    }

    fn validate_update(&self, ctx: &Context, object: &Value, old: &Value) -> Errors {
        let mut errors = Errors::new();
        if ctx.subresource != "status" {
            errors.extend(self.validate(ctx, object));
        }
        declared_features(&mut errors, object);
        addresses(&mut errors, object);
        fixed(&mut errors, object, old);
        taints(&mut errors, object);
        errors
    }

    fn selectable(&self, object: &Value) -> Vec<String> {
        let unschedulable = object.bool_at(&["spec", "unschedulable"]) == Some(true);
        vec![unschedulable.to_string()]
    }
}

fn pod_cidrs(errors: &mut Errors, object: &Value) {
    let ranges = strings(object, &["spec", "podCIDRs"]);
    let path = Path::new("spec").child("podCIDRs");
    for (i, range) in ranges.iter().enumerate() {
        errors.extend(names::valid_cidr_legacy(&path.index(i), range, &[]));
    }
    if ranges.len() < 2 {
        return;
    }
    let families: Option<Vec<bool>> = ranges
        .iter()
        .map(|r| names::parse_cidr_sloppy(r).map(|c| c.ip.addr.is_ipv6()))
        .collect();
    let dual = families.is_some_and(|f| f.contains(&true) && f.contains(&false));
    if !dual || ranges.len() > 2 {
        let value = object
            .at(&["spec", "podCIDRs"])
            .cloned()
            .unwrap_or_default();
        let text = "may specify no more than one CIDR for each IP family";
        errors.push(Error::invalid(&path, value, text));
    }
}

/// `validateNodeTaints`.
fn taints(errors: &mut Errors, object: &Value) {
    let root = Path::new("metadata").child("taints");
    let all = object.items_at(&["spec", "taints"]);
    for (i, taint) in all.iter().enumerate() {
        let path = root.index(i);
        let key = taint.str_at(&["key"]);
        complaints(errors, &path.child("key"), key, names::qualified_name(key));
        let value = taint.str_at(&["value"]);
        complaints(
            errors,
            &path.child("value"),
            value,
            names::label_value(value),
        );
        let effect = taint.str_at(&["effect"]);
        effect_rule(errors, &path.child("effect"), effect);
        let same = |t: &Value| t.str_at(&["effect"]) == effect && t.str_at(&["key"]) == key;
        if all[..i].iter().any(same) {
            let mut shown = obj!({"key": key});
            if !value.is_empty() {
                shown.set(&["value"], value);
            }
            shown.set(&["effect"], effect);
            let mut e = Error::duplicate(&path, go_taint(&shown));
            e.detail = "taints must be unique by key and effect pair".into();
            errors.push(e);
        }
    }
}

fn go_taint(t: &Value) -> Value {
    obj!({
        "Key": (t.str_at(&["key"])), "Value": (t.str_at(&["value"])),
        "Effect": (t.str_at(&["effect"])), "TimeAdded": null
    })
}

fn effect_rule(errors: &mut Errors, path: &Path, effect: &str) {
    let known = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
    if effect.is_empty() {
        errors.push(Error::required(path, ""));
    } else if !known.contains(&effect) {
        errors.push(Error::not_supported(path, effect, &known));
    }
}

fn declared_features(errors: &mut Errors, object: &Value) {
    let path = Path::new("status").child("declaredFeatures");
    let features = strings(object, &["status", "declaredFeatures"]);
    for (i, pair) in features.windows(2).enumerate() {
        if pair[0] == pair[1] {
            errors.push(Error::duplicate(&path.index(i + 1), pair[1]));
        } else if pair[0] > pair[1] {
            let text = "list must be sorted alphabetically";
            errors.push(Error::invalid(&path.index(i + 1), pair[1], text));
        }
    }
}

fn addresses(errors: &mut Errors, object: &Value) {
    let all = object.items_at(&["status", "addresses"]);
    for (i, address) in all.iter().enumerate() {
        if all[..i].contains(address) {
            let shown = obj!({
                "Type": (address.str_at(&["type"])), "Address": (address.str_at(&["address"]))
            });
            let path = Path::new("status").child("addresses").index(i);
            errors.push(Error::duplicate(&path, shown));
        }
    }
}

/// What is set once and stays.
fn fixed(errors: &mut Errors, object: &Value, old: &Value) {
    let (now, before) = (
        strings(object, &["spec", "podCIDRs"]),
        strings(old, &["spec", "podCIDRs"]),
    );
    let path = Path::new("spec").child("podCIDRs");
    let text = "node updates may not change podCIDR except from \"\" to valid";
    if !before.is_empty() {
        let changes = if now.len() == before.len() {
            now.iter().zip(&before).filter(|(a, b)| a != b).count()
        } else {
            1
        };
        for _ in 0..changes {
            errors.push(Error::forbidden(&path, text));
        }
    }
    let id = old.str_at(&["spec", "providerID"]);
    if !id.is_empty() && id != object.str_at(&["spec", "providerID"]) {
        let text = "node updates may not change providerID except from \"\" to valid";
        errors.push(Error::forbidden(
            &Path::new("spec").child("providerID"),
            text,
        ));
    }
    if object.str_at(&["spec", "externalID"]) != old.str_at(&["spec", "externalID"]) {
        let path = Path::new("spec").child("externalID");
        errors.push(Error::forbidden(&path, "may not be updated"));
    }
}
