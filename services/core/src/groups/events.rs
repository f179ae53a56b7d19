//! events.k8s.io: the Events of the core group in another shape, under the same keys.

use std::sync::Arc;

use catena_objects::Value;
use catena_registry::{Strategy, resource::Conversion};

use super::core::event::Event;

/// Member names: core's, ours.
const RENAMED: [(&str, &str); 7] = [
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
    ("reportingComponent", "reportingController"),
];

/// Rules of a resource of the group.
pub fn strategy(plural: &str, _version: &str) -> Option<Arc<dyn Strategy>> {
    match plural {
        "events" => Some(Arc::new(Event { strict: true })),
        _ => None,
    }
}

/// Between `events.k8s.io/v1` and what is stored, `v1`.
#[derive(Debug)]
pub struct EventConversion;

impl Conversion for EventConversion {
    fn to_storage(&self, mut object: Value) -> Value {
        for (core, ours) in RENAMED {
            rename(&mut object, ours, core);
        }
        object.set(&["apiVersion"], "v1");
        object
    }

    fn from_storage(&self, mut object: Value) -> Value {
        for (core, ours) in RENAMED {
            rename(&mut object, core, ours);
        }
        object.set(&["apiVersion"], "events.k8s.io/v1");
        object
    }
}

fn rename(object: &mut Value, from: &str, to: &str) {
    if let Some(value) = object.unset(&[from]) {
        object.set(&[to], value);
    }
}
