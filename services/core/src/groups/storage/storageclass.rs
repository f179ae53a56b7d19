//! Storage classes.

use std::collections::{BTreeMap, BTreeSet};

use catena_objects::{
    Value,
    field::{Error, Errors},
    names,
};
use catena_registry::{Context, Strategy};

use crate::rules::{At, labels, meta};

#[derive(Debug)]
pub struct StorageClass;

impl Strategy for StorageClass {
    fn default(&self, object: &mut Value) {
        object.set_default(&["reclaimPolicy"], "Delete");
        object.set_default(&["volumeBindingMode"], "Immediate");
    }

    fn validate(&self, _ctx: &Context, object: &Value) -> Errors {
        let mut e = meta::finalizers(object);
        provisioner(&At::root(object, "provisioner"), &mut e);
        parameters(&At::root(object, "parameters"), true, &mut e);
        let reclaim = At::root(object, "reclaimPolicy");
        if !reclaim.str().is_empty() {
            reclaim.one_of(&mut e, &["Delete", "Retain"]);
        }
        At::root(object, "volumeBindingMode")
            .one_of(&mut e, &["Immediate", "WaitForFirstConsumer"]);
        topologies(&At::root(object, "allowedTopologies"), &mut e);
        e
    }

    fn validate_update(&self, ctx: &Context, object: &Value, old: &Value) -> Errors {
        let mut e = self.validate(ctx, object);
        let null = Value::Null;
        for name in [
            "parameters",
            "provisioner",
            "reclaimPolicy",
            "volumeBindingMode",
        ] {
            At::root(object, name).immutable(&mut e, old.get(name).unwrap_or(&null));
        }
        e
    }
}

/// `validateProvisioner`.
pub fn provisioner(at: &At, e: &mut Errors) {
    let lower = at.str().to_lowercase();
    if lower.is_empty() {
        at.required(e, "");
        return;
    }
    for why in names::qualified_name(&lower) {
        at.bad_value(e, lower.as_str(), why);
    }
}

/// `validateParameters`.
pub fn parameters(at: &At, allow_empty: bool, e: &mut Errors) {
    const COUNT: usize = 512;
    const SIZE: usize = 256 * 1024;
    if at.len() > COUNT {
        e.push(Error::too_long(&at.path, COUNT));
        return;
    }
    let mut size = 0;
    for (k, v) in at.entries() {
        if k.is_empty() {
            at.bad_value(e, k, "field can not be empty.");
        }
        size += k.len() + v.str().len();
    }
    if size > SIZE {
        e.push(Error::too_long(&at.path, SIZE));
    }
    if !allow_empty && at.is_empty() {
        at.required(e, "must contain at least one key/value pair");
    }
}

/// `validateAllowedTopologies`.
fn topologies(at: &At, e: &mut Errors) {
    let mut before: Vec<BTreeMap<&str, BTreeSet<&str>>> = Vec::new();
    for term in at.items() {
        let mut terms: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        let expressions = term.child("matchLabelExpressions");
        for r in expressions.items() {
            let values = r.child("values");
            if values.is_empty() {
                values.required(e, "");
            }
            let mut set = BTreeSet::new();
            for v in values.items() {
                if !set.insert(v.str()) {
                    v.duplicate(e);
                }
            }
            let key = r.child("key");
            labels::key(&key, key.str(), e);
            if terms.contains_key(key.str()) {
                e.push(Error::duplicate(&key.path, key.str()));
            }
            terms.insert(key.str(), set);
        }
        // Go starts with as many empty terms as there are terms.
        let empty = if terms.is_empty() { at.len() } else { 0 };
        for _ in 0..empty + before.iter().filter(|b| **b == terms).count() {
            e.push(Error::duplicate(&expressions.path, ""));
        }
        before.push(terms);
    }
}
