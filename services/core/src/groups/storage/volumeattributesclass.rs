//! Volume attributes classes.

use catena_objects::{Value, field::Errors};
use catena_registry::{Context, Strategy};

use super::storageclass::{parameters, provisioner};
use crate::rules::{At, equality::same_at, meta};

#[derive(Debug)]
pub struct VolumeAttributesClass;

impl Strategy for VolumeAttributesClass {
    fn validate(&self, _ctx: &Context, object: &Value) -> Errors {
        let mut e = meta::finalizers(object);
        provisioner(&At::root(object, "driverName"), &mut e);
        parameters(&At::root(object, "parameters"), false, &mut e);
        e
    }

    fn validate_update(&self, ctx: &Context, object: &Value, old: &Value) -> Errors {
        let mut e = Errors::new();
        for name in ["driverName", "parameters"] {
            if !same_at(object, old, &[name]) {
                At::root(object, name)
                    .forbidden(&mut e, format!("updates to {name} are forbidden."));
            }
        }
        e.extend(self.validate(ctx, object));
        e
    }
}
