//! The targets, by what they read.

pub(crate) mod charts;
pub(crate) mod encodings;
pub(crate) mod frames;
pub(crate) mod patches;
pub(crate) mod requests;
pub(crate) mod rules;
pub(crate) mod texts;

/// Two inputs in one, parted by a byte that no text has.
fn halves(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = data.iter().position(|b| *b == 0xff)?;
    Some((&data[..at], &data[at + 1..]))
}
