//! Metrics of a process, in the text format of Prometheus and in OpenMetrics.
//!
//! OpenMetrics has exemplars: a bucket of a histogram names a trace whose request fell into
//! it. The crate `prometheus` has none, so they are kept beside its histograms
//! ([`Histogram`]), and written by an encoder of our own. Only requests that are traced
//! have any, so that all others pay nothing for them.

mod exposition;
mod histogram;
mod process;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use prometheus::{
    IntCounterVec, IntGaugeVec, Opts, Registry,
    core::{Collector, GenericCounterVec, GenericGaugeVec},
};

pub use exposition::{Exposition, expose};
pub use histogram::{Histogram, Series};

/// Metrics of this process.
pub static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
    let registry = Registry::new();
    let _ = registry.register(Box::new(process::Process::new()));
    registry
});

/// Upper bounds of durations of requests, as kube-apiserver has them.
pub const REQUEST_BUCKETS: [f64; 23] = [
    0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0,
    10.0, 15.0, 20.0, 30.0, 45.0, 60.0,
];

/// A counter in [`REGISTRY`]. Names are constants: a wrong or second one is a mistake in
/// the program, and such a metric is not shown.
pub fn counter(name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
    let made = GenericCounterVec::new(Opts::new(name, help), labels);
    registered(made.expect("names of metrics are constants"))
}

/// A gauge in [`REGISTRY`], as [`counter`].
pub fn gauge(name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
    let made = GenericGaugeVec::new(Opts::new(name, help), labels);
    registered(made.expect("names of metrics are constants"))
}

fn registered<C: Collector + Clone + 'static>(collector: C) -> C {
    if let Err(e) = REGISTRY.register(Box::new(collector.clone())) {
        tracing::warn!(error = %e, "a metric is not shown");
    }
    collector
}
