//! Who asks, and whether they may (`endpoints/filters/metrics.go`).

use std::{sync::LazyLock, time::Instant};

use catena_auth::authz::Decision;
use catena_objects::{Reason, Status};
use catena_telemetry::{
    metrics::{Histogram, Series, counter},
    trace::TraceId,
};
use prometheus::{IntCounter, IntCounterVec};

use crate::call::Call;

/// Results by their labels: they are few, and looked at with every request.
struct Outcome {
    label: &'static str,
    count: IntCounter,
    took: Series,
}

struct Metrics {
    users: IntCounterVec,
    authentication: Vec<Outcome>,
    authorization: Vec<Outcome>,
}

static METRICS: LazyLock<Metrics> = LazyLock::new(|| {
    // A millisecond, doubled.
    let buckets: Vec<f64> = (0..15).map(|n| 0.001 * f64::from(1 << n)).collect();
    let outcomes = |counts: IntCounterVec, took: Histogram, labels: [&'static str; 3]| {
        let one = |label| Outcome {
            label,
            count: counts.with_label_values(&[label]),
            took: took.series(&[label]),
        };
        labels.map(one).into()
    };
    Metrics {
        users: counter(
            "authenticated_user_requests",
            "Authenticated requests by user name; names are but few.",
            &["username"],
        ),
        authentication: outcomes(
            counter(
                "authentication_attempts",
                "Attempts to authenticate.",
                &["result"],
            ),
            Histogram::new(
                "authentication_duration_seconds",
                "Time to authenticate, by result.",
                &buckets,
                &["result"],
            ),
            ["success", "failure", "error"],
        ),
        authorization: outcomes(
            counter(
                "authorization_attempts_total",
                "Decisions about requests: allowed, denied or no-opinion.",
                &["result"],
            ),
            Histogram::new(
                "authorization_duration_seconds",
                "Time to authorize, by result.",
                &buckets,
                &["result"],
            ),
            ["allowed", "denied", "no-opinion"],
        ),
    }
});

fn count(outcomes: &[Outcome], label: &str, began: Instant, trace: Option<TraceId>) {
    if let Some(outcome) = outcomes.iter().find(|o| o.label == label) {
        outcome.count.inc();
        outcome.took.observe(began.elapsed().as_secs_f64(), trace);
    }
}

/// A request whose user is known now, or not.
pub(crate) fn authenticated(call: &Call, outcome: &Result<(), Status>) {
    let result = match outcome {
        Ok(()) => "success",
        Err(s) if s.reason == Reason::Unauthorized => "failure",
        Err(_) => "error",
    };
    if outcome.is_ok() {
        let name = username(&call.user.name);
        METRICS.users.with_label_values(&[name]).inc();
    }
    count(&METRICS.authentication, result, call.received, None);
}

/// `compressUsername`.
fn username(name: &str) -> &str {
    match name {
        "admin"
        | "client"
        | "kube_proxy"
        | "kubelet"
        | "system:serviceaccount:kube-system:default" => name,
        name if name.contains('@') => "email_id",
        _ => "other",
    }
}

/// A decision that was made since `began`.
pub(crate) fn authorized(call: &Call, decision: Decision, began: Instant) {
    let result = match decision {
        Decision::Allow => "allowed",
        Decision::Deny => "denied",
        Decision::NoOpinion => "no-opinion",
    };
    let trace = call.span.trace_id();
    count(&METRICS.authorization, result, began, trace);
}
