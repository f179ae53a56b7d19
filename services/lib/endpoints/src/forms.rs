//! Numbers of the encodings that are kept beside an object or event.

use crate::server::Served;

/// JSON, and JSON without kind and apiVersion.
pub(crate) const JSON: u8 = 0;
pub(crate) const BARE: u8 = 1;
/// Frames of a watch: these plus a format and a shape.
pub(crate) const FRAME: u8 = 16;

/// The version of a request as part of the key.
pub(crate) fn version(served: &Served) -> u8 {
    u8::try_from(served.version).unwrap_or(u8::MAX)
}
