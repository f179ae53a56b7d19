//! Requests and their durations.

use std::sync::LazyLock;

use catena_endpoints::query::Query;
use catena_telemetry::metrics::{Histogram, REQUEST_BUCKETS, counter, gauge};
use http::header;
use prometheus::{IntCounterVec, IntGaugeVec};

use super::Running;
use crate::{body::FrontBody, call::Call, request_info};

const COMPONENT: &str = "apiserver";
/// Durations that matter for an objective begin here.
const FIRST_OF_SLI: usize = 2;
/// From a kilobyte to a gigabyte.
const SIZES: [f64; 7] = [1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];
/// Subresources that connect to what runs (`validConnectRequests`).
const CONNECTS: [&str; 5] = ["log", "exec", "portforward", "attach", "proxy"];

struct Metrics {
    requests: IntCounterVec,
    duration: Histogram,
    sli: Histogram,
    sizes: Histogram,
    terminations: IntCounterVec,
    in_flight: IntGaugeVec,
    long_running: IntGaugeVec,
}

static METRICS: LazyLock<Metrics> = LazyLock::new(|| Metrics {
    requests: counter(
        "apiserver_request_total",
        "Requests by verb, resource and answer.",
        &REQUEST,
    ),
    duration: Histogram::new(
        "apiserver_request_duration_seconds",
        "Time from the first byte of a request to the head of its answer.",
        &REQUEST_BUCKETS,
        &REQUEST[..WITHOUT_CODE],
    ),
    sli: Histogram::new(
        "apiserver_request_sli_duration_seconds",
        "The same of requests that are not dry runs, for objectives.",
        &REQUEST_BUCKETS[FIRST_OF_SLI..],
        &KIND,
    ),
    sizes: Histogram::new(
        "apiserver_response_sizes",
        "Bytes of answers to reads.",
        &SIZES,
        &KIND,
    ),
    terminations: counter(
        "apiserver_request_terminations_total",
        "Requests that were ended in self-defense: there was no room, or no time.",
        &[
            "verb",
            "group",
            "version",
            "resource",
            "subresource",
            "scope",
            "component",
            "code",
        ],
    ),
    in_flight: gauge(
        "apiserver_current_inflight_requests",
        "Short requests that run now.",
        &["request_kind"],
    ),
    long_running: gauge(
        "apiserver_longrunning_requests",
        "Requests that stay open, by verb and resource.",
        &KIND,
    ),
});

const REQUEST: [&str; 9] = [
    "verb",
    "dry_run",
    "group",
    "version",
    "resource",
    "subresource",
    "scope",
    "component",
    "code",
];
const WITHOUT_CODE: usize = REQUEST.len() - 1;

const KIND: [&str; 7] = [
    "verb",
    "group",
    "version",
    "resource",
    "subresource",
    "scope",
    "component",
];

/// A request that is being counted.
pub(crate) struct Counted {
    /// Of short requests.
    _running: Option<Running>,
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
            _running: (!call.long_running).then(|| Running::new(gauge())),
        }
    }

    /// Counts the answer. What stays open is counted as long as its body.
    pub(crate) fn end(
        self,
        call: &Call,
        answer: http::Response<FrontBody>,
    ) -> http::Response<FrontBody> {
        let code = answer.status().as_u16();
        // Names that clients make up must not become labels without bound: only
        // what was served is named.
        let named = (200..400).contains(&code) || [101, 409, 422].contains(&code);
        let kind = kind(call, named);
        let [verb, group, version, resource, subresource, scope, _] = kind;
        let dry_run = dry_run(&call.query);
        let status = code.to_string();
        let labels = [
            verb,
            dry_run,
            group,
            version,
            resource,
            subresource,
            scope,
            COMPONENT,
            &status,
        ];
        METRICS.requests.with_label_values(&labels).inc();
        if call.long_running {
            if !named {
                return answer;
            }
            let running = Running::new(METRICS.long_running.with_label_values(&kind));
            return answer.map(|body| body.with(running));
        }
        let (took, trace) = (call.received.elapsed().as_secs_f64(), call.span.trace_id());
        let duration = &METRICS.duration;
        duration.observe(&labels[..WITHOUT_CODE], took, trace);
        if dry_run.is_empty() {
            METRICS.sli.observe(&kind, took, trace);
        }
        if matches!(verb, "GET" | "LIST") {
            let sizes = METRICS.sizes.series(&kind);
            return answer.map(|body| body.measured(sizes));
        }
        answer
    }
}

/// A request that was ended in self-defense (`RecordRequestTermination`).
pub(crate) fn terminated(call: &Call, code: u16) {
    let [verb, group, version, resource, subresource, scope, _] = kind(call, false);
    let code = code.to_string();
    METRICS
        .terminations
        .with_label_values(&[
            verb,
            group,
            version,
            resource,
            subresource,
            scope,
            COMPONENT,
            &code,
        ])
        .inc();
}

/// Values of [`KIND`].
fn kind(call: &Call, named: bool) -> [&str; 7] {
    let i = &call.info;
    let name = |text| if named { text } else { "" };
    [
        verb(call),
        name(&*i.api_group),
        name(&*i.api_version),
        name(&*i.resource),
        name(&*i.subresource),
        scope(call),
        COMPONENT,
    ]
}

/// `cleanVerb`.
pub(crate) fn verb(call: &Call) -> &'static str {
    let i = &call.info;
    if i.is_resource && CONNECTS.contains(&&*i.subresource) {
        return "CONNECT";
    }
    let applied = || {
        let kind = call.headers.get(header::CONTENT_TYPE);
        kind.is_some_and(|k| k.as_bytes() == b"application/apply-patch+yaml")
    };
    match (call.method.as_str(), i.verb.as_str()) {
        ("GET", "watch") => "WATCH",
        ("GET" | "HEAD", _) if !matches!(scope(call), "resource" | "") => "LIST",
        ("GET" | "HEAD", _) => "GET",
        ("POST", _) => "POST",
        ("PUT", _) => "PUT",
        ("PATCH", _) if applied() => "APPLY",
        ("PATCH", _) => "PATCH",
        ("DELETE", _) => "DELETE",
        _ => "other",
    }
}

/// `CleanScope`.
fn scope(call: &Call) -> &'static str {
    let i = &call.info;
    if !i.name.is_empty() || i.verb == "create" {
        "resource"
    } else if !i.namespace.is_empty() {
        "namespace"
    } else if i.is_resource {
        "cluster"
    } else {
        ""
    }
}

/// `cleanDryRun`: "", "All", or "invalid" for what is neither.
fn dry_run(query: &str) -> &'static str {
    if !query.contains("dryRun") {
        return "";
    }
    let query = Query::parse(query);
    match query.all("dryRun").as_slice() {
        [] => "",
        given if given.iter().all(|value| *value == "All") => "All",
        _ => "invalid",
    }
}
