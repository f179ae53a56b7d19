//! Pod templates.

use std::sync::Arc;

use catena_objects::{Value, field::Errors};
use catena_registry::{Context, Strategy};

use super::pod::{
    defaults, prepare,
    validate::{Opts, opts_for_update, pod_template_spec},
};
use crate::groups::core::pod::warnings;
use crate::rules::At;

/// Strategy of a resource of this file.
pub fn strategy(_plural: &str, _version: &str) -> Option<Arc<dyn Strategy>> {
    Some(Arc::new(PodTemplate))
}

#[derive(Debug)]
pub struct PodTemplate;

impl Strategy for PodTemplate {
    fn default(&self, object: &mut Value) {
        object.set_default(&["template"], Value::object());
        object.set_default(&["template", "metadata"], Value::object());
        if let Some(t) = object.at_mut(&["template"]) {
            defaults::pod_template_spec(t);
        }
    }

    fn prepare_create(&self, _ctx: &Context, object: &mut Value) {
        prepare::drop_disabled(object, &["template", "spec"]);
    }

    fn validate(&self, _ctx: &Context, object: &Value) -> Errors {
        let mut e = crate::rules::meta::finalizers(object);
        pod_template_spec(&At::root(object, "template"), Opts::default(), &mut e);
        e
    }

    fn warnings(&self, _ctx: &Context, object: &Value, old: Option<&Value>) -> Vec<String> {
        warnings::of_template(object, old, &["template"])
    }

    fn prepare_update(&self, _ctx: &Context, object: &mut Value, _old: &Value) {
        prepare::drop_disabled(object, &["template", "spec"]);
    }

    fn validate_update(&self, _ctx: &Context, object: &Value, old: &Value) -> Errors {
        let mut e = crate::rules::meta::finalizers(object);
        let null = Value::Null;
        let opts = opts_for_update(old.at(&["template", "spec"]).unwrap_or(&null), false);
        pod_template_spec(&At::root(object, "template"), opts, &mut e);
        e
    }

    fn has_generation(&self) -> bool {
        true
    }
}
