//! How long a request may take (`filters/request_deadline.go`, `timeout.go`).

use std::{
    future::Future,
    time::{Duration, Instant},
};

use catena_endpoints::query::Query;
use catena_objects::{Reason, Status, duration};

use crate::{Front, call::Call};

/// Short requests get the server's limit, or less where the client says so.
pub(crate) fn set(front: &Front, call: &mut Call) -> Result<(), Status> {
    if call.long_running || call.wants_upgrade() {
        return Ok(());
    }
    let mut limit = front.settings.request_timeout;
    if let Some(text) = Query::parse(&call.query)
        .get("timeout")
        .filter(|t| !t.is_empty())
    {
        let asked = duration::parse(text).map_err(|why| {
            Status::bad_request(format!(
                "invalid timeout specified in the request URL - {why}"
            ))
        })?;
        if asked > 0 {
            limit = limit.min(Duration::from_nanos(asked.unsigned_abs()));
        }
    }
    call.deadline = Some(call.received + limit);
    Ok(())
}

/// Runs a request up to its deadline.
pub(crate) async fn within<T>(
    deadline: Option<Instant>,
    work: impl Future<Output = Result<T, Status>>,
) -> Result<T, Status> {
    let Some(deadline) = deadline else {
        return work.await;
    };
    tokio::time::timeout_at(deadline.into(), work)
        .await
        .unwrap_or_else(|_| {
            Err(Status::new(
                Reason::Timeout,
                "Timeout: request did not complete within the allotted timeout",
            ))
        })
}
