//! What calls of a delegate cost: the hop is what the delegate did not take for itself.

use std::{
    sync::LazyLock,
    time::{Duration, Instant},
};

use catena_telemetry::{
    metrics::{Histogram, REQUEST_BUCKETS, Series, counter},
    trace::Span,
};
use prometheus::{IntCounter, IntCounterVec};

use crate::{Body, ByteStream, EventStream};
use futures_util::StreamExt as _;

struct Metrics {
    requests: IntCounterVec,
    duration: Histogram,
    hop: Histogram,
    bytes: IntCounterVec,
    retries: IntCounterVec,
}

static METRICS: LazyLock<Metrics> = LazyLock::new(|| Metrics {
    requests: counter(
        "catena_delegate_requests_total",
        "Calls of a delegate, by the code of gRPC they ended with.",
        &["delegate", "call", "code"],
    ),
    duration: Histogram::new(
        "catena_delegate_request_duration_seconds",
        "Time from a call of a delegate to the head of its answer.",
        &REQUEST_BUCKETS,
        &["delegate", "call"],
    ),
    hop: Histogram::new(
        "catena_delegate_hop_duration_seconds",
        "The same without the time that the delegate took for itself: the price of the hop.",
        &HOP_BUCKETS,
        &["delegate", "call"],
    ),
    bytes: counter(
        "catena_delegate_bytes_total",
        "Bytes of bodies sent to a delegate and received from it.",
        &["delegate", "direction"],
    ),
    retries: counter(
        "catena_delegate_retries_total",
        "Reads that were asked again because a replica was lost.",
        &["delegate"],
    ),
});

/// From 50 microseconds, doubled, to 1.6 seconds.
const HOP_BUCKETS: [f64; 16] = [
    0.00005, 0.0001, 0.0002, 0.0004, 0.0008, 0.0016, 0.0032, 0.0064, 0.0128, 0.0256, 0.0512,
    0.1024, 0.2048, 0.4096, 0.8192, 1.6384,
];

/// One kind of call: its series are looked up once.
struct Calls {
    name: &'static str,
    fine: IntCounter,
    duration: Series,
    hop: Series,
}

/// Of one delegate.
pub(super) struct Meters {
    name: String,
    calls: [Calls; 2],
    sent: IntCounter,
    received: IntCounter,
    retries: IntCounter,
}

impl Meters {
    pub(super) fn new(name: &str) -> Self {
        let bytes = |direction| METRICS.bytes.with_label_values(&[name, direction]);
        let calls = |call: &'static str| Calls {
            name: call,
            fine: METRICS.requests.with_label_values(&[name, call, "Ok"]),
            duration: METRICS.duration.series(&[name, call]),
            hop: METRICS.hop.series(&[name, call]),
        };
        Self {
            calls: ["Serve", "ServeStream"].map(calls),
            sent: bytes("sent"),
            received: bytes("received"),
            retries: METRICS.retries.with_label_values(&[name]),
            name: name.to_owned(),
        }
    }

    pub(super) fn sent(&self, bytes: usize) {
        self.sent.inc_by(bytes as u64);
    }

    pub(super) fn retried(&self) {
        self.retries.inc();
    }

    /// A call that has its head, or failed. `took` is what the delegate says that it took.
    pub(super) fn answered<T>(
        &self,
        call: &str,
        began: Instant,
        answer: &Result<T, tonic::Status>,
        took: impl FnOnce(&T) -> Option<Duration>,
        span: &Span,
    ) {
        let Some(calls) = self.calls.iter().find(|c| c.name == call) else {
            return;
        };
        match answer {
            Ok(_) => calls.fine.inc(),
            Err(status) => {
                let code = format!("{:?}", status.code());
                let labels = [&*self.name, call, &*code];
                METRICS.requests.with_label_values(&labels).inc();
            }
        }
        let (all, trace) = (began.elapsed(), span.trace_id());
        calls.duration.observe(all.as_secs_f64(), trace);
        if let Some(own) = answer.as_ref().ok().and_then(took) {
            let hop = all.saturating_sub(own);
            calls.hop.observe(hop.as_secs_f64(), trace);
        }
    }

    /// Counts what comes with a body.
    pub(super) fn body(&self, body: Body) -> Body {
        let received = self.received.clone();
        match body {
            Body::Full(bytes) => {
                received.inc_by(bytes.len() as u64);
                Body::Full(bytes)
            }
            Body::Stream(stream) => Body::Stream(bytes_of(stream, received)),
            Body::Events(events) => Body::Events(events_of(events, received)),
        }
    }
}

fn bytes_of(stream: ByteStream, received: IntCounter) -> ByteStream {
    stream
        .inspect(move |part| received.inc_by(part.as_ref().map_or(0, |b| b.len() as u64)))
        .boxed()
}

fn events_of(events: EventStream, received: IntCounter) -> EventStream {
    let size = |e: &crate::Event| e.frame.len() as u64;
    events
        .inspect(move |part| {
            let events = part.iter().flatten();
            received.inc_by(events.map(size).sum());
        })
        .boxed()
}
