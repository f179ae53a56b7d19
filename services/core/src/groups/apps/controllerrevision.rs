//! Controller revisions: history that never changes.

use catena_objects::{Value, field::Errors};
use catena_registry::{Context, Strategy};

use crate::rules::At;

#[derive(Debug)]
pub struct ControllerRevision;

impl Strategy for ControllerRevision {
    fn validate(&self, _ctx: &Context, object: &Value) -> Errors {
        let mut e = crate::rules::meta::finalizers(object);
        At::root(object, "revision").non_negative(&mut e);
        let data = At::root(object, "data");
        match data.v {
            Value::Null => data.required(&mut e, "data is mandatory"),
            Value::Object(_) => {}
            _ => data.required(&mut e, "data must be a valid JSON object"),
        }
        e
    }

    fn validate_update(&self, _ctx: &Context, object: &Value, old: &Value) -> Errors {
        let mut e = crate::rules::meta::finalizers(object);
        At::root(object, "revision").non_negative(&mut e);
        let data = At::root(object, "data");
        // Raw bytes: nothing is not the same as an empty object.
        let null = Value::Null;
        if data.v != old.get("data").unwrap_or(&null) {
            data.invalid(&mut e, crate::rules::IMMUTABLE);
        }
        e
    }
}
