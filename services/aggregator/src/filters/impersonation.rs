//! Acting as someone else (`filters/impersonation`).

use catena_auth::{authz::Attributes, impersonate};
use catena_objects::Status;
use catena_telemetry::trace;

use crate::{Front, call::Call};

/// Replaces the user where the request asks for it and the user may.
///
/// # Errors
/// 403 when the user may not be someone else.
pub(crate) async fn apply(front: &Front, call: &mut Call) -> Result<(), Status> {
    if call.peer.insecure {
        return Ok(());
    }
    let Some(wanted) = impersonate::wanted(&mut call.headers)? else {
        return Ok(());
    };
    let attributes = Attributes::from_request(&call.user, &call.info, &call.path, &call.query);
    let work = front.auth.impersonate(&wanted, &attributes);
    call.user = trace::span("impersonation").run(work).await?;
    Ok(())
}
