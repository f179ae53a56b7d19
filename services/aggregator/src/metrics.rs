//! Metrics of the front, named as kube-apiserver's.

use std::{sync::LazyLock, time::Instant};

use catena_delegate::Response;
use prometheus::{
    Encoder as _, HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry,
    TextEncoder,
};

use crate::{call::Call, link::Link, request_info};

/// Upper bounds of `apiserver_request_duration_seconds`.
const BUCKETS: [f64; 22] = [
    0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0,
    10.0, 15.0, 20.0, 30.0, 60.0,
];

struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    duration: HistogramVec,
    in_flight: IntGaugeVec,
    long_running: IntGaugeVec,
    health: IntGaugeVec,
    replicas: IntGaugeVec,
    delegated: IntGaugeVec,
    watches: IntGaugeVec,
}

static METRICS: LazyLock<Metrics> = LazyLock::new(|| {
    let registry = Registry::new();
    let requests = IntCounterVec::new(
        Opts::new(
            "apiserver_request_total",
            "Requests by verb, resource and answer.",
        ),
        &[
            "verb",
            "group",
            "version",
            "resource",
            "subresource",
            "scope",
            "code",
        ],
    );
    let duration = HistogramVec::new(
        HistogramOpts::new(
            "apiserver_request_duration_seconds",
            "Time from the first byte of a request to the head of its answer.",
        )
        .buckets(BUCKETS.to_vec()),
        &[
            "verb",
            "group",
            "version",
            "resource",
            "subresource",
            "scope",
        ],
    );
    let in_flight = IntGaugeVec::new(
        Opts::new(
            "apiserver_current_inflight_requests",
            "Short requests that run now.",
        ),
        &["request_kind"],
    );
    let long_running = IntGaugeVec::new(
        Opts::new(
            "apiserver_longrunning_requests",
            "Requests that stay open, by verb and resource.",
        ),
        &["verb", "group", "version", "resource"],
    );
    let health = IntGaugeVec::new(
        Opts::new(
            "kubernetes_healthcheck",
            "1 when a check passed, 0 when it failed.",
        ),
        &["name", "type"],
    );
    let replicas = IntGaugeVec::new(
        Opts::new(
            "catena_delegate_replicas",
            "Replicas of a delegate: known by address, and connected.",
        ),
        &["delegate", "state"],
    );
    let delegated = IntGaugeVec::new(
        Opts::new(
            "catena_delegate_requests_inflight",
            "Calls to a delegate that run now.",
        ),
        &["delegate"],
    );
    let watches = IntGaugeVec::new(
        Opts::new(
            "catena_front_watches",
            "Shared watches of a delegate, and the clients that share them.",
        ),
        &["delegate", "side"],
    );
    let made = "names of metrics are constants";
    let metrics = Metrics {
        requests: requests.expect(made),
        duration: duration.expect(made),
        in_flight: in_flight.expect(made),
        long_running: long_running.expect(made),
        health: health.expect(made),
        replicas: replicas.expect(made),
        delegated: delegated.expect(made),
        watches: watches.expect(made),
        registry,
    };
    let all: [Box<dyn prometheus::core::Collector>; 8] = [
        Box::new(metrics.requests.clone()),
        Box::new(metrics.duration.clone()),
        Box::new(metrics.in_flight.clone()),
        Box::new(metrics.long_running.clone()),
        Box::new(metrics.health.clone()),
        Box::new(metrics.replicas.clone()),
        Box::new(metrics.delegated.clone()),
        Box::new(metrics.watches.clone()),
    ];
    for collector in all {
        metrics.registry.register(collector).expect(made);
    }
    catena_egress::register_metrics(&metrics.registry).expect(made);
    metrics
});

/// `/metrics`.
pub(crate) fn answer<'a>(links: impl Iterator<Item = &'a Link>) -> Response {
    links.for_each(hop);
    let mut out = Vec::new();
    let families = METRICS.registry.gather();
    if let Err(e) = TextEncoder::new().encode(&families, &mut out) {
        tracing::warn!(error = %e, "metrics were not encoded");
    }
    Response::new(200, "text/plain; version=0.0.4; charset=utf-8", out)
}

/// What is connected is read when it is asked for.
fn hop(link: &Link) {
    let stats = link.delegate.stats();
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    let states = [("known", stats.replicas), ("connected", stats.connected)];
    for (state, n) in states {
        let gauge = METRICS.replicas.with_label_values(&[link.name, state]);
        gauge.set(count(n));
    }
    let gauge = METRICS.delegated.with_label_values(&[link.name]);
    gauge.set(count(stats.in_flight));
}

/// A watch of a delegate that clients share.
pub(crate) fn shared_watch(delegate: &str) -> Running {
    Running::new(METRICS.watches.with_label_values(&[delegate, "delegate"]))
}

/// A client that shares a watch.
pub(crate) fn sharing_watch(delegate: &str) -> Running {
    Running::new(METRICS.watches.with_label_values(&[delegate, "clients"]))
}

pub(crate) fn health(kind: &str, name: &str, passed: bool) {
    METRICS
        .health
        .with_label_values(&[name, kind])
        .set(passed.into());
}

/// A request that is being counted.
pub(crate) struct Counted {
    started: Instant,
    /// Of short requests.
    _running: Option<Running>,
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

impl Counted {
    pub(crate) fn start(call: &Call) -> Self {
        let kind = if request_info::is_read_only(&call.info) {
            "readOnly"
        } else {
            "mutating"
        };
        let gauge = || METRICS.in_flight.with_label_values(&[kind]);
        Self {
            started: Instant::now(),
            _running: (!call.long_running).then(|| Running::new(gauge())),
        }
    }

    /// Counts the answer. What stays open is to be kept with its body.
    pub(crate) fn end(self, call: &Call, code: u16) -> Option<Running> {
        let i = &call.info;
        let (verb, scope) = (verb(call), scope(call));
        // Names that clients make up must not become labels without bound: only
        // what was served is named.
        let named = (200..400).contains(&code) || [409, 422].contains(&code);
        let name = |text| if named { text } else { "" };
        let (group, version) = (name(&*i.api_group), name(&*i.api_version));
        let (resource, subresource) = (name(&*i.resource), name(&*i.subresource));
        let status = code.to_string();
        METRICS
            .requests
            .with_label_values(&[verb, group, version, resource, subresource, scope, &status])
            .inc();
        if call.long_running {
            let labels = [verb, group, version, resource];
            return named.then(|| Running::new(METRICS.long_running.with_label_values(&labels)));
        }
        METRICS
            .duration
            .with_label_values(&[verb, group, version, resource, subresource, scope])
            .observe(self.started.elapsed().as_secs_f64());
        None
    }
}

fn verb(call: &Call) -> &'static str {
    match call.info.verb.as_str() {
        "get" => "GET",
        "list" => "LIST",
        "watch" => "WATCH",
        "create" => "POST",
        "update" => "PUT",
        "patch" => "PATCH",
        "delete" => "DELETE",
        "deletecollection" => "DELETECOLLECTION",
        "proxy" => "CONNECT",
        _ => "other",
    }
}

fn scope(call: &Call) -> &'static str {
    let i = &call.info;
    if !i.is_resource {
        ""
    } else if !i.name.is_empty() {
        "resource"
    } else if !i.namespace.is_empty() {
        "namespace"
    } else {
        "cluster"
    }
}
