//! How many requests run at once (`filters/maxinflight.go`).

use std::sync::Arc;

use catena_objects::{Reason, Status};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{call::Call, metrics, request_info};

pub(crate) const MESSAGE: &str = "Too many requests, please try again later.";

/// Room for short requests; those that stay open do not count.
pub(crate) struct InFlight {
    reading: Option<Arc<Semaphore>>,
    writing: Option<Arc<Semaphore>>,
}

impl InFlight {
    /// 0 is no limit.
    pub(crate) fn new(reading: usize, writing: usize) -> Self {
        let room = |n: usize| (n > 0).then(|| Arc::new(Semaphore::new(n)));
        Self {
            reading: room(reading),
            writing: room(writing),
        }
    }

    /// Counts the request until the permit is dropped.
    ///
    /// # Errors
    /// When there is no room; members of system:masters always have it.
    pub(crate) fn enter(&self, call: &Call) -> Result<Option<OwnedSemaphorePermit>, Status> {
        if call.long_running || call.user.in_group("system:masters") {
            return Ok(None);
        }
        let room = if request_info::is_read_only(&call.info) {
            &self.reading
        } else {
            &self.writing
        };
        let Some(room) = room else {
            return Ok(None);
        };
        match room.clone().try_acquire_owned() {
            Ok(permit) => Ok(Some(permit)),
            Err(_) => {
                metrics::terminated(call, 429);
                Err(Status::new(Reason::TooManyRequests, MESSAGE))
            }
        }
    }
}
