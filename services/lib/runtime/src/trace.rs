//! Traces: W3C context between hops, OTLP when an endpoint is given.
//!
//! A process that exports nothing makes no spans and hands the context on.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use opentelemetry::{
    Context,
    propagation::{Extractor, Injector, TextMapPropagator as _},
    trace::TraceContextExt as _,
};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

static EXPORTING: AtomicBool = AtomicBool::new(false);

pub(crate) fn set_exporting() {
    EXPORTING.store(true, Relaxed);
}

/// Whether spans go anywhere.
pub fn exporting() -> bool {
    EXPORTING.load(Relaxed)
}

/// The span of one hop of a request, child of `traceparent`.
pub fn hop(name: &'static str, traceparent: &str, method: &str, path: &str, verb: &str) -> Span {
    if !exporting() {
        return Span::none();
    }
    let span = tracing::info_span!(
        "request",
        otel.name = name,
        otel.kind = "server",
        http.method = method,
        http.path = path,
        verb
    );
    if let Some(parent) = context_of(traceparent) {
        let _ = span.set_parent(parent);
    }
    span
}

/// The W3C `traceparent` of a span, if the span is recorded anywhere.
pub fn traceparent_of(span: &Span) -> Option<String> {
    if !exporting() || span.is_disabled() {
        return None;
    }
    let mut carrier = One(String::new());
    TraceContextPropagator::new().inject_context(&span.context(), &mut carrier);
    Some(carrier.0).filter(|t| !t.is_empty())
}

fn context_of(traceparent: &str) -> Option<Context> {
    if traceparent.is_empty() {
        return None;
    }
    let context = TraceContextPropagator::new().extract(&One(traceparent.to_owned()));
    context.span().span_context().is_valid().then_some(context)
}

struct One(String);

impl Injector for One {
    fn set(&mut self, key: &str, value: String) {
        if key == "traceparent" {
            self.0 = value;
        }
    }
}

impl Extractor for One {
    fn get(&self, key: &str) -> Option<&str> {
        (key == "traceparent").then_some(self.0.as_str())
    }

    fn keys(&self) -> Vec<&str> {
        vec!["traceparent"]
    }
}
