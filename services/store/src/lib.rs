//! An embedded server of the etcd v3 API: one process, one disk, no quorum.

mod engine;

pub use engine::{Engine, EngineOptions, Error, LeaseInfo, Report, WatchOptions, Watcher};
