//! `traceparent` (<https://www.w3.org/TR/trace-context/#traceparent-header>):
//! `00-<32 digits>-<16 digits>-<2 digits>`, hexadecimal in lower case.

use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};

/// Length of version 00; later versions may append to it.
const LENGTH: usize = 55;

/// `None`: it is malformed, which means that there is no parent.
pub(super) fn parse(text: &str) -> Option<SpanContext> {
    let head = text.get(..LENGTH)?;
    let rest = &text[LENGTH..];
    let lower = |part: &str| {
        part.bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    let mut parts = head.split('-');
    let (version, trace, span, flags) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let shaped = (version.len(), trace.len(), span.len(), flags.len()) == (2, 32, 16, 2);
    let known = match version {
        "ff" => false,
        "00" => rest.is_empty(),
        _ => rest.is_empty() || rest.starts_with('-'),
    };
    if !shaped || !known || ![version, trace, span, flags].iter().all(|p| lower(p)) {
        return None;
    }
    let flags = u8::from_str_radix(flags, 16).ok()?;
    let context = SpanContext::new(
        TraceId::from_hex(trace).ok()?,
        SpanId::from_hex(span).ok()?,
        TraceFlags::new(flags) & TraceFlags::SAMPLED,
        true,
        TraceState::NONE,
    );
    context.is_valid().then_some(context)
}

pub(super) fn format(context: &SpanContext) -> String {
    let flags = context.trace_flags() & TraceFlags::SAMPLED;
    format!(
        "00-{}-{}-{:02x}",
        context.trace_id(),
        context.span_id(),
        flags
    )
}
