//! What every process has: certificates, logs, traces, metrics, process life.

pub mod files;
pub mod net;
pub mod pki;
pub mod tls;
pub mod trace;
