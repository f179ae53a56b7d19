//! Numbers of the encodings that are kept beside an object or event.

use crate::{negotiate::Shape, server::Served};

/// JSON, and JSON without kind and apiVersion.
pub(crate) const JSON: u8 = 0;
pub(crate) const BARE: u8 = 1;
/// `PartialObjectMetadata` in JSON.
pub(crate) const METADATA: u8 = 2;
/// The protobuf envelope, plus what [`shape`] gives.
pub(crate) const PROTOBUF: u8 = 4;
/// Frames of a watch: these plus a format and a shape.
pub(crate) const FRAME: u8 = 16;

/// Shapes that are the same for everybody; tables tell the age.
pub(crate) fn shape(shape: &Shape) -> Option<u8> {
    match shape {
        Shape::Plain => Some(0),
        Shape::Metadata(v) | Shape::MetadataList(v) if v == "v1" => Some(1),
        Shape::Metadata(_) | Shape::MetadataList(_) => Some(2),
        Shape::Table(_) => None,
    }
}

/// The version of a request as part of the key.
pub(crate) fn version(served: &Served) -> u8 {
    u8::try_from(served.version).unwrap_or(u8::MAX)
}
