//! Runtime classes.

use catena_objects::{
    Value,
    field::{Error, Errors},
    names,
};
use catena_registry::{Context, Strategy};

use crate::{
    groups::core::pod::validate::{Opts, resources, scheduling},
    rules::{At, go_struct, labels, meta},
};

#[derive(Debug)]
pub struct RuntimeClass;

impl Strategy for RuntimeClass {
    fn validate(&self, _ctx: &Context, object: &Value) -> Errors {
        let mut e = meta::finalizers(object);
        let handler = At::root(object, "handler");
        if handler.str().is_empty() {
            handler.required(&mut e, "");
        } else {
            handler.complain(&mut e, names::dns1123_label(handler.str(), false));
        }
        let overhead = At::root(object, "overhead");
        let fixed = overhead.child("podFixed");
        if fixed.has() {
            resources::overhead(
                &At::new(fixed.v, overhead.path.clone()),
                Opts::default(),
                &mut e,
            );
        }
        let placing = At::root(object, "scheduling");
        labels::labels(&placing.child("nodeSelector"), &mut e);
        tolerations(&placing.child("tolerations"), &mut e);
        e
    }

    fn validate_update(&self, ctx: &Context, object: &Value, old: &Value) -> Errors {
        let mut e = self.validate(ctx, object);
        let handler = At::root(object, "handler");
        if handler.str() != old.str_at(&["handler"]) {
            handler.bad_text(&mut e, crate::rules::IMMUTABLE);
        }
        e
    }
}

fn tolerations(at: &At, e: &mut Errors) {
    scheduling::tolerations(at, e);
    let key = |t: &At| ["key", "operator", "value", "effect"].map(|f| t.text(f).to_owned());
    let mut seen = Vec::new();
    for t in at.items() {
        let k = key(&t);
        if seen.contains(&k) {
            let shown = go_struct(
                t.v,
                &[
                    "key=",
                    "operator=",
                    "value=",
                    "effect=",
                    "tolerationSeconds",
                ],
            );
            e.push(Error::duplicate(&t.path, shown));
        } else {
            seen.push(k);
        }
    }
}
