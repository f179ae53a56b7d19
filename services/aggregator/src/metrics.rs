//! Metrics of the front, named and labelled as kube-apiserver's
//! (`apiserver/pkg/endpoints/metrics`).

mod access;
mod requests;
mod watches;

use std::{sync::LazyLock, time::Duration};

use catena_delegate::Response;
use catena_runtime::version;
use catena_telemetry::metrics::{self, gauge};
use http::{HeaderValue, header};
use prometheus::IntGaugeVec;

use crate::{Front, link::Link};
pub(crate) use access::{authenticated, authorized};
pub(crate) use requests::{Counted, terminated, verb};
pub(crate) use watches::counted_events;

/// How long a scrape waits for storage (`monitorCollector`).
const STORAGE: Duration = Duration::from_secs(1);

struct Gauges {
    storage: IntGaugeVec,
    health: IntGaugeVec,
    replicas: IntGaugeVec,
    delegated: IntGaugeVec,
    watches: IntGaugeVec,
    unavailable: IntGaugeVec,
}

static GAUGES: LazyLock<Gauges> = LazyLock::new(|| {
    let build = gauge(
        "kubernetes_build_info",
        "The version that is served, always 1.",
        &["git_version", "major", "minor"],
    );
    let (major, minor) = (version::KUBERNETES_MAJOR, version::KUBERNETES_MINOR);
    build
        .with_label_values(&[version::GIT_VERSION, major, minor])
        .set(1);
    Gauges {
        storage: gauge(
            "apiserver_storage_size_bytes",
            "Size of the storage database file physically allocated in bytes.",
            &["storage_cluster_id"],
        ),
        health: gauge(
            "kubernetes_healthcheck",
            "1 when a check passed, 0 when it failed.",
            &["name", "type"],
        ),
        replicas: gauge(
            "catena_delegate_replicas",
            "Replicas of a delegate: known by address, and connected.",
            &["delegate", "state"],
        ),
        delegated: gauge(
            "catena_delegate_requests_inflight",
            "Calls to a delegate that run now.",
            &["delegate"],
        ),
        watches: gauge(
            "catena_front_watches",
            "Shared watches of a delegate, and the clients that share them.",
            &["delegate", "side"],
        ),
        unavailable: gauge(
            "aggregator_unavailable_apiservice",
            "1 for a remote APIService that is not available.",
            &["name"],
        ),
    }
});

/// `/metrics`, in the format that the client asks for.
pub(crate) async fn answer(accept: &str, front: &Front) -> Response {
    front.links.iter().for_each(hop);
    // `storage_cluster_id` is kube-apiserver's: storages by number.
    let size = GAUGES.storage.with_label_values(&["etcd-0"]);
    if let Ok(Ok(status)) = tokio::time::timeout(STORAGE, front.storage.status()).await {
        size.set(status.db_size_bytes);
    }
    let shown = metrics::expose(accept);
    let mut response = Response::new(200, "text/plain", shown.body);
    let kind = HeaderValue::from_static(shown.content_type);
    response.headers.insert(header::CONTENT_TYPE, kind);
    response
}

/// What is connected is read when it is asked for.
fn hop(link: &Link) {
    let stats = link.delegate.stats();
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    let states = [("known", stats.replicas), ("connected", stats.connected)];
    for (state, n) in states {
        let gauge = GAUGES.replicas.with_label_values(&[link.name, state]);
        gauge.set(count(n));
    }
    let gauge = GAUGES.delegated.with_label_values(&[link.name]);
    gauge.set(count(stats.in_flight));
}

/// A watch of a delegate that clients share.
pub(crate) fn shared_watch(delegate: &str) -> Running {
    Running::new(GAUGES.watches.with_label_values(&[delegate, "delegate"]))
}

/// A client that shares a watch.
pub(crate) fn sharing_watch(delegate: &str) -> Running {
    Running::new(GAUGES.watches.with_label_values(&[delegate, "clients"]))
}

pub(crate) fn health(kind: &str, name: &str, passed: bool) {
    GAUGES
        .health
        .with_label_values(&[name, kind])
        .set(passed.into());
}

/// Whether a remote APIService answers.
pub(crate) fn available(name: &str, available: bool) {
    let gauge = GAUGES.unavailable.with_label_values(&[name]);
    gauge.set((!available).into());
}

/// Something that runs, as long as it lives.
pub(crate) struct Running(prometheus::IntGauge);

impl Running {
    fn new(gauge: prometheus::IntGauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.dec();
    }
}
