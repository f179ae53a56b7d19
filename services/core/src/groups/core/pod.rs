//! Pods.

use std::sync::Arc;

use catena_objects::{
    Value,
    field::{Error, Errors, Path},
    names, obj,
};
use catena_registry::{Context, Graceful, Strategy, strategy::keep_other_half};

use crate::rules::At;

pub mod binding;
pub mod defaults;
pub mod eviction;
pub mod image;
pub mod prepare;
pub mod resize;
pub mod resources;
pub mod status;
pub mod update;
pub mod validate;
pub mod warnings;

/// Strategy of a resource of this file.
pub fn strategy(_plural: &str, _version: &str) -> Option<Arc<dyn Strategy>> {
    Some(Arc::new(Pod))
}

#[derive(Debug)]
pub struct Pod;

/// Fields a field selector may name, in the order of [`Strategy::selectable`].
/// `status.podIPs` may be named, and is always "".
pub const SELECTABLE: [&str; 9] = [
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.serviceAccountName",
    "spec.hostNetwork",
    "status.phase",
    "status.podIP",
    "status.podIPs",
    "status.nominatedNodeName",
];

impl Strategy for Pod {
    fn default(&self, object: &mut Value) {
        defaults::pod(object);
        status::align_ips(object);
    }

    fn prepare_create(&self, _ctx: &Context, object: &mut Value) {
        let empty = Value::object();
        let class = resources::qos_class(object.get("spec").unwrap_or(&empty));
        object.set(&["status"], obj!({"phase": "Pending", "qosClass": class}));
        prepare::drop_disabled(object, &["spec"]);
        prepare::scheduling_gated(object);
        prepare::label_keys(object);
    }

    fn validate(&self, _ctx: &Context, object: &Value) -> Errors {
        let mut e = crate::rules::meta::finalizers(object);
        let opts = validate::Opts {
            is_pod: true,
            ..validate::Opts::default()
        };
        metadata_and_spec(object, opts, &mut e);
        let spec = At::root(object, "spec");
        if !spec.child("ephemeralContainers").is_empty() {
            spec.child("ephemeralContainers")
                .forbidden(&mut e, "cannot be set on create");
        }
        if !spec.text("nodeName").is_empty() && !spec.child("schedulingGates").is_empty() {
            spec.child("nodeName").forbidden(
                &mut e,
                "cannot be set until all schedulingGates have been cleared",
            );
        }
        let null = Value::Null;
        let annotations = object.at(&["metadata", "annotations"]).unwrap_or(&null);
        validate::annotations::match_fields(annotations, &spec, &mut e);
        e
    }

    fn warnings(&self, _ctx: &Context, object: &Value, old: Option<&Value>) -> Vec<String> {
        if old.is_some() {
            return Vec::new();
        }
        let bad = names::dns1123_label(object.str_at(&["metadata", "name"]), false);
        let mut out = Vec::new();
        if !bad.is_empty() {
            out.push(format!(
                "metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: [{}]",
                bad.join(" ")
            ));
        }
        out.extend(warnings::about(&At::new(object, Path::default())));
        out
    }

    fn prepare_update(&self, ctx: &Context, object: &mut Value, old: &Value) {
        match ctx.subresource.as_str() {
            "status" => status::prepare(object, old),
            "ephemeralcontainers" => update::keep_all_but_ephemeral(object, old),
            "resize" => resize::prepare(object, old),
            _ => keep_other_half(ctx, object, old),
        }
        prepare::drop_disabled(object, &["spec"]);
    }

    fn validate_update(&self, ctx: &Context, object: &Value, old: &Value) -> Errors {
        match ctx.subresource.as_str() {
            "status" => status::validate(object, old),
            "ephemeralcontainers" => update::ephemeral(object, old),
            "resize" => resize::validate(object, old),
            _ => update::validate(object, old),
        }
    }

    fn has_generation(&self) -> bool {
        true
    }

    fn graceful_delete(&self, _ctx: &Context, object: &Value, asked: Option<i64>) -> Graceful {
        let own = object.i64_at(&["spec", "terminationGracePeriodSeconds"]);
        let mut period = asked.or(own).unwrap_or(0);
        let finished = matches!(object.str_at(&["status", "phase"]), "Failed" | "Succeeded");
        if finished || object.str_at(&["spec", "nodeName"]).is_empty() {
            period = 0;
        }
        Graceful::Seconds(if period < 0 { 1 } else { period })
    }

    fn selectable(&self, object: &Value) -> Vec<String> {
        SELECTABLE
            .iter()
            .map(|field| match *field {
                "spec.hostNetwork" => object
                    .bool_at(&["spec", "hostNetwork"])
                    .unwrap_or(false)
                    .to_string(),
                "status.podIP" => object
                    .items_at(&["status", "podIPs"])
                    .first()
                    .map_or_else(
                        || object.str_at(&["status", "podIP"]),
                        |ip| ip.str_at(&["ip"]),
                    )
                    .to_owned(),
                _ => object
                    .str_at(&field.split('.').collect::<Vec<_>>())
                    .to_owned(),
            })
            .collect()
    }
}

/// `validatePodMetadataAndSpec` without the rules of all objects.
pub(super) fn metadata_and_spec(object: &Value, opts: validate::Opts, e: &mut Errors) {
    let empty = Value::object();
    let metadata = object.get("metadata").unwrap_or(&empty);
    let annotations = At::new(metadata, Path::new("metadata")).child("annotations");
    let spec = At::root(object, "spec");
    validate::annotations::pod_specific(&annotations, &spec, opts, e);
    validate::pod_spec(&spec, Some(metadata), opts, e);
    if spec.text("serviceAccountName").is_empty() {
        for v in spec.child("volumes").items() {
            for s in v.child("projected").child("sources").items() {
                if let Some(t) = s.some("serviceAccountToken") {
                    e.push(Error::forbidden(
                        &t.path,
                        "must not be specified when serviceAccountName is not set",
                    ));
                }
            }
        }
    }
    for list in ["containers", "initContainers"] {
        spec.child(list)
            .items()
            .for_each(|c| validate::containers::pod_only(&c, e));
    }
}
