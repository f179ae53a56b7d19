//! PUT: update, or create where the resource allows it.

use catena_delegate::Response;
use catena_objects::{Status, Value};
use catena_registry::{Context, options::Preconditions};

use super::{Call, create};
use crate::{body, query};

pub(super) async fn run(call: &Call<'_>) -> Result<Response, Status> {
    let served = call.served;
    let resource = &served.store.resource;
    let output = call.output()?;
    let options = query::write_options(&call.query, "UpdateOptions", false)?;
    let decoded = body::object(
        resource,
        served.version(),
        call.request.header("content-type"),
        &call.request.body,
        options.field_validation,
    )?;
    call.warnings.extend(decoded.warnings);
    let context = call.context(options.dry_run);
    check_names(call, &context, &decoded.object)?;
    let name = &call.request.info.name;
    let uid = decoded.object.str_at(&["metadata", "uid"]);
    let preconditions = Preconditions {
        uid: (!uid.is_empty()).then(|| uid.to_owned()),
        resource_version: None,
    };
    let manager = call.manager(&options.field_manager);
    let tracking = tracking(call, &manager, &context);
    let change = |live: Option<&Value>| track(call, live, decoded.object.clone(), &tracking);
    let written = served
        .store
        .update(&context, name, &preconditions, false, &change)
        .await?;
    let status = if written.created { 201 } else { 200 };
    create::finish(call, &output, status, written)
}

/// The object must be the one that the URL names.
pub(super) fn check_names(
    call: &Call<'_>,
    context: &Context,
    object: &Value,
) -> Result<(), Status> {
    // The namespace is judged before the name, as `UpdateResource` does.
    let namespace = object.str_at(&["metadata", "namespace"]);
    if !namespace.is_empty() && !context.namespace.is_empty() && namespace != context.namespace {
        return Err(Status::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        ));
    }
    let name = object.str_at(&["metadata", "name"]);
    let url = &call.request.info.name;
    if name.is_empty() {
        return Err(Status::bad_request(format!(
            "the name of the object ({url} based on URL) was undeterminable: name must be provided"
        )));
    }
    if name != url {
        return Err(Status::bad_request(format!(
            "the name of the object ({name}) does not match the name on the URL ({url})"
        )));
    }
    Ok(())
}

/// Books who owns the fields of a written object, defaults included. Objects are
/// in the storage version; ownership is in that of the request.
pub(super) fn track(
    call: &Call<'_>,
    live: Option<&Value>,
    mut object: Value,
    tracking: &catena_apply::Request<'_>,
) -> Result<Value, Status> {
    let (resource, version) = (&call.served.store.resource, call.served.version());
    resource.strategy.default(&mut object);
    let served = |v: Value| body::from_storage(resource, version, v);
    let live = live.map(|l| served(l.clone()));
    // Nobody owns an empty map; errors are still to show it.
    let empty = !resource.custom && body::has_empty(&object);
    let shown = empty.then(|| object.clone());
    let mut object = served(object);
    if empty {
        object = catena_schema::ordered(&version.schema, object);
    }
    let tracked = catena_apply::track_update(live.as_ref(), object, tracking)?;
    let tracked = body::to_storage(resource, version, tracked);
    let Some(mut object) = shown else {
        return Ok(tracked);
    };
    match tracked.at(&MANAGED) {
        Some(managed) => object.set(&MANAGED, managed.clone()),
        None => drop(object.unset(&MANAGED)),
    }
    Ok(object)
}

const MANAGED: [&str; 2] = ["metadata", "managedFields"];

type Paths = &'static [&'static [&'static str]];

/// What an endpoint resets, and so nobody owns through it (`GetResetFields` of the strategies).
fn reset_fields(group: &str, plural: &str, subresource: &str, custom: bool) -> Paths {
    const STATUS: Paths = &[&["status"]];
    const SPEC: Paths = &[&["spec"]];
    const ALL_BUT_STATUS: Paths = &[&["metadata"], &["spec"]];
    match (group, plural, subresource) {
        ("certificates.k8s.io", "certificatesigningrequests", "approval") => {
            &[&["spec"], &["status", "certificate"]]
        }
        ("certificates.k8s.io", "certificatesigningrequests", "status") => {
            &[&["spec"], &["status", "conditions"]]
        }
        ("certificates.k8s.io", "certificatesigningrequests", "") => &[&["spec"], &["status"]],
        ("apps", "deployments", "status") => &[&["metadata", "labels"], &["spec"]],
        ("", "pods", "status") => &[
            &["metadata", "deletionTimestamp"],
            &["metadata", "ownerReferences"],
            &["spec"],
        ],
        (
            "scheduling.k8s.io"
            | "storagemigration.k8s.io"
            | "internal.apiserver.k8s.io"
            | "flowcontrol.apiserver.k8s.io"
            | "apiregistration.k8s.io"
            | "apiextensions.k8s.io",
            _,
            "status",
        )
        | (
            _,
            "servicecidrs"
            | "resourceclaims"
            | "devicetaintrules"
            | "volumeattachments"
            | "validatingadmissionpolicies",
            "status",
        ) => ALL_BUT_STATUS,
        (_, _, "status") if custom => ALL_BUT_STATUS,
        (_, _, "status") => SPEC,
        _ => STATUS,
    }
}

/// Bookkeeping of managedFields for a write of this call.
pub(super) fn tracking<'a>(
    call: &'a Call<'_>,
    manager: &'a str,
    context: &'a Context,
) -> catena_apply::Request<'a> {
    let resource = &call.served.store.resource;
    let status_split = resource.subresources.iter().any(|s| s == "status");
    let reset = reset_fields(
        &resource.group,
        &resource.plural,
        &context.subresource,
        resource.custom,
    );
    let reset = if status_split { reset } else { &[] };
    catena_apply::Request {
        node: &call.served.version().schema,
        group_version: body::api_version(&resource.group, &call.served.version().name),
        manager,
        time: &context.now,
        subresource: &context.subresource,
        force: false,
        reset_fields: reset,
    }
}
