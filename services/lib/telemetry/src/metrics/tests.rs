use opentelemetry::trace::TraceId;

use super::{Histogram, counter, expose, gauge};

const OPEN: &str = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5";

fn text(accept: &str) -> (&'static str, String) {
    let shown = expose(accept);
    let body = String::from_utf8(shown.body).expect("text");
    (shown.content_type, body)
}

#[test]
fn a_bucket_names_the_trace_that_fell_into_it() {
    let h = Histogram::new("test_seconds", "Help.", &[0.5, 1.0], &["verb"]);
    let trace = TraceId::from_hex("4bf92f3577b34da6a3ce929d0e0e4736").ok();
    h.observe(&["GET"], 0.25, None);
    h.observe(&["GET"], 0.75, trace);
    h.observe(&["LIST"], 7.0, trace);
    let (_, body) = text(OPEN);
    let line = |start: &str| {
        let found = body.lines().find(|l| l.starts_with(start));
        found
            .unwrap_or_else(|| panic!("{start} in\n{body}"))
            .to_owned()
    };
    assert_eq!(
        line(r#"test_seconds_bucket{verb="GET",le="0.5"}"#),
        r#"test_seconds_bucket{verb="GET",le="0.5"} 1.0"#
    );
    assert!(
        line(r#"test_seconds_bucket{verb="GET",le="1.0"}"#).starts_with(
            r#"test_seconds_bucket{verb="GET",le="1.0"} 2.0 # {trace_id="4bf92f3577b34da6a3ce929d0e0e4736"} 0.75 "#
        )
    );
    let last = line(r#"test_seconds_bucket{verb="LIST",le="+Inf"}"#);
    assert!(
        last.contains("trace_id") && last.contains(" 7.0 "),
        "{last}"
    );
    assert_eq!(
        line(r#"test_seconds_count{verb="GET"}"#),
        r#"test_seconds_count{verb="GET"} 2.0"#
    );
    // The text format has none.
    let (_, plain) = text("*/*");
    assert!(plain.contains("test_seconds_bucket") && !plain.contains("trace_id"));
}

#[test]
fn families_are_named_as_openmetrics_has_it() {
    counter("test_requests_total", "A \"quoted\" help.", &["path"])
        .with_label_values(&["a\\b\"c"])
        .inc();
    counter("test_attempts", "Help.", &[])
        .with_label_values::<&str>(&[])
        .inc();
    gauge("test_size", "Help.", &[])
        .with_label_values::<&str>(&[])
        .set(3);
    let (_, body) = text(OPEN);
    for line in [
        "# TYPE test_requests counter",
        r#"# HELP test_requests A \"quoted\" help."#,
        r#"test_requests_total{path="a\\b\"c"} 1.0"#,
        "# TYPE test_attempts counter",
        "test_attempts_total 1.0",
        "# TYPE test_size gauge",
        "test_size 3.0",
        "# TYPE process_cpu_seconds counter",
    ] {
        assert!(body.lines().any(|l| l == line), "{line} in\n{body}");
    }
    assert!(body.ends_with("# EOF\n"));
    let (_, plain) = text("");
    for name in ["test_requests_total", "test_attempts", "process_open_fds"] {
        assert!(plain.lines().any(|l| l.starts_with(name)), "{name}");
    }
}

#[test]
fn the_scraper_chooses() {
    let open = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let plain = "text/plain; version=0.0.4; charset=utf-8";
    for (accept, wanted) in [
        ("", plain),
        ("*/*", plain),
        ("text/plain", plain),
        (OPEN, open),
        ("application/openmetrics-text;q=0.2,text/plain;q=0.8", plain),
        ("application/openmetrics-text;q=0", plain),
        ("application/openmetrics-text", open),
    ] {
        assert_eq!(text(accept).0, wanted, "{accept}");
    }
}
