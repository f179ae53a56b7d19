//! Jaeger, built from its Go module, with the traces that it was sent; Prometheus, with
//! the metrics that it scraped.

#![allow(clippy::print_stdout, reason = "tests say what they skip")]

mod jaeger;
mod prometheus;
mod trace;

pub use jaeger::{Jaeger, traced};
pub use prometheus::Prometheus;
pub use trace::{Span, Trace};
