use std::{
    sync::{Mutex, OnceLock},
    time::Instant,
};

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{SdkTracerProvider, SpanData, SpanExporter},
};

use super::{Span, begin, call, context, current, install, served, span};

static ENDED: Mutex<Vec<SpanData>> = Mutex::new(Vec::new());

#[derive(Debug)]
struct Collector;

impl SpanExporter for Collector {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        ENDED.lock().expect("spans").extend(batch);
        Ok(())
    }
}

/// Requests without a decision are not traced.
fn installed() {
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| {
        let provider = SdkTracerProvider::builder()
            .with_simple_exporter(Collector)
            .build();
        install(provider.tracer("test"), 0);
    });
}

const PARENT: &str = "00f067aa0ba902b7";

fn traceparent(trace: &str, flags: &str) -> String {
    format!("00-{trace}-{PARENT}-{flags}")
}

fn ended(trace: &str) -> Vec<SpanData> {
    let all = ENDED.lock().expect("spans");
    let of_it = |s: &&SpanData| s.span_context.trace_id().to_string() == trace;
    all.iter().filter(of_it).cloned().collect()
}

fn begun(text: &str, trusted: bool) -> Span {
    begin(
        || "root".to_owned(),
        "before",
        text,
        trusted,
        Instant::now(),
    )
}

#[tokio::test]
async fn parts_are_below_what_runs() {
    installed();
    let trace = "0af7651916cd43dd8448eb211c80319a";
    let root = begun(&traceparent(trace, "01"), true);
    let work = async {
        let inner = async {
            tokio::task::yield_now().await;
            call("call").traceparent()
        };
        span("part").run(inner).await
    };
    let told = root.run(work).await.expect("it is traced");
    assert!(current().is_none(), "nothing runs any more");
    let spans = ended(trace);
    let one = |name: &str| {
        let found = spans.iter().find(|s| s.name == name);
        found.unwrap_or_else(|| panic!("{name}")).clone()
    };
    let id = |name: &str| one(name).span_context.span_id();
    assert_eq!(one("root").parent_span_id.to_string(), PARENT);
    assert_eq!(one("before").parent_span_id, id("root"));
    assert_eq!(one("part").parent_span_id, id("root"));
    assert_eq!(one("call").parent_span_id, id("part"));
    assert_eq!(told, format!("00-{trace}-{}-01", id("call")));
    assert_eq!(spans.len(), 4);
}

#[tokio::test]
async fn a_span_ends_with_the_last_that_holds_it() {
    installed();
    let trace = "0af7651916cd43dd8448eb211c80319b";
    let root = begun(&traceparent(trace, "01"), true);
    let task = tokio::spawn(root.clone().run(std::future::pending::<()>()));
    drop(root);
    let roots = || ended(trace).iter().filter(|s| s.name == "root").count();
    assert_eq!(roots(), 0);
    task.abort();
    assert!(task.await.is_err());
    assert_eq!(roots(), 1);
}

#[test]
fn who_is_not_trusted_decides_nothing() {
    installed();
    let trace = "0af7651916cd43dd8448eb211c80319c";
    assert!(begun(&traceparent(trace, "01"), false).is_none());
    assert!(begun(&traceparent(trace, "00"), true).is_none());
    assert!(begun("", true).is_none());
    assert!(!begun(&traceparent(trace, "01"), true).is_none());
}

#[test]
fn others_decided_already() {
    installed();
    let trace = "0af7651916cd43dd8448eb211c80319d";
    assert!(served("call", "").is_none());
    assert!(served("call", &traceparent(trace, "00")).is_none());
    drop(served("call", &traceparent(trace, "01")));
    assert_eq!(ended(trace).len(), 1);
}

#[test]
fn what_is_no_traceparent_is_none() {
    let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let parsed = context::parse(good).expect("the example of the standard");
    assert_eq!(context::format(&parsed), good);
    assert!(parsed.is_sampled());
    // A later version may have more.
    assert!(context::parse(&format!("01{}-more", &good[2..])).is_some());
    let unsampled = good.replace("-01", "-00");
    assert!(
        !context::parse(&unsampled)
            .expect("well formed")
            .is_sampled()
    );
    for bad in [
        "",
        "00",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00-4bf92f3577b34da6a3ce929d0e0e473-600f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0g",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-\u{e9}",
    ] {
        assert!(context::parse(bad).is_none(), "{bad}");
    }
}
