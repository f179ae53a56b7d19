//! Metrics of storage and of admission, named and labelled as kube-apiserver's
//! (`storage/etcd3/metrics`, `storage/cacher/metrics`, `admission/metrics`).

use std::{
    future::Future,
    sync::LazyLock,
    time::{Duration, Instant},
};

use catena_telemetry::{
    metrics::{Histogram, REQUEST_BUCKETS, counter},
    trace,
};
use prometheus::IntCounterVec;

use crate::{Resource, admission::Operation};

const RESOURCE: [&str; 2] = ["group", "resource"];

struct Metrics {
    duration: Histogram,
    requests: IntCounterVec,
    errors: IntCounterVec,
    cache_lists: IntCounterVec,
    cache_fetched: IntCounterVec,
    cache_returned: IntCounterVec,
    storage_lists: IntCounterVec,
    storage_fetched: IntCounterVec,
    storage_returned: IntCounterVec,
    admission: Histogram,
}

static METRICS: LazyLock<Metrics> = LazyLock::new(|| {
    let operation = ["operation", "group", "resource"];
    let index = ["group", "resource", "index"];
    Metrics {
        duration: Histogram::new(
            "etcd_request_duration_seconds",
            "Time of calls of storage, by operation and resource.",
            &REQUEST_BUCKETS,
            &operation,
        ),
        requests: counter("etcd_requests_total", "Calls of storage.", &operation),
        errors: counter(
            "etcd_request_errors_total",
            "Calls of storage that failed.",
            &operation,
        ),
        cache_lists: counter(
            "apiserver_cache_list_total",
            "Lists from the cache.",
            &index,
        ),
        cache_fetched: counter(
            "apiserver_cache_list_fetched_objects_total",
            "Objects that were looked at for lists from the cache.",
            &index,
        ),
        cache_returned: counter(
            "apiserver_cache_list_returned_objects_total",
            "Objects in lists from the cache.",
            &RESOURCE,
        ),
        storage_lists: counter(
            "apiserver_storage_list_total",
            "Lists from storage.",
            &RESOURCE,
        ),
        storage_fetched: counter(
            "apiserver_storage_list_fetched_objects_total",
            "Objects that were read for lists from storage.",
            &RESOURCE,
        ),
        storage_returned: counter(
            "apiserver_storage_list_returned_objects_total",
            "Objects in lists from storage.",
            &RESOURCE,
        ),
        admission: Histogram::new(
            "apiserver_admission_step_admission_duration_seconds",
            "Time of all plugins for one step of admission: admit or validate.",
            &[0.005, 0.025, 0.1, 0.5, 1.0, 2.5],
            &["type", "operation", "rejected"],
        ),
    }
});

/// Makes a call of storage for a resource and measures it. Operations are kube-apiserver's:
/// get, list, create, update, delete.
///
/// # Errors
/// Those of the call.
pub async fn storage<T, E>(
    resource: &Resource,
    operation: &str,
    call: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let began = Instant::now();
    let result = call.await;
    let labels = [operation, &*resource.group, &*resource.plural];
    METRICS.requests.with_label_values(&labels).inc();
    let took = began.elapsed().as_secs_f64();
    let traced = trace::current().trace_id();
    METRICS.duration.observe(&labels, took, traced);
    if result.is_err() {
        METRICS.errors.with_label_values(&labels).inc();
    }
    result
}

/// A list that was answered from the cache.
pub fn cache_list(resource: &Resource, fetched: usize, returned: usize) {
    let (group, name) = (&*resource.group, &*resource.plural);
    let index = [group, name, ""];
    METRICS.cache_lists.with_label_values(&index).inc();
    METRICS
        .cache_fetched
        .with_label_values(&index)
        .inc_by(fetched as u64);
    METRICS
        .cache_returned
        .with_label_values(&[group, name])
        .inc_by(returned as u64);
}

/// A list that was answered from storage.
pub fn storage_list(resource: &Resource, fetched: usize, returned: usize) {
    let labels = [&*resource.group, &*resource.plural];
    METRICS.storage_lists.with_label_values(&labels).inc();
    METRICS
        .storage_fetched
        .with_label_values(&labels)
        .inc_by(fetched as u64);
    METRICS
        .storage_returned
        .with_label_values(&labels)
        .inc_by(returned as u64);
}

/// A step of admission, `admit` or `validate`.
pub(crate) fn admission(step: &str, operation: Operation, rejected: bool, took: Duration) {
    let operation = match operation {
        Operation::Create => "CREATE",
        Operation::Update => "UPDATE",
        Operation::Delete => "DELETE",
        Operation::Connect => "CONNECT",
    };
    let rejected = if rejected { "true" } else { "false" };
    let traced = trace::current().trace_id();
    METRICS
        .admission
        .observe(&[step, operation, rejected], took.as_secs_f64(), traced);
}
