//! Templates of charts: they render or fail within their limits.

use catena_chart::{Capabilities, Chart, Error, Limits, Offline, Release};

use super::halves;

const LIMITS: Limits = Limits {
    file_bytes: 1 << 16,
    text_bytes: 1 << 16,
    output_bytes: 1 << 17,
    steps: 50_000,
    depth: 400,
};
const VALUES: &str =
    "{a: {b: [1, {c: x}], n: null}, s: text, i: 5, f: 1.5, t: true, l: [b, a, 1.5]}";
const PARTIALS: &str =
    r#"{{define "d"}}{{.}}{{end}}{{define "l"}}{{range .}}{{include "d" .}}{{end}}{{end}}"#;

/// A template, and values of the chart after it.
pub(crate) fn template(data: &[u8]) {
    let (text, values) = halves(data).unwrap_or((data, VALUES.as_bytes()));
    let files: [(&str, &[u8]); 4] = [
        ("Chart.yaml", b"{apiVersion: v2, name: c, version: 1.0.0}"),
        ("values.yaml", values),
        ("templates/_d.tpl", PARTIALS.as_bytes()),
        ("templates/t.yaml", text),
    ];
    let Ok(chart) = Chart::with_limits(files, LIMITS) else {
        return;
    };
    let release = Release::install("r", "n");
    let capabilities = Capabilities::default();
    let values = chart.values(&serde_json::json!({"u": {"v": []}}));
    let values = values.expect("there is no schema");
    match chart.print(&release, &values, &capabilities, &Offline) {
        Ok(printed) => {
            let bytes: usize = printed.values().map(String::len).sum();
            assert!(bytes <= LIMITS.output_bytes);
            let _ = chart.render(&release, &values, &capabilities, &Offline);
        }
        Err(Error::Chart { .. } | Error::Parse { .. }) => panic!("it was read before"),
        Err(_) => {}
    }
}
