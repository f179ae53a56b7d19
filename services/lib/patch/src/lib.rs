//! The three patch formats, applied to value trees: JSON patch (RFC 6902),
//! merge patch (RFC 7386) and the strategic merge patch of built-in kinds,
//! with the quirks of the libraries that kube-apiserver uses.

mod decode;
mod json_patch;
mod merge;
mod ordered;
mod strategic;
#[cfg(test)]
mod tests;

pub use decode::{Decoded, Format, decode};
pub use json_patch::{MAX_COPIED_BYTES, MAX_OPERATIONS, json_patch};
pub use merge::{create_merge_patch, merge_patch};
pub use ordered::ordered;
pub use strategic::strategic_merge;

use catena_objects::{Reason, Status};

/// What a client gets when a patch does not apply (`NewGenericServerResponse` for 422).
fn does_not_apply() -> Status {
    let mut s = Status::new(
        Reason::Invalid,
        "the server rejected our request due to an error in our request",
    );
    s.details = Some(Box::default());
    s
}

/// A plain Go error that reaches the client: 500 without a reason.
fn plain_error(message: impl Into<String>) -> Status {
    Status::new(Reason::Unknown, message)
}
