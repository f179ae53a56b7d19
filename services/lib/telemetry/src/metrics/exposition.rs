//! Metrics as scrapers read them.

use std::{fmt::Write as _, time::UNIX_EPOCH};

use prometheus::{
    Encoder as _, TextEncoder,
    proto::{LabelPair, Metric, MetricFamily, MetricType},
};

use super::{REGISTRY, histogram};

/// The answer to a scrape.
pub struct Exposition {
    pub content_type: &'static str,
    pub body: Vec<u8>,
}

/// All metrics of this process, in the format that `Accept` asks for first.
pub fn expose(accept: &str) -> Exposition {
    let families = REGISTRY.gather();
    if wants_openmetrics(accept) {
        return Exposition {
            content_type: "application/openmetrics-text; version=1.0.0; charset=utf-8",
            body: openmetrics(&families).into_bytes(),
        };
    }
    let mut body = Vec::new();
    if let Err(e) = TextEncoder::new().encode(&families, &mut body) {
        tracing::warn!(error = %e, "metrics were not encoded");
    }
    Exposition {
        content_type: "text/plain; version=0.0.4; charset=utf-8",
        body,
    }
}

/// Whether OpenMetrics is asked for, and not for less than the text format.
fn wants_openmetrics(accept: &str) -> bool {
    let weight = |kind: &str| {
        let range = accept.split(',').find(|r| {
            r.split(';')
                .next()
                .is_some_and(|t| t.trim().eq_ignore_ascii_case(kind))
        })?;
        let q = range.split(';').find_map(|p| p.trim().strip_prefix("q="));
        Some(
            q.map_or(Some(1.0), |q| q.parse::<f64>().ok())
                .unwrap_or(0.0),
        )
    };
    weight("application/openmetrics-text")
        .is_some_and(|open| open > 0.0 && open >= weight("text/plain").unwrap_or(0.0))
}

/// <https://prometheus.io/docs/specs/om/open_metrics_spec/>
pub(super) fn openmetrics(families: &[MetricFamily]) -> String {
    let mut out = String::new();
    for family in families {
        let kind = match family.get_field_type() {
            MetricType::COUNTER => "counter",
            MetricType::GAUGE => "gauge",
            MetricType::HISTOGRAM => "histogram",
            _ => continue,
        };
        let full = family.name();
        // A counter's own name ends with `_total`, its family's does not.
        let name = match kind {
            "counter" => full.strip_suffix("_total").unwrap_or(full),
            _ => full,
        };
        let _ = writeln!(out, "# TYPE {name} {kind}");
        let _ = writeln!(out, "# HELP {name} {}", escaped(family.help()));
        for metric in family.get_metric() {
            match kind {
                "counter" => {
                    let value = metric.get_counter().get_value();
                    sample(&mut out, name, "_total", metric.get_label(), None, value);
                    out.push('\n');
                }
                "gauge" => {
                    let value = metric.get_gauge().get_value();
                    sample(&mut out, name, "", metric.get_label(), None, value);
                    out.push('\n');
                }
                _ => buckets(&mut out, name, metric),
            }
        }
    }
    out.push_str("# EOF\n");
    out
}

fn buckets(out: &mut String, name: &str, metric: &Metric) {
    let labels = metric.get_label();
    let histogram = metric.get_histogram();
    let exemplars = histogram::exemplars(name, labels);
    let bounded = histogram.get_bucket().iter();
    let bounded = bounded.map(|b| (b.upper_bound(), b.cumulative_count()));
    let all = bounded
        .filter(|(bound, _)| bound.is_finite())
        .chain([(f64::INFINITY, histogram.get_sample_count())]);
    for (i, (bound, count)) in all.enumerate() {
        let bound = number(bound);
        #[expect(clippy::cast_precision_loss, reason = "samples are floating point")]
        sample(out, name, "_bucket", labels, Some(&bound), count as f64);
        if let Some(Some(e)) = exemplars.get(i) {
            let at = e.at.duration_since(UNIX_EPOCH).unwrap_or_default();
            let (seconds, millis) = (at.as_secs(), at.subsec_millis());
            let (trace, value) = (e.trace, number(e.value));
            let _ = write!(
                out,
                " # {{trace_id=\"{trace}\"}} {value} {seconds}.{millis:03}"
            );
        }
        out.push('\n');
    }
    #[expect(clippy::cast_precision_loss, reason = "samples are floating point")]
    let count = histogram.get_sample_count() as f64;
    sample(out, name, "_count", labels, None, count);
    out.push('\n');
    sample(out, name, "_sum", labels, None, histogram.get_sample_sum());
    out.push('\n');
}

/// One sample, without the end of its line.
fn sample(
    out: &mut String,
    name: &str,
    suffix: &str,
    labels: &[LabelPair],
    bound: Option<&str>,
    value: f64,
) {
    out.push_str(name);
    out.push_str(suffix);
    let labels = labels.iter().map(|l| (l.name(), l.value()));
    let mut open = false;
    for (name, value) in labels.chain(bound.map(|b| ("le", b))) {
        out.push(if open { ',' } else { '{' });
        open = true;
        let _ = write!(out, "{name}=\"{}\"", escaped(value));
    }
    if open {
        out.push('}');
    }
    out.push(' ');
    out.push_str(&number(value));
}

/// Bounds are floating point in OpenMetrics: `1.0` and not `1`.
fn number(n: f64) -> String {
    match n {
        n if n == f64::INFINITY => "+Inf".to_owned(),
        n if n == f64::NEG_INFINITY => "-Inf".to_owned(),
        n if n.is_nan() => "NaN".to_owned(),
        n => format!("{n:?}"),
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            c => out.push(c),
        }
    }
    out
}
