//! Metrics of dials through proxies, named as kube-apiserver's
//! (`egressselector/metrics`).

use std::{sync::LazyLock, time::Duration};

use catena_telemetry::metrics::{Histogram, counter};
use prometheus::IntCounterVec;

const BUCKETS: [f64; 6] = [0.005, 0.025, 0.1, 0.5, 2.5, 12.5];

struct Metrics {
    starts: IntCounterVec,
    durations: Histogram,
    failures: IntCounterVec,
}

static METRICS: LazyLock<Metrics> = LazyLock::new(|| Metrics {
    starts: counter(
        "apiserver_egress_dialer_dial_start_total",
        "Dials through proxies.",
        &["protocol", "transport"],
    ),
    durations: Histogram::new(
        "apiserver_egress_dialer_dial_duration_seconds",
        "Time until a connection through a proxy stood.",
        &BUCKETS,
        &["protocol", "transport"],
    ),
    failures: counter(
        "apiserver_egress_dialer_dial_failure_count",
        "Dials that failed: connect, at the proxy, or proxy, behind it.",
        &["protocol", "transport", "stage"],
    ),
});

/// Protocol and transport of a proxy.
#[derive(Clone, Copy)]
pub(crate) struct Labels(pub(crate) &'static str, pub(crate) &'static str);

impl Labels {
    pub(crate) fn started(self) {
        METRICS.starts.with_label_values(&[self.0, self.1]).inc();
    }

    pub(crate) fn stands_after(self, time: Duration) {
        let trace = catena_telemetry::trace::current().trace_id();
        METRICS
            .durations
            .observe(&[self.0, self.1], time.as_secs_f64(), trace);
    }

    pub(crate) fn failed(self, stage: &'static str) {
        METRICS
            .failures
            .with_label_values(&[self.0, self.1, stage])
            .inc();
    }
}
