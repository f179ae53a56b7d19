//! Formats that mean nothing: the client is warned.

use catena_objects::Value;
use catena_schema::structural::format_is_known;

use super::schema;

/// Formats that are ignored, in the order in which they are found.
pub(super) fn unrecognized(definition: &Value) -> Vec<String> {
    let mut out = Vec::new();
    for s in schema::schemas(definition) {
        schema::walk(s, &mut |node| {
            let format = node.str_at(&["format"]);
            if !format.is_empty() && !format_is_known(node.str_at(&["type"]), format) {
                out.push(format.to_owned());
            }
        });
    }
    out
}
