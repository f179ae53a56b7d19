//! Metrics of dials through proxies, named as kube-apiserver's
//! (`egressselector/metrics`).

use std::{sync::LazyLock, time::Duration};

use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry};

const BUCKETS: [f64; 6] = [0.005, 0.025, 0.1, 0.5, 2.5, 12.5];

struct Metrics {
    starts: IntCounterVec,
    durations: HistogramVec,
    failures: IntCounterVec,
}

static METRICS: LazyLock<Metrics> = LazyLock::new(|| {
    let made = "names of metrics are constants";
    let name = |name: &str| format!("apiserver_egress_dialer_{name}");
    let starts = Opts::new(name("dial_start_total"), "Dials through proxies.");
    let durations = HistogramOpts::new(
        name("dial_duration_seconds"),
        "Time until a connection through a proxy stood.",
    );
    let failures = Opts::new(
        name("dial_failure_count"),
        "Dials that failed: connect, at the proxy, or proxy, behind it.",
    );
    Metrics {
        starts: IntCounterVec::new(starts, &["protocol", "transport"]).expect(made),
        durations: HistogramVec::new(
            durations.buckets(BUCKETS.to_vec()),
            &["protocol", "transport"],
        )
        .expect(made),
        failures: IntCounterVec::new(failures, &["protocol", "transport", "stage"]).expect(made),
    }
});

/// Adds the metrics to those that a process shows.
///
/// # Errors
/// When they are there already.
pub fn register(registry: &Registry) -> Result<(), prometheus::Error> {
    registry.register(Box::new(METRICS.starts.clone()))?;
    registry.register(Box::new(METRICS.durations.clone()))?;
    registry.register(Box::new(METRICS.failures.clone()))
}

/// Protocol and transport of a proxy.
#[derive(Clone, Copy)]
pub(crate) struct Labels(pub(crate) &'static str, pub(crate) &'static str);

impl Labels {
    pub(crate) fn started(self) {
        METRICS.starts.with_label_values(&[self.0, self.1]).inc();
    }

    pub(crate) fn stands_after(self, time: Duration) {
        METRICS
            .durations
            .with_label_values(&[self.0, self.1])
            .observe(time.as_secs_f64());
    }

    pub(crate) fn failed(self, stage: &'static str) {
        METRICS
            .failures
            .with_label_values(&[self.0, self.1, stage])
            .inc();
    }
}
