//! Priority classes.

use catena_objects::{Value, field::Errors};
use catena_registry::{Context, Strategy};

use crate::rules::{At, meta};

/// Highest value of a class that is not of the system.
pub const USER_MAX: i64 = 1_000_000_000;
const PREFIX: &str = "system-";
/// Classes of the system with their values.
pub const SYSTEM: [(&str, i64); 2] = [
    ("system-node-critical", 2_000_001_000),
    ("system-cluster-critical", 2_000_000_000),
];

#[derive(Debug)]
pub struct PriorityClass;

impl Strategy for PriorityClass {
    fn default(&self, object: &mut Value) {
        object.set_default(&["preemptionPolicy"], "PreemptLowerPriority");
    }

    fn validate(&self, _ctx: &Context, object: &Value) -> Errors {
        let mut e = meta::finalizers(object);
        let name = At::root(object, "metadata").child("name");
        let value = At::root(object, "value");
        if name.str().starts_with(PREFIX) {
            if let Err(why) = system(object, name.str()) {
                name.forbidden(&mut e, format!("priority class names with '{PREFIX}' prefix are reserved for system use only. error: {why}"));
            }
        } else if value.int().unwrap_or(0) > USER_MAX {
            value.forbidden(
                &mut e,
                format!("maximum allowed value of a user defined priority is {USER_MAX}"),
            );
        }
        let policy = At::root(object, "preemptionPolicy");
        if policy.has() {
            policy.required_one_of(&mut e, &["PreemptLowerPriority", "Never"]);
        }
        e
    }

    fn validate_update(&self, _ctx: &Context, object: &Value, old: &Value) -> Errors {
        let mut e = meta::finalizers(object);
        let value = At::root(object, "value");
        if value.int().unwrap_or(0) != old.i64_at(&["value"]).unwrap_or(0) {
            value.forbidden(&mut e, "may not be changed in an update.");
        }
        let null = Value::Null;
        At::root(object, "preemptionPolicy")
            .immutable(&mut e, old.get("preemptionPolicy").unwrap_or(&null));
        e
    }

    fn has_generation(&self) -> bool {
        true
    }
}

/// `IsKnownSystemPriorityClass`.
fn system(object: &Value, name: &str) -> Result<(), String> {
    let Some((_, value)) = SYSTEM.iter().find(|(n, _)| *n == name) else {
        return Err(format!("{name} is not a known system priority class"));
    };
    if object.i64_at(&["value"]).unwrap_or(0) != *value {
        return Err(format!("value of {name} PriorityClass must be {value}"));
    }
    if object.bool_at(&["globalDefault"]) == Some(true) {
        return Err(format!(
            "globalDefault of {name} PriorityClass must be false"
        ));
    }
    Ok(())
}
