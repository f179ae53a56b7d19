//! Rules of APIService (`kube-aggregator/pkg/apis/apiregistration/validation`).

use catena_objects::{
    Value,
    field::{Error, Errors, Path},
    names, obj,
};
use catena_registry::{Context, Strategy};

pub(super) struct ApiServiceStrategy;

impl Strategy for ApiServiceStrategy {
    fn default(&self, object: &mut Value) {
        if object
            .at(&["spec", "service"])
            .is_some_and(|s| !s.is_null())
        {
            object.set_default(&["spec", "service", "port"], 443);
        }
    }

    /// Status is the server's; a local service is available from the start.
    fn prepare_create(&self, ctx: &Context, object: &mut Value) {
        object.unset(&["status"]);
        if object.at(&["spec", "service"]).is_none_or(Value::is_null) {
            object.set(&["status"], available_local(&ctx.now));
        }
    }

    fn validate(&self, _ctx: &Context, object: &Value) -> Errors {
        validate(object)
    }

    fn validate_name(&self, _name: &str, _is_prefix: bool) -> Vec<String> {
        // The name has to be that of the spec, which `validate` says.
        Vec::new()
    }
}

/// The status of a service that this server answers itself.
pub(super) fn available_local(now: &str) -> Value {
    obj!({
        "conditions": [{
            "type": "Available",
            "status": "True",
            "lastTransitionTime": now,
            "reason": "Local",
            "message": "Local APIServices are always available"
        }]
    })
}

/// `ValidateAPIService`.
fn validate(object: &Value) -> Errors {
    let mut errors = Errors::new();
    let text = |path: &[&str]| object.str_at(path).to_owned();
    let (group, version) = (text(&["spec", "group"]), text(&["spec", "version"]));
    let name = text(&["metadata", "name"]);
    let wanted = format!("{version}.{group}");
    // That there is none is said already.
    if !name.is_empty() && name != wanted {
        let why = format!("must be `spec.version+\".\"+spec.group`: {wanted:?}");
        errors.push(Error::invalid(
            &Path::new("metadata").child("name"),
            name,
            why,
        ));
    }
    let spec = Path::new("spec");
    if group.is_empty() && version != "v1" {
        let why = "only v1 may have an empty group and it better be legacy kube";
        errors.push(Error::required(&spec.child("group"), why));
    }
    if !group.is_empty() {
        for why in names::dns1123_subdomain(&group, false) {
            errors.push(Error::invalid(&spec.child("group"), group.clone(), why));
        }
    }
    for why in names::dns1035_label(&version, false) {
        errors.push(Error::invalid(&spec.child("version"), version.clone(), why));
    }
    let priority = |field: &str| object.i64_at(&["spec", field]).unwrap_or(0);
    for (field, most) in [("groupPriorityMinimum", 20_000), ("versionPriority", 1_000)] {
        let value = priority(field);
        if value <= 0 || value > most {
            let why = format!("must be positive and less than {most}");
            errors.push(Error::invalid(&spec.child(field), value, why));
        }
    }
    match object.at(&["spec", "service"]).filter(|s| !s.is_null()) {
        None => local(object, &spec, &mut errors),
        Some(service) => remote(object, service, &spec, &mut errors),
    }
    errors
}

fn local(object: &Value, spec: &Path, errors: &mut Errors) {
    if !object.str_at(&["spec", "caBundle"]).is_empty() {
        let size = object.str_at(&["spec", "caBundle"]).len() / 4 * 3;
        let value = format!("{size} bytes");
        let why = "local APIServices may not have a caBundle";
        errors.push(Error::invalid(&spec.child("caBundle"), value, why));
    }
    if object.bool_at(&["spec", "insecureSkipTLSVerify"]) == Some(true) {
        let why = "local APIServices may not have insecureSkipTLSVerify";
        errors.push(Error::invalid(
            &spec.child("insecureSkipTLSVerify"),
            true,
            why,
        ));
    }
}

fn remote(object: &Value, service: &Value, spec: &Path, errors: &mut Errors) {
    let path = spec.child("service");
    for field in ["namespace", "name"] {
        if service.str_at(&[field]).is_empty() {
            errors.push(Error::required(&path.child(field), ""));
        }
    }
    if let Some(port) = service.i64_at(&["port"])
        && !(1..=65_535).contains(&port)
    {
        let why = "port is not valid: must be between 1 and 65535, inclusive";
        errors.push(Error::invalid(&path.child("port"), port, why));
    }
    let bundle = !object.str_at(&["spec", "caBundle"]).is_empty();
    if bundle && object.bool_at(&["spec", "insecureSkipTLSVerify"]) == Some(true) {
        let why = "may not be true if caBundle is present";
        errors.push(Error::invalid(
            &spec.child("insecureSkipTLSVerify"),
            true,
            why,
        ));
    }
}
