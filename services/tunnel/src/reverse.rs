//! Nodes that dial in: sessions that their agents opened.
//!
//! `door` admits them, `guests` knows them by node, `session` opens streams
//! through one, `wire` is what both sides speak.

mod door;
mod guests;
mod session;
pub(crate) mod wire;

pub(crate) use door::{Door, serve_on};
pub(crate) use guests::{Guest, Guests, Sessions};
pub(crate) use session::{Reader, Session, Writer};
