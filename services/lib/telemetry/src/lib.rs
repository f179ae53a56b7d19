//! What is told of requests: spans, and metrics that lead to them.

pub mod metrics;
pub mod trace;
