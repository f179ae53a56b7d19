//! The objects of a resource in memory, as stored, kept current by one watch.
//!
//! Readers take an immutable ordered [`Snapshot`] without locking. Watchers
//! share one ring of changes. The watch of storage starts on first use and ends
//! when nobody used the cache for a while.

mod cache;
mod entry;
mod error;
mod feed;
mod ring;
mod snapshot;
#[cfg(test)]
mod tests;
mod tree;
mod watcher;

pub use cache::{Cache, Options};
pub use entry::{Change, Entry, Extra};
pub use error::Error;
pub use ring::Batch;
pub use snapshot::{Neighbours, Snapshot};
pub use watcher::{News, Watcher};

pub type Result<T> = std::result::Result<T, Error>;
