//! Whether the user may do it (`filters/authorization.go`).

use std::time::Instant;

use catena_auth::authz::{Attributes, Decision, forbidden_status};
use catena_objects::Status;

use crate::{Front, call::Call, metrics};

/// # Errors
/// 403 with the reason.
pub(crate) async fn check(front: &Front, call: &Call) -> Result<(), Status> {
    if call.peer.insecure {
        return Ok(());
    }
    let attributes = Attributes::from_request(&call.user, &call.info, &call.path, &call.query);
    let began = Instant::now();
    let (decision, reason) = front.auth.authorize(&attributes).await;
    metrics::authorized(call, decision, began);
    match (decision, reason) {
        (Decision::Allow, _) => Ok(()),
        (_, reason) => Err(forbidden_status(&attributes, &reason)),
    }
}
