//! Schemas of custom resources.

use catena_objects::Value;

use crate::{DecodeError, Decoded, Node};

pub(crate) fn decode(_node: &Node, value: Value) -> Result<Decoded, DecodeError> {
    Ok(Decoded { value, unknown: Vec::new() })
}
