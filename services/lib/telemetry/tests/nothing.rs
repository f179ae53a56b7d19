//! What is not traced costs nothing: no allocation, whether spans are off or on.

use std::time::Instant;

use catena_telemetry::trace::{self, Span};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::SdkTracerProvider;

/// What happens to a request on its way.
fn request(traceparent: &str) {
    let root = trace::begin(
        || "GET".to_owned(),
        "authentication",
        traceparent,
        true,
        Instant::now(),
    );
    assert!(root.is_none());
    root.set("audit-id", || "id".to_owned());
    let work = async {
        let call = trace::call("etcdserverpb.KV/Range");
        assert!(call.traceparent().is_none());
        let _decode = trace::span("decode");
        trace::span("Get").run(async {}).await;
        trace::current().run(async {}).await;
    };
    let mut work = std::pin::pin!(root.run(work));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(work.as_mut().poll(&mut context).is_ready());
    assert!(trace::served("etcdserverpb.KV/Range", traceparent).is_none());
    assert!(Span::NONE.trace_id().is_none());
}

fn allocations(work: impl Fn()) -> u64 {
    // What is made once for a thread is made.
    work();
    allocation_counter::measure(work).count_total
}

#[test]
fn nothing_is_allocated_for_what_is_not_traced() {
    const UNSAMPLED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
    assert_eq!(allocations(|| request("")), 0, "spans are off");
    let provider = SdkTracerProvider::builder().build();
    trace::install(provider.tracer("test"), 0);
    assert_eq!(allocations(|| request("")), 0, "not chosen");
    assert_eq!(allocations(|| request(UNSAMPLED)), 0, "the client decided");
}

/// `cargo test --release -p catena-telemetry --test nothing -- --ignored --nocapture`
#[test]
#[ignore = "prints figures"]
#[allow(clippy::print_stdout, reason = "it prints figures")]
fn figures() {
    const ROUNDS: u32 = 1_000_000;
    let measure = |what: &str| {
        let began = Instant::now();
        (0..ROUNDS).for_each(|_| request(""));
        println!("{what}: {:?} a request", began.elapsed() / ROUNDS);
    };
    measure("spans are off");
    let provider = SdkTracerProvider::builder().build();
    trace::install(provider.tracer("test"), 0);
    measure("spans are on, the request is not traced");
}
