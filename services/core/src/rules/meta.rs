//! Metadata of templates.

use catena_objects::{
    field::{Error, Errors},
    names,
};

use super::At;

/// Total size of annotations, in bytes (`TotalAnnotationSizeLimitB`).
const ANNOTATIONS_MAX: usize = 256 * 1024;

/// `ValidateAnnotations`.
pub fn annotations(at: &At, e: &mut Errors) {
    let mut total = 0;
    for (k, v) in at.entries() {
        for why in names::qualified_name(&k.to_lowercase()) {
            e.push(Error::invalid(&at.path, k, why));
        }
        total += k.len() + v.str().len();
    }
    if total > ANNOTATIONS_MAX {
        e.push(Error::too_long(&at.path, ANNOTATIONS_MAX));
    }
}
