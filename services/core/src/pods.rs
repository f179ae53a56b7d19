//! Posts on pods: binding to a node, and eviction.

mod bindings;
mod evictions;

use catena_objects::{Status, Value, obj};

pub(crate) use bindings::Bindings;
pub(crate) use evictions::Evictions;

/// Attempts against writers that were faster.
const ATTEMPTS: usize = 64;

/// The answer of both: `Status` with 201.
fn done() -> (u16, Value) {
    let status = obj!({
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "code": 201
    });
    (201, status)
}

fn busy(plural: &str, name: &str) -> Status {
    let why = "the object has been modified; please apply your changes to the latest version and try again";
    Status::conflict("", plural, name, why)
}
