//! POST: create.

use catena_delegate::Response;
use catena_objects::{Status, Value};
use catena_registry::{Context, Handler, Written};

use super::Call;
use crate::{body, encode, query};

pub(super) async fn run(call: &Call<'_>) -> Result<Response, Status> {
    let served = call.served;
    let resource = &served.store.resource;
    if let Some((_, handler)) = resource.handlers.iter().find(|(n, _)| n.is_empty()) {
        return self::handler(call, handler.as_ref()).await;
    }
    let output = call.output()?;
    let options = query::write_options(&call.query, "CreateOptions", false)?;
    let decoded = body::object(
        resource,
        served.version(),
        call.request.header("content-type"),
        &call.request.body,
        options.field_validation,
    )?;
    call.warnings.extend(decoded.warnings);
    let context = call.context(options.dry_run);
    let manager = call.manager(&options.field_manager);
    let tracking = super::update::tracking(call, &manager, &context);
    let mut object = decoded.object;
    wipe(&mut object);
    let object = super::update::track(call, None, object, &tracking)?;
    let written = served.store.create(&context, object).await?;
    finish(call, &output, 201, written)
}

/// What a client may send, and nobody owns (`rest.WipeObjectMetaSystemFields`).
fn wipe(object: &mut Value) {
    for field in [
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "selfLink",
        "uid",
    ] {
        object.unset(&["metadata", field]);
    }
}

/// Answers with the object that was written.
pub(super) fn finish(
    call: &Call<'_>,
    output: &crate::negotiate::Output,
    status: u16,
    written: Written,
) -> Result<Response, Status> {
    let served = call.served;
    let object = body::from_storage(&served.store.resource, served.version(), written.object);
    encode::object(served, output, status, object)
}

/// POST of another kind on a subresource.
pub(super) async fn handler(call: &Call<'_>, handler: &dyn Handler) -> Result<Response, Status> {
    let output = call.output()?;
    let options = query::write_options(&call.query, "CreateOptions", false)?;
    let request = &call.request;
    let decoded = body::other(
        handler.kind(),
        handler.older(),
        request.header("content-type"),
        &request.body,
        options.field_validation,
    )?;
    call.warnings.extend(decoded.warnings);
    let context = call.context(options.dry_run);
    let manager = call.manager(&options.field_manager);
    let mut object = decoded.object;
    if !call.served.store.resource.namespaced {
        object.unset(&["metadata", "namespace"]);
    }
    handler.default(&mut object);
    let object = track(handler.kind(), object, &manager, &context)?;
    let (status, object) = handler
        .create(&context, &call.served.store, &request.info.name, object)
        .await?;
    let body = encode::value(&output, &object)?;
    Ok(Response::new(status, output.format.content_type(), body))
}

/// Who owns the fields of an object that is no resource's.
fn track(
    (group, version, kind): (&str, &str, &str),
    object: Value,
    manager: &str,
    context: &Context,
) -> Result<Value, Status> {
    let Some(node) = catena_schema::builtin(group, version, kind) else {
        return Ok(object);
    };
    let tracking = catena_apply::Request {
        node: &node,
        group_version: body::api_version(group, version),
        manager,
        time: &context.now,
        subresource: &context.subresource,
        force: false,
        reset_fields: &[],
    };
    catena_apply::track_update(None, object, &tracking)
}
