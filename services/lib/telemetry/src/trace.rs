//! Spans of requests, with W3C context between processes.
//!
//! Whether a request is traced is decided once, where it enters ([`begin`]); everything
//! behind follows that decision. Where it is not traced there are no spans: asking for one
//! reads an atomic and a thread local, and allocates nothing (`tests/nothing.rs`).
//!
//! Spans are OpenTelemetry's own and not those of `tracing`: these exist for log lines, of
//! every request, before it is known whether anybody wants them.

mod context;
#[cfg(test)]
mod tests;
mod traced;

use std::{
    sync::OnceLock,
    time::{Instant, SystemTime},
};

use opentelemetry::{
    Context, KeyValue, Value,
    trace::{SpanBuilder, SpanKind, Status, TraceContextExt as _},
};
use opentelemetry_sdk::trace::SdkTracer;

pub use opentelemetry::trace::TraceId;
pub use traced::Traced;

/// Name of the W3C header, and of the metadata of gRPC.
pub const TRACEPARENT: &str = "traceparent";

const MILLION: u32 = 1_000_000;

struct Settings {
    tracer: SdkTracer,
    per_million: u32,
}

static SETTINGS: OnceLock<Settings> = OnceLock::new();

/// From now on spans are made. `per_million` of the requests that bring no decision of
/// their own are traced. The first call counts.
pub fn install(tracer: SdkTracer, per_million: u32) {
    let _ = SETTINGS.set(Settings {
        tracer,
        per_million,
    });
}

/// Whether requests can be traced here.
pub fn is_on() -> bool {
    SETTINGS.get().is_some()
}

/// A span, or nothing where the request is not traced. Clones are the same span, which
/// ends when the last of them is dropped.
#[derive(Clone, Default)]
pub struct Span(Option<Context>);

/// The span of a request that enters here, since `began`. Until now it was in a first part:
/// only then it is known whether its client is trusted.
///
/// A parent is believed of a trusted client only: its decision counts. Of others it
/// becomes a link, and the rate decides; they could else make this process work at will
/// (`otelhttp.WithPublicEndpointFn` of kube-apiserver).
pub fn begin(
    name: impl FnOnce() -> String,
    first: &'static str,
    traceparent: &str,
    trusted: bool,
    began: Instant,
) -> Span {
    let Some(settings) = SETTINGS.get() else {
        return Span::NONE;
    };
    let remote = context::parse(traceparent);
    let parent = remote.as_ref().filter(|_| trusted);
    let traced = match parent {
        Some(parent) => parent.is_sampled(),
        None => chosen(settings.per_million),
    };
    if !traced {
        return Span::NONE;
    }
    let began = SystemTime::now() - began.elapsed();
    let mut builder = SpanBuilder::from_name(name())
        .with_kind(SpanKind::Server)
        .with_start_time(began);
    let above = match (remote, trusted) {
        (Some(remote), true) => Context::new().with_remote_span_context(remote),
        (Some(remote), false) => {
            let link = opentelemetry::trace::Link::with_context(remote);
            builder = builder.with_links(vec![link]);
            Context::new()
        }
        (None, _) => Context::new(),
    };
    let span = Span::start(settings, builder, &above);
    if let Some(above) = &span.0 {
        let builder = SpanBuilder::from_name(first).with_start_time(began);
        drop(Span::start(settings, builder, above));
    }
    span
}

fn chosen(per_million: u32) -> bool {
    per_million >= MILLION || (per_million > 0 && rand::random_range(0..MILLION) < per_million)
}

/// The span of a call that another process made: there is one if that process traces.
pub fn served(name: &'static str, traceparent: &str) -> Span {
    let Some(settings) = SETTINGS.get() else {
        return Span::NONE;
    };
    let Some(parent) = context::parse(traceparent).filter(|p| p.is_sampled()) else {
        return Span::NONE;
    };
    let builder = SpanBuilder::from_name(name).with_kind(SpanKind::Server);
    let above = Context::new().with_remote_span_context(parent);
    Span::start(settings, builder, &above)
}

/// A part of what runs now.
pub fn span(name: &'static str) -> Span {
    child(name, SpanKind::Internal)
}

/// A call of another process, part of what runs now.
pub fn call(name: &'static str) -> Span {
    child(name, SpanKind::Client)
}

fn child(name: &'static str, kind: SpanKind) -> Span {
    let Some(settings) = SETTINGS.get() else {
        return Span::NONE;
    };
    match current() {
        Span(None) => Span::NONE,
        Span(Some(above)) => {
            let builder = SpanBuilder::from_name(name).with_kind(kind);
            Span::start(settings, builder, &above)
        }
    }
}

/// The span of what runs now, for a task that goes on with it.
pub fn current() -> Span {
    if SETTINGS.get().is_none() {
        return Span::NONE;
    }
    Context::map_current(|now| Span(now.has_active_span().then(|| now.clone())))
}

impl Span {
    pub const NONE: Self = Self(None);

    fn start(settings: &Settings, builder: SpanBuilder, above: &Context) -> Self {
        let span = builder.start_with_context(&settings.tracer, above);
        Self(Some(Context::new().with_span(span)))
    }

    pub fn is_none(&self) -> bool {
        self.0.is_none()
    }

    /// Sets an attribute; its value is made only where there is a span.
    pub fn set<V: Into<Value>>(&self, key: &'static str, value: impl FnOnce() -> V) {
        if let Some(cx) = &self.0 {
            cx.span().set_attribute(KeyValue::new(key, value()));
        }
    }

    /// Marks what it is about as failed.
    pub fn fail(&self, why: impl FnOnce() -> String) {
        if let Some(cx) = &self.0 {
            cx.span().set_status(Status::error(why()));
        }
    }

    /// What it is about was `result`; a failure is marked.
    pub fn result<T, E: std::fmt::Display>(&self, result: &Result<T, E>) {
        if let Err(e) = result {
            self.fail(|| e.to_string());
        }
    }

    /// Runs a future or stream, of which this span is then the current one; it ends with it.
    pub fn run<T>(self, inner: T) -> Traced<T> {
        Traced::new(self, inner)
    }

    /// Runs what does not wait.
    pub fn within<T>(self, work: impl FnOnce() -> T) -> T {
        let _attached = self.0.clone().map(Context::attach);
        work()
    }

    /// The W3C `traceparent` for what it calls.
    pub fn traceparent(&self) -> Option<String> {
        let cx = self.0.as_ref()?;
        Some(context::format(cx.span().span_context()))
    }

    /// Identity of the trace.
    pub fn trace_id(&self) -> Option<TraceId> {
        Some(self.0.as_ref()?.span().span_context().trace_id())
    }
}

/// Whether the client that sent a `traceparent` traces what it asks.
pub fn is_sampled(traceparent: &str) -> bool {
    context::parse(traceparent).is_some_and(|p| p.is_sampled())
}
