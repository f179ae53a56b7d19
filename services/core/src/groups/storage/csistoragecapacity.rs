//! CSI storage capacities.

use catena_objects::{Value, field::Errors, names};
use catena_registry::{Context, Strategy};

use crate::rules::{At, NOT_NEGATIVE, equality::same, labels, meta, quantity};

#[derive(Debug)]
pub struct CSIStorageCapacity;

impl Strategy for CSIStorageCapacity {
    fn validate(&self, _ctx: &Context, object: &Value) -> Errors {
        let mut e = meta::finalizers(object);
        labels::selector(&At::root(object, "nodeTopology"), false, &mut e);
        let class = At::root(object, "storageClassName");
        class.complain(&mut e, names::dns1123_subdomain(class.str(), false));
        let capacity = At::root(object, "capacity");
        if quantity::sign(capacity.v) < 0 {
            capacity.bad_value(&mut e, quantity::text(capacity.v), NOT_NEGATIVE);
        }
        e
    }

    fn validate_update(&self, ctx: &Context, object: &Value, old: &Value) -> Errors {
        let mut e = self.validate(ctx, object);
        let null = Value::Null;
        let topology = At::root(object, "nodeTopology");
        if !same(topology.v, old.get("nodeTopology").unwrap_or(&null)) {
            topology.invalid(&mut e, crate::rules::IMMUTABLE);
        }
        let class = At::root(object, "storageClassName");
        if class.str() != old.str_at(&["storageClassName"]) {
            class.bad_text(&mut e, crate::rules::IMMUTABLE);
        }
        e
    }
}
