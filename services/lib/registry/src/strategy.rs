//! Rules of a resource, stateless and without IO.

use catena_objects::{Value, field};

use crate::Context;

/// How a deletion with grace behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Graceful {
    /// The object goes at once (if nothing else holds it).
    No,
    /// The object stays, marked, for this many seconds; 0 deletes at once.
    Seconds(i64),
}

/// Rules of a resource. Objects are in the storage version, already decoded,
/// checked against the schema and defaulted; `metadata` is the store's business,
/// except for what is said here.
///
/// The order of a create: `default`, `prepare_create`, admission, `validate`,
/// `canonicalize`, write. Of an update: `default`, `prepare_update`, admission,
/// `validate_update` (which runs the create rules too, as Kubernetes' do), write.
#[allow(unused_variables)]
pub trait Strategy: Send + Sync + 'static {
    /// Fills in absent fields (`SetDefaults_*`, `SetObjectDefaults_*`). Runs on every
    /// object that a client sends and on every stored object that is read for a write.
    fn default(&self, object: &mut Value) {}

    /// Clears what a client may not set on create (status, for one).
    fn prepare_create(&self, ctx: &Context, object: &mut Value) {}

    fn validate(&self, ctx: &Context, object: &Value) -> field::Errors {
        field::Errors::new()
    }

    /// Texts of `Warning` headers for a created or updated object (`old` on update).
    fn warnings(&self, ctx: &Context, object: &Value, old: Option<&Value>) -> Vec<String> {
        Vec::new()
    }

    /// Keeps what this endpoint may not change: the main endpoint keeps `status`,
    /// the status endpoint (`ctx.subresource == "status"`) keeps everything else.
    fn prepare_update(&self, ctx: &Context, object: &mut Value, old: &Value) {
        keep_other_half(ctx, object, old);
    }

    fn validate_update(&self, ctx: &Context, object: &Value, old: &Value) -> field::Errors {
        self.validate(ctx, object)
    }

    /// `metadata.generation` starts at 1 and grows when something but `metadata` and `status` changes.
    fn has_generation(&self) -> bool {
        false
    }

    /// The generation of a new object; `None`: it has one from the first update on.
    fn first_generation(&self) -> Option<i64> {
        Some(1)
    }

    /// Whether an update counts: something changed that a controller has to act on.
    fn is_new_generation(&self, object: &Value, old: &Value) -> bool {
        let rest = |v: &Value| {
            let mut v = v.clone();
            v.unset(&["metadata"]);
            v.unset(&["status"]);
            v
        };
        rest(object) != rest(old)
    }

    fn allow_create_on_update(&self) -> bool {
        false
    }

    /// The grace of a deletion, given what the client asked for (`None`: nothing).
    fn graceful_delete(&self, ctx: &Context, object: &Value, asked: Option<i64>) -> Graceful {
        Graceful::No
    }

    /// First deletion of an object that must stay until its content is gone
    /// (Namespace, CustomResourceDefinition): marks it (phase, condition,
    /// finalizer) and returns true. The store sets `deletionTimestamp`.
    fn mark_terminating(&self, ctx: &Context, object: &mut Value) -> bool {
        false
    }

    /// Whether something besides `metadata.finalizers` keeps a deleted object
    /// (`spec.finalizers` of a Namespace).
    fn held(&self, object: &Value) -> bool {
        false
    }

    /// Finalizers that deletion without options adds: "orphan" and "foregroundDeletion"
    /// come from the options; a few legacy kinds orphan by default.
    fn orphans_by_default(&self) -> bool {
        false
    }

    /// Whether a deletion may wait for dependents (`rest.Unsupported` if not: events
    /// own nothing, and options of garbage collection change nothing).
    fn has_dependents(&self) -> bool {
        true
    }

    /// Warnings of a deletion that says nothing of what becomes of dependents.
    fn deletion_warnings(&self, ctx: &Context) -> Vec<String> {
        Vec::new()
    }

    /// Values of the selectable fields besides `metadata.name` and `metadata.namespace`,
    /// in the order of [`crate::Resource::selectable_fields`].
    fn selectable(&self, object: &Value) -> Vec<String> {
        Vec::new()
    }

    /// Names may be any path segment (RBAC) instead of DNS subdomains; see `names`.
    fn validate_name(&self, name: &str, is_prefix: bool) -> Vec<String> {
        catena_objects::names::dns1123_subdomain(name, is_prefix)
    }
}

/// A strategy without rules of its own: metadata and structure only.
#[derive(Debug)]
pub struct Plain;

impl Strategy for Plain {}

/// The usual split: spec and the rest by the main endpoint, status by `/status`.
pub fn keep_other_half(ctx: &Context, object: &mut Value, old: &Value) {
    if ctx.subresource == "status" {
        let status = object.get("status").cloned();
        let metadata = object.get("metadata").cloned();
        *object = old.clone();
        if let Some(m) = metadata {
            object.set(&["metadata"], m);
        }
        match status {
            Some(s) => object.set(&["status"], s),
            None => drop(object.unset(&["status"])),
        }
        return;
    }
    match old.get("status") {
        Some(s) => object.set(&["status"], s.clone()),
        None => drop(object.unset(&["status"])),
    }
}

/// As [`keep_other_half`]; `/status` keeps what users say in metadata as well
/// (`ResetObjectMetaForStatus`).
pub fn keep_other_half_and_metadata(ctx: &Context, object: &mut Value, old: &Value) {
    keep_other_half(ctx, object, old);
    if ctx.subresource == "status" {
        for name in ["labels", "annotations", "finalizers", "ownerReferences"] {
            match old.at(&["metadata", name]) {
                Some(v) => object.set(&["metadata", name], v.clone()),
                None => drop(object.unset(&["metadata", name])),
            }
        }
    }
}
