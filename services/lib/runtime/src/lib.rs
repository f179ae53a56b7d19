//! What every process has: certificates, flags, logs, traces, health, process life.

pub mod features;
pub mod files;
pub mod flags;
pub mod health;
pub mod log;
pub mod net;
pub mod pki;
mod process;
pub mod tls;
pub mod version;

pub use process::{STACK, process};
