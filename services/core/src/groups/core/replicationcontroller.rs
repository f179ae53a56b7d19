//! Replication controllers.

use std::sync::Arc;

use catena_objects::{Value, field::Errors};
use catena_registry::{Context, Strategy};

use super::pod::validate::pod_template_spec;
use crate::groups::core::pod::warnings;
use crate::{
    groups::apps::{replicaset, workload},
    rules::{At, labels},
};

/// Strategy of a resource of this file.
pub fn strategy(_plural: &str, _version: &str) -> Option<Arc<dyn Strategy>> {
    Some(Arc::new(ReplicationController))
}

#[derive(Debug)]
pub struct ReplicationController;

impl Strategy for ReplicationController {
    fn default(&self, object: &mut Value) {
        if object
            .at(&["spec", "template"])
            .is_some_and(|t| !t.is_null())
        {
            workload::default_template(object);
        }
        object.set_default(&["spec", "replicas"], 1i64);
        let of_template = object
            .at(&["spec", "template", "metadata", "labels"])
            .cloned();
        if let Some(l) = of_template.filter(|l| l.as_object().is_some()) {
            for path in [&["spec", "selector"][..], &["metadata", "labels"]] {
                if object
                    .at(path)
                    .and_then(Value::as_object)
                    .is_none_or(|m| m.is_empty())
                {
                    object.set(path, l.clone());
                }
            }
        }
    }

    fn prepare_create(&self, _ctx: &Context, object: &mut Value) {
        workload::prepare_create(object);
    }

    fn validate(&self, _ctx: &Context, object: &Value) -> Errors {
        let mut e = crate::rules::meta::finalizers(object);
        spec(object, None, &mut e);
        e
    }

    fn warnings(&self, _ctx: &Context, object: &Value, old: Option<&Value>) -> Vec<String> {
        let mut out: Vec<String> = warnings::of_name(object, old).into_iter().collect();
        out.extend(warnings::of_template(object, old, &["spec", "template"]));
        out
    }

    fn prepare_update(&self, ctx: &Context, object: &mut Value, old: &Value) {
        workload::prepare_update(ctx, object, old);
    }

    fn validate_update(&self, ctx: &Context, object: &Value, old: &Value) -> Errors {
        let mut e = crate::rules::meta::finalizers(object);
        if ctx.subresource == "status" {
            replicaset::status(&At::root(object, "status"), &mut e);
        } else {
            spec(object, Some(old), &mut e);
        }
        e
    }

    fn validate_name(&self, name: &str, is_prefix: bool) -> Vec<String> {
        catena_objects::names::long_name(name, is_prefix)
    }

    fn has_generation(&self) -> bool {
        true
    }

    fn orphans_by_default(&self) -> bool {
        true
    }

    fn selectable(&self, object: &Value) -> Vec<String> {
        vec![
            object
                .i64_at(&["status", "replicas"])
                .unwrap_or(0)
                .to_string(),
        ]
    }
}

/// `ValidateReplicationControllerSpec`.
fn spec(object: &Value, old: Option<&Value>, e: &mut Errors) {
    let at = At::root(object, "spec");
    at.child("minReadySeconds").non_negative(e);
    let selector = at.child("selector");
    if selector.is_empty() {
        selector.required(e, "");
    }
    at.child("replicas").non_negative(e);
    let template = at.child("template");
    if !template.has() {
        template.required(e, "");
        return;
    }
    let of_template = template.child("metadata").child("labels");
    if !labels::matches_map(selector.v, of_template.v) {
        of_template.invalid(e, "`selector` does not match template `labels`");
    }
    pod_template_spec(&template, workload::opts(old), e);
    workload::always_running(&template, "ReplicationController", e);
}
