//! Volume attachments.

use catena_objects::{
    Value,
    field::{Error, Errors, Path},
    names,
};
use catena_registry::{Context, Strategy, strategy::keep_other_half_and_metadata};

use crate::{
    groups::core::pod::validate::volumes::csi_driver_name,
    rules::{At, equality::same_at, meta},
};

#[derive(Debug)]
pub struct VolumeAttachment;

impl Strategy for VolumeAttachment {
    fn prepare_create(&self, _ctx: &Context, object: &mut Value) {
        object.set(&["status"], catena_objects::obj!({"attached": false}));
    }

    fn prepare_update(&self, ctx: &Context, object: &mut Value, old: &Value) {
        keep_other_half_and_metadata(ctx, object, old);
    }

    fn validate(&self, _ctx: &Context, object: &Value) -> Errors {
        let mut e = meta::finalizers(object);
        let at = At::root(object, "spec");
        csi_driver_name(&at.child("attacher"), &mut e);
        source(&at.child("source"), &mut e);
        let node = at.child("nodeName");
        node.complain(&mut e, names::dns1123_subdomain(node.str(), false));
        let status = At::root(object, "status");
        for name in ["attachError", "detachError"] {
            let error = status.child(name);
            if error.text("message").len() > 1024 {
                e.push(Error::too_long(&error.path.child("message"), 256 * 1024));
            }
            let code = error.child("errorCode");
            if code.int().is_some_and(|c| c < 0) {
                code.bad_num(&mut e, "must be between 0 and 2147483647, inclusive");
            }
        }
        if let Some(n) = at.child("source").some("persistentVolumeName") {
            At::new(n.v, Path::new("spec.source.persistentVolumeName"))
                .complain(&mut e, names::dns1123_subdomain(n.str(), false));
        }
        e
    }

    fn validate_update(&self, ctx: &Context, object: &Value, old: &Value) -> Errors {
        let mut e = self.validate(ctx, object);
        if !same_at(object, old, &["spec"]) {
            let at = At::root(object, "spec");
            let mut shown = crate::rules::go_struct(at.v, &["attacher=", "source", "nodeName="]);
            let source = at.child("source");
            shown.set(
                &["Source"],
                crate::rules::go_struct(source.v, &["persistentVolumeName", "inlineVolumeSpec"]),
            );
            at.bad_value(&mut e, shown, crate::rules::IMMUTABLE);
        }
        e
    }
}

fn source(at: &At, e: &mut Errors) {
    const ONE: &str = "must specify exactly one of inlineVolumeSpec and persistentVolumeName";
    match (at.some("inlineVolumeSpec"), at.some("persistentVolumeName")) {
        (None, None) => at.required(e, ONE),
        (Some(_), Some(_)) => at.forbidden(e, ONE),
        (None, Some(name)) => {
            if name.str().is_empty() {
                name.required(e, "must specify non empty persistentVolumeName");
            }
        }
        (Some(_), None) => {}
    }
}
