//! Events that watches send to clients.

use std::sync::LazyLock;

use catena_delegate::{Body, Response};
use catena_telemetry::metrics::{Histogram, counter};
use futures_util::StreamExt as _;
use prometheus::IntCounterVec;

use crate::call::Call;

struct Metrics {
    events: IntCounterVec,
    sizes: Histogram,
}

const RESOURCE: [&str; 3] = ["group", "version", "resource"];

static METRICS: LazyLock<Metrics> = LazyLock::new(|| Metrics {
    events: counter(
        "apiserver_watch_events_total",
        "Events that were sent to clients of watches.",
        &RESOURCE,
    ),
    sizes: Histogram::new(
        "apiserver_watch_events_sizes",
        "Bytes of these events.",
        // A kibibyte, doubled.
        &[
            1024.0, 2048.0, 4096.0, 8192.0, 16384.0, 32768.0, 65536.0, 131_072.0,
        ],
        &RESOURCE,
    ),
});

/// Counts the events of an answer as they are sent.
pub(crate) fn counted_events(call: &Call, mut answer: Response) -> Response {
    let Body::Events(events) = answer.body else {
        return answer;
    };
    let i = &call.info;
    let labels = [&*i.api_group, &*i.api_version, &*i.resource];
    let (count, sizes) = (
        METRICS.events.with_label_values(&labels),
        METRICS.sizes.series(&labels),
    );
    let counted = events.inspect(move |part| {
        for event in part.iter().flatten() {
            count.inc();
            #[expect(clippy::cast_precision_loss, reason = "sizes of events are small")]
            sizes.observe(event.frame.len() as f64, None);
        }
    });
    answer.body = Body::Events(counted.boxed());
    answer
}
