//! Conversations with an API server as data, replayed and compared.
//!
//! A file holds one conversation a line; see [`Conversation`] for the format.
//! Answers are compared in the normal form of [`normal`], which has
//! placeholders for what differs from one run to the next.

mod client;
mod conversation;
mod difference;
mod normal;
mod replay;

pub use client::Client;
pub use conversation::{Conversation, Step, read};
pub use difference::{at, differences};
pub use normal::normal;
pub use replay::{Outcome, replay, replay_all};
