//! A panic in the code of one request is the end of that request only.

use std::{future::Future, panic::AssertUnwindSafe};

use catena_objects::Status;
use futures_util::FutureExt as _;

pub(crate) async fn recover<T>(work: impl Future<Output = Result<T, Status>>) -> Result<T, Status> {
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(answer) => answer,
        Err(panic) => {
            let why = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied())
                .unwrap_or("unknown");
            tracing::error!(why, "a request caused a panic");
            Err(Status::internal(
                "This request caused apiserver to panic. Look in the logs for details.",
            ))
        }
    }
}
