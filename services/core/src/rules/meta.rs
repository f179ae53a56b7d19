//! Metadata of templates.

use catena_objects::{
    Value,
    field::{Error, Errors, Path},
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

/// Finalizers without a domain must be known ones (`validateKubeFinalizerName`).
pub fn finalizers(object: &Value) -> Errors {
    let mut e = Errors::new();
    let path = Path::new("metadata").child("finalizers");
    for (i, f) in object
        .items_at(&["metadata", "finalizers"])
        .iter()
        .enumerate()
    {
        let name = f.as_str().unwrap_or_default();
        if !name.contains('/') && !matches!(name, "kubernetes" | "orphan" | "foregroundDeletion") {
            let why = "name is neither a standard finalizer name nor is it fully qualified";
            e.push(Error::invalid(&path.index(i), name, why));
        }
    }
    e
}
