//! Histograms with exemplars.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock},
    time::SystemTime,
};

use opentelemetry::trace::TraceId;
use parking_lot::{Mutex, RwLock};
use prometheus::{HistogramOpts, HistogramVec, proto::LabelPair};

use super::registered;

/// A value and the trace of its request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exemplar {
    pub(super) trace: TraceId,
    pub(super) value: f64,
    pub(super) at: SystemTime,
}

/// The newest of each bucket of a series, by the values of its labels. There are as many at
/// most as the histogram has buckets.
type BySeries = HashMap<Vec<String>, Vec<Option<Exemplar>>>;

struct Exemplars {
    labels: Vec<String>,
    bounds: Vec<f64>,
    series: Mutex<BySeries>,
}

/// Of all histograms, by name: what is gathered does not lead back to them.
static ALL: LazyLock<RwLock<HashMap<String, Arc<Exemplars>>>> = LazyLock::new(RwLock::default);

/// A histogram in the registry, by labels.
pub struct Histogram {
    values: HistogramVec,
    exemplars: Arc<Exemplars>,
}

impl Histogram {
    /// `buckets` are their upper bounds, ascending, without infinity.
    pub fn new(name: &str, help: &str, buckets: &[f64], labels: &[&str]) -> Self {
        let options = HistogramOpts::new(name, help).buckets(buckets.to_vec());
        let made = HistogramVec::new(options, labels);
        let values = registered(made.expect("names of metrics are constants"));
        let exemplars = Arc::new(Exemplars {
            labels: labels.iter().map(|l| (*l).to_owned()).collect(),
            bounds: buckets.to_vec(),
            series: Mutex::default(),
        });
        ALL.write().insert(name.to_owned(), exemplars.clone());
        Self { values, exemplars }
    }

    /// One series, to be kept where it is often observed.
    pub fn series(&self, labels: &[&str]) -> Series {
        Series {
            values: self.values.with_label_values(labels),
            labels: labels.iter().map(|l| (*l).to_owned()).collect(),
            exemplars: self.exemplars.clone(),
        }
    }

    /// Counts a value of a request and, where it is traced, remembers by which trace.
    pub fn observe(&self, labels: &[&str], value: f64, trace: Option<TraceId>) {
        self.values.with_label_values(labels).observe(value);
        if let Some(trace) = trace {
            let key = labels.iter().map(|l| (*l).to_owned()).collect();
            self.exemplars.remember(key, value, trace);
        }
    }
}

/// A histogram with the values of its labels.
pub struct Series {
    values: prometheus::Histogram,
    labels: Vec<String>,
    exemplars: Arc<Exemplars>,
}

impl Series {
    /// As [`Histogram::observe`].
    pub fn observe(&self, value: f64, trace: Option<TraceId>) {
        self.values.observe(value);
        if let Some(trace) = trace {
            self.exemplars.remember(self.labels.clone(), value, trace);
        }
    }
}

impl Exemplars {
    fn remember(&self, series: Vec<String>, value: f64, trace: TraceId) {
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        let mut all = self.series.lock();
        let buckets = all
            .entry(series)
            .or_insert_with(|| vec![None; self.bounds.len() + 1]);
        buckets[bucket] = Some(Exemplar {
            trace,
            value,
            at: SystemTime::now(),
        });
    }
}

/// Exemplars of the buckets of a series, the one without bound last.
pub(super) fn exemplars(name: &str, labels: &[LabelPair]) -> Vec<Option<Exemplar>> {
    let Some(exemplars) = ALL.read().get(name).cloned() else {
        return Vec::new();
    };
    let value = |name: &String| {
        let found = labels.iter().find(|l| l.name() == name);
        found.map_or_else(String::new, |l| l.value().to_owned())
    };
    let key: Vec<String> = exemplars.labels.iter().map(value).collect();
    let series = exemplars.series.lock();
    series.get(&key).cloned().unwrap_or_default()
}
