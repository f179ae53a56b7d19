//! Keeps the description of a delegate current.

use std::time::Duration;

use catena_objects::Status;
use catena_proto::delegate::v1::DescribeRequest;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{client, pool::Pool, replica::Backoff};
use crate::{Description, wire};

const FIRST: Duration = Duration::from_millis(5);
const LONGEST: Duration = Duration::from_secs(1);

/// Reads descriptions until `stop`. The last one stays when the delegate is
/// lost: what it claimed must be answered by 503 and not by another server.
pub(super) async fn keep(
    name: String,
    pool: Pool,
    tx: watch::Sender<Option<Description>>,
    stop: CancellationToken,
) {
    let mut backoff = Backoff::new(FIRST, LONGEST);
    loop {
        let read = tokio::select! {
            () = stop.cancelled() => return,
            read = read(&name, &pool, &tx, &mut backoff) => read,
        };
        if let Err(e) = read {
            tracing::debug!(delegate = name, error = %e, "description was lost");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(backoff.next()) => {}
        }
    }
}

async fn read(
    name: &str,
    pool: &Pool,
    tx: &watch::Sender<Option<Description>>,
    backoff: &mut Backoff,
) -> Result<(), Status> {
    let failed = |e: tonic::Status| wire::status_from(&e, name);
    let mut items = client(pool)
        .describe(DescribeRequest {})
        .await
        .map_err(failed)?
        .into_inner();
    while let Some(d) = items.message().await.map_err(failed)? {
        backoff.reset();
        let new = wire::description_from(d);
        tx.send_if_modified(|old| {
            let changed = old.as_ref() != Some(&new);
            if changed {
                *old = Some(new);
            }
            changed
        });
    }
    Ok(())
}
