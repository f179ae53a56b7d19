//! CSI nodes.

use std::collections::BTreeSet;

use catena_objects::{
    Value,
    field::{Error, Errors},
    names,
};
use catena_registry::{Context, Strategy};

use crate::{
    groups::core::pod::validate::volumes::csi_driver_name,
    rules::{At, equality::same, meta},
};

#[derive(Debug)]
pub struct CSINode;

impl Strategy for CSINode {
    fn validate(&self, _ctx: &Context, object: &Value) -> Errors {
        let mut e = meta::finalizers(object);
        let mut seen = BTreeSet::new();
        for d in At::root(object, "spec").child("drivers").items() {
            driver(&d, &mut e);
            if !seen.insert(d.text("name")) {
                e.push(Error::duplicate(&d.path.child("name"), d.text("name")));
            }
            topology(&d, &mut e);
        }
        e
    }

    fn validate_update(&self, ctx: &Context, object: &Value, old: &Value) -> Errors {
        let mut e = self.validate(ctx, object);
        let drivers = At::root(object, "spec").child("drivers");
        let strip = |v: &Value| {
            let mut v = v.clone();
            v.unset(&["allocatable"]);
            v
        };
        for o in old.items_at(&["spec", "drivers"]) {
            for n in drivers
                .items()
                .filter(|n| n.text("name") == o.str_at(&["name"]))
            {
                let (n, o) = (strip(n.v), strip(o));
                if !same(&n, &o) {
                    let shown = crate::rules::go_struct(
                        &n,
                        &["name=", "nodeID=", "topologyKeys", "allocatable"],
                    );
                    drivers.bad_value(&mut e, shown, crate::rules::IMMUTABLE);
                }
            }
        }
        e
    }
}

fn driver(d: &At, e: &mut Errors) {
    csi_driver_name(&d.child("name"), e);
    let id = d.child("nodeID");
    if id.str().is_empty() {
        id.required(e, "");
    }
    if id.str().len() > 256 {
        id.bad_text(e, "must be 256 characters or less");
    }
    d.child("allocatable").child("count").non_negative(e);
}

fn topology(d: &At, e: &mut Errors) {
    let mut seen = BTreeSet::new();
    for k in d.child("topologyKeys").items() {
        let key = k.str();
        if key.is_empty() {
            d.required(e, "");
        }
        if !seen.insert(key) {
            e.push(Error::duplicate(&d.path, key));
        }
        for why in names::qualified_name(key) {
            d.bad_value(e, key, why);
        }
    }
}
