//! IPAddress: `ValidateIPAddress*`.

use catena_objects::{
    Value,
    field::{Error, Errors, Path},
    names,
};
use catena_registry::{Context, Strategy};

use crate::steps::{complaints, immutable, is_set, kube_finalizers};

#[derive(Debug)]
pub struct IpAddress;

impl Strategy for IpAddress {
    fn prepare_update(&self, _ctx: &Context, _object: &mut Value, _old: &Value) {}

    fn validate(&self, _ctx: &Context, object: &Value) -> Errors {
        let mut errors = kube_finalizers(object);
        let path = Path::new("spec").child("parentRef");
        if !is_set(object, &["spec", "parentRef"]) {
            errors.push(Error::required(&path, ""));
            return errors;
        }
        let get = |field: &str| object.str_at(&["spec", "parentRef", field]);
        let group = get("group");
        if !group.is_empty() {
            complaints(
                &mut errors,
                &path.child("group"),
                group,
                names::dns1123_subdomain(group, false),
            );
        }
        for field in ["resource", "name", "namespace"] {
            let text = get(field);
            if text.is_empty() && field != "namespace" {
                errors.push(Error::required(&path.child(field), ""));
            } else if !text.is_empty() {
                complaints(
                    &mut errors,
                    &path.child(field),
                    text,
                    names::path_segment(text, false),
                );
            }
        }
        errors
    }

    fn validate_update(&self, _ctx: &Context, object: &Value, old: &Value) -> Errors {
        let mut errors = Errors::new();
        let at = ["spec", "parentRef"];
        let path = Path::new("spec").child("parentRef");
        immutable(&mut errors, &path, object.at(&at), old.at(&at));
        errors
    }

    fn validate_name(&self, name: &str, _is_prefix: bool) -> Vec<String> {
        let found = names::valid_ip(&Path::default(), name);
        found.0.into_iter().map(|e| e.detail).collect()
    }
}
