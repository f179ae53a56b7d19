//! Service: defaults, what an update infers, and its rules.
//!
//! Addresses and ports are allocated by [`crate::allocators`] after these rules.

mod families;
mod inference;
mod validate;

use catena_objects::{Value, field::Errors, names};
use catena_registry::{Context, Strategy};

use crate::steps::{each, is_set, keep};

pub use families::set_default_families;
pub(crate) use inference::{needs_cluster_ip, needs_health_check, needs_node_port};

/// `DefaultClientIPServiceAffinitySeconds`: three hours.
const AFFINITY_SECONDS: i64 = 10_800;

#[derive(Debug)]
pub struct Service;

impl Strategy for Service {
    fn default(&self, object: &mut Value) {
        affinity_defaults(object);
        if object.str_at(&["spec", "type"]).is_empty() {
            object.set(&["spec", "type"], "ClusterIP");
        }
        each(object, &["spec", "ports"], port_defaults);
        let reachable = externally_accessible(object);
        if reachable && object.str_at(&["spec", "externalTrafficPolicy"]).is_empty() {
            object.set(&["spec", "externalTrafficPolicy"], "Cluster");
        }
        let ty = object.str_at(&["spec", "type"]).to_owned();
        if matches!(ty.as_str(), "NodePort" | "LoadBalancer" | "ClusterIP") {
            object.set_default(&["spec", "internalTrafficPolicy"], "Cluster");
        }
        if ty == "LoadBalancer" {
            object.set_default(&["spec", "allocateLoadBalancerNodePorts"], true);
            each(object, &["status", "loadBalancer", "ingress"], |ingress| {
                if !ingress.str_at(&["ip"]).is_empty() {
                    ingress.set_default(&["ipMode"], "VIP");
                }
            });
        }
        object.set_default(&["status", "loadBalancer"], Value::object());
    }

    fn prepare_create(&self, _ctx: &Context, object: &mut Value) {
        object.set(&["status"], Value::object());
        object.set(&["status", "loadBalancer"], Value::object());
        inference::normalize_cluster_ips(object, None);
        // Errors come again from `validate`, which reports them.
        let _ = families::initialize(object, None);
    }

    fn validate(&self, _ctx: &Context, object: &Value) -> Errors {
        if let Err(errors) = families::initialize(&mut object.clone(), None) {
            return errors;
        }
        validate::service(object, None)
    }

    fn warnings(&self, ctx: &Context, object: &Value, _old: Option<&Value>) -> Vec<String> {
        if ctx.subresource == "status" {
            return Vec::new();
        }
        validate::warnings(object)
    }

    fn prepare_update(&self, ctx: &Context, object: &mut Value, old: &Value) {
        if ctx.subresource == "status" {
            keep(object, old, &["spec"]);
            return;
        }
        inference::normalize_cluster_ips(object, Some(old));
        inference::patch_allocated(object, old);
        let _ = families::initialize(object, Some(old));
        keep(object, old, &["status"]);
        inference::drop_type_dependent(object, old);
    }

    fn validate_update(&self, ctx: &Context, object: &Value, old: &Value) -> Errors {
        if ctx.subresource == "status" {
            return validate::status(object);
        }
        if let Err(errors) = families::initialize(&mut object.clone(), Some(old)) {
            return errors;
        }
        let mut errors = validate::transition(object, old);
        errors.extend(validate::service(object, Some(old)));
        errors
    }

    fn allow_create_on_update(&self) -> bool {
        true
    }

    fn selectable(&self, object: &Value) -> Vec<String> {
        vec![
            object.str_at(&["spec", "clusterIP"]).to_owned(),
            object.str_at(&["spec", "type"]).to_owned(),
        ]
    }

    fn validate_name(&self, name: &str, is_prefix: bool) -> Vec<String> {
        names::dns1123_label(name, is_prefix)
    }
}

fn affinity_defaults(object: &mut Value) {
    if object.str_at(&["spec", "sessionAffinity"]).is_empty() {
        object.set(&["spec", "sessionAffinity"], "None");
    }
    match object.str_at(&["spec", "sessionAffinity"]) {
        "None" => drop(object.unset(&["spec", "sessionAffinityConfig"])),
        "ClientIP" => {
            let path = [
                "spec",
                "sessionAffinityConfig",
                "clientIP",
                "timeoutSeconds",
            ];
            if !is_set(object, &path) {
                object.set(&path, AFFINITY_SECONDS);
            }
        }
        _ => {}
    }
}

fn port_defaults(port: &mut Value) {
    if port.str_at(&["protocol"]).is_empty() {
        port.set(&["protocol"], "TCP");
    }
    let unset = match port.get("targetPort") {
        None | Some(Value::Null | Value::Int(0)) => true,
        Some(v) => v.as_str() == Some(""),
    };
    if unset {
        let number = port.i64_at(&["port"]).unwrap_or(0);
        port.set(&["targetPort"], number);
    }
}

/// `apiservice.ExternallyAccessible`.
pub(crate) fn externally_accessible(object: &Value) -> bool {
    match object.str_at(&["spec", "type"]) {
        "LoadBalancer" | "NodePort" => true,
        "ClusterIP" => !object.items_at(&["spec", "externalIPs"]).is_empty(),
        _ => false,
    }
}

/// `isHeadlessService`.
pub(crate) fn headless(object: &Value) -> bool {
    matches!(object.items_at(&["spec", "clusterIPs"]), [only] if only.as_str() == Some("None"))
}
