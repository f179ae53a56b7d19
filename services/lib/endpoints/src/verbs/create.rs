//! POST: create.

use catena_delegate::Response;
use catena_objects::{Status, Value};
use catena_registry::{Handler, Written};

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
    let context = call.context(options.dry_run);
    let manager = call.manager(&options.field_manager);
    let tracking = super::update::tracking(call, &manager, &context);
    let object = super::update::track(call, None, decoded.object, &tracking)?;
    let written = served.store.create(&context, object).await?;
    finish(call, &output, 201, written, decoded.warnings)
}

/// Answers with the object that was written.
pub(super) fn finish(
    call: &Call<'_>,
    output: &crate::negotiate::Output,
    status: u16,
    written: Written,
    mut warnings: Vec<String>,
) -> Result<Response, Status> {
    let served = call.served;
    let object = body::from_storage(&served.store.resource, served.version(), written.object);
    let mut response = encode::object(served, output, status, object)?;
    warnings.extend(written.warnings);
    warnings.extend(served.version().deprecation_warning.clone());
    response.warnings = warnings;
    Ok(response)
}

/// POST of another kind on a subresource.
pub(super) async fn handler(call: &Call<'_>, handler: &dyn Handler) -> Result<Response, Status> {
    let output = call.output()?;
    let options = query::write_options(&call.query, "CreateOptions", false)?;
    let request = &call.request;
    let value: Value = body::other(
        handler.kind(),
        request.header("content-type"),
        &request.body,
    )?;
    let context = call.context(options.dry_run);
    let (status, object) = handler
        .create(&context, &call.served.store, &request.info.name, value)
        .await?;
    Ok(Response::new(
        status,
        output.format.content_type(),
        encode::value(&output, &object)?,
    ))
}
