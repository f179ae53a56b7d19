//! CSI drivers.

use std::collections::BTreeSet;

use catena_objects::{
    Value,
    field::{Error, Errors},
};
use catena_registry::{Context, Strategy};

use crate::rules::{At, meta};

#[derive(Debug)]
pub struct CSIDriver;

impl Strategy for CSIDriver {
    fn default(&self, object: &mut Value) {
        for (name, value) in [
            ("attachRequired", true),
            ("podInfoOnMount", false),
            ("storageCapacity", false),
            ("requiresRepublish", false),
            ("seLinuxMount", false),
        ] {
            object.set_default(&["spec", name], value);
        }
        object.set_default(&["spec", "fsGroupPolicy"], "ReadWriteOnceWithFSType");
        if object
            .items_at(&["spec", "volumeLifecycleModes"])
            .is_empty()
        {
            object.set(
                &["spec", "volumeLifecycleModes"],
                vec![Value::from("Persistent")],
            );
        }
    }

    fn prepare_create(&self, _ctx: &Context, object: &mut Value) {
        drop_disabled(object);
    }

    fn prepare_update(&self, _ctx: &Context, object: &mut Value, _old: &Value) {
        drop_disabled(object);
    }

    fn warnings(&self, _ctx: &Context, object: &Value, old: Option<&Value>) -> Vec<String> {
        let tokens = &["spec", "tokenRequests"];
        let unset = object
            .at(&["spec", "serviceAccountTokenInSecrets"])
            .is_none();
        let changed = old.is_none_or(|o| !crate::rules::equality::same_at(object, o, tokens));
        if object.items_at(tokens).is_empty() || !unset || !changed {
            return Vec::new();
        }
        vec!["spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to prevent possible logging of tokens in volume attributes".to_owned()]
    }

    fn validate(&self, _ctx: &Context, object: &Value) -> Errors {
        let mut e = meta::finalizers(object);
        spec(&At::root(object, "spec"), &mut e);
        e
    }

    fn validate_update(&self, ctx: &Context, object: &Value, old: &Value) -> Errors {
        let mut e = self.validate(ctx, object);
        let at = At::root(object, "spec");
        let null = Value::Null;
        for (name, shown) in [
            ("attachRequired", "attachedRequired"),
            ("volumeLifecycleModes", "volumeLifecycleModes"),
        ] {
            At::new(at.child(name).v, at.path.child(shown))
                .immutable(&mut e, old.at(&["spec", name]).unwrap_or(&null));
        }
        e
    }

    fn has_generation(&self) -> bool {
        true
    }

    fn first_generation(&self) -> Option<i64> {
        None
    }
}

fn drop_disabled(object: &mut Value) {
    object.unset(&["spec", "preventPodSchedulingIfMissing"]);
}

/// `validateCSIDriverSpec`; what defaults always set is not asked for again.
fn spec(at: &At, e: &mut Errors) {
    if let Some(p) = at.some("fsGroupPolicy") {
        p.one_of(e, &["File", "None", "ReadWriteOnceWithFSType"]);
    }
    let mut audiences = BTreeSet::new();
    for t in at.child("tokenRequests").items() {
        if !audiences.insert(t.text("audience")) {
            e.push(Error::duplicate(
                &t.path.child("audience"),
                t.text("audience"),
            ));
            continue;
        }
        let seconds = t.child("expirationSeconds");
        if seconds.int().is_some_and(|s| s < 600) {
            seconds.bad_num(e, "may not specify a duration less than 10 minutes");
        }
        if seconds.int().is_some_and(|s| s > 1 << 32) {
            seconds.bad_num(e, "may not specify a duration larger than 2^32 seconds");
        }
    }
    let modes = at.child("volumeLifecycleModes");
    for m in modes.items() {
        At::new(m.v, modes.path.clone()).one_of(e, &["Persistent", "Ephemeral"]);
    }
    let period = at.child("nodeAllocatableUpdatePeriodSeconds");
    if period.int().is_some_and(|p| p < 10) {
        period.bad_num(e, "must be greater than or equal to 10 seconds");
    }
    if let Some(s) = at.some("serviceAccountTokenInSecrets")
        && at.child("tokenRequests").is_empty()
    {
        s.invalid(
            e,
            "serviceAccountTokenInSecrets is set but no tokenRequests are specified",
        );
    }
}
