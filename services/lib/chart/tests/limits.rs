//! What a template may cost, and that it ends with a clear error.

use std::fmt::Write as _;

use catena_chart::{Capabilities, Chart, Error, Limits, Offline, Release};
use serde_json::json;

const LIMITS: Limits = Limits {
    file_bytes: 1 << 20,
    text_bytes: 1 << 20,
    output_bytes: 1 << 20,
    steps: 300_000,
    depth: 3_000,
};

fn failure(template: &str) -> Error {
    let files = [
        ("Chart.yaml", "{apiVersion: v2, name: c, version: 1.0.0}"),
        ("templates/t.yaml", template),
    ];
    let chart = match Chart::with_limits(files, LIMITS) {
        Ok(chart) => chart,
        Err(error) => return error,
    };
    let values = chart.values(&json!({})).expect("values");
    let release = Release::install("r", "n");
    let printed = chart.print(&release, &values, &Capabilities::default(), &Offline);
    match printed {
        Ok(_) => panic!("{} is no error", &template[..template.len().min(80)]),
        Err(error) => error,
    }
}

fn limit(template: &str, wanted: &str) {
    match failure(template) {
        Error::Limit { location, limit } => {
            assert_eq!(limit, wanted, "{template}");
            assert!(location.starts_with("c/templates/t.yaml:1:"), "{location}");
        }
        other => panic!("{template}: {other}"),
    }
}

#[test]
fn loops_and_copies_are_steps() {
    let steps = "300000 steps";
    limit("{{ range until 1000000 }}{{ end }}", steps);
    limit("{{ range 1000000000000 }}{{ end }}", steps);
    limit(
        "{{ range until 1000 }}{{ range until 1000 }}{{ end }}{{ end }}",
        steps,
    );
    limit(
        "{{ $l := list }}{{ range until 2000 }}{{ $l = append $l 1 }}{{ end }}",
        steps,
    );
    limit("{{ seq 1 100000000 }}", steps);
    let cycle = "{{ $d := dict }}{{ $_ := set $d `a` $d }}{{ $_ := set $d `b` $d }}";
    for end in [
        "{{ toYaml $d }}",
        "{{ $d }}",
        "{{ deepCopy $d }}",
        "{{ eq (toJson $d) `` }}",
    ] {
        match failure(&format!("{cycle}{end}")) {
            Error::Limit { .. } => {}
            other => panic!("{end}: {other}"),
        }
    }
}

#[test]
fn texts_are_paid_for_before_they_are_made() {
    let text = "1048576 bytes of a text";
    limit("{{ repeat 1000000000 `abc` }}", text);
    limit("{{ indent 1000000000 `abc` }}", text);
    limit("{{ printf `%999999d%999999d` 1 2 }}", text);
    limit("{{ randAlphaNum 1000000000 }}", text);
    limit(
        "{{ $s := `x` }}{{ range until 64 }}{{ $s = print $s $s }}{{ end }}",
        text,
    );
    limit(
        "{{ $s := `x` }}{{ range until 64 }}{{ $s = replace `x` `xx` $s }}{{ end }}",
        text,
    );
    limit(
        "{{ $s := repeat 1000 `x` }}{{ range until 2000 }}{{ $s }}{{ end }}",
        text,
    );
}

#[test]
fn what_is_printed_in_all_templates_is_bounded() {
    let template = "{{ define `x` }}{{ repeat 600000 `y` }}{{ end }}{{ include `x` . | len }}{{ include `x` . | len }}";
    limit(template, "1048576 bytes of output");
}

#[test]
fn templates_in_each_other_are_bounded() {
    limit(
        "{{ define `x` }}{{ template `x` . }}{{ end }}{{ template `x` . }}",
        "3000 templates, blocks or values in each other",
    );
    let said =
        failure("{{ define `x` }}{{ include `x` . }}{{ end }}{{ include `x` . }}").to_string();
    let wanted = "rendering template has a nested reference name: x: unable to execute template";
    assert!(said.ends_with(wanted), "{}", &said[said.len() - 200..]);
    let mut deep = String::new();
    for _ in 0..300 {
        write!(deep, "{{{{ if true }}}}").expect("a text");
    }
    let wanted = "parse error at (c/templates/t.yaml:1): more than 200 blocks in each other";
    assert_eq!(failure(&deep).to_string(), wanted);
    let deep = format!("{{{{ {}1{} }}}}", "(".repeat(300), ")".repeat(300));
    assert_eq!(failure(&deep).to_string(), wanted);
}

/// The deepest that the default limits allow, by the calls that take most of the stack.
#[test]
fn the_stack_holds_what_the_limits_allow() {
    for template in [
        "{{ tpl .Values.t . }}",
        "{{ define `x` }}{{ with (1) }}{{ range 1 }}{{ template `x` (list (.)) }}{{ end }}{{ end }}{{ end }}{{ template `x` . }}",
    ] {
        let files = [
            ("Chart.yaml", "{apiVersion: v2, name: c, version: 1.0.0}"),
            (
                "values.yaml",
                "t: '{{ (((tpl .Values.t .))) | upper | quote }}'",
            ),
            ("templates/t.yaml", template),
        ];
        let chart = Chart::from_files(files).expect("a chart");
        let values = chart.values(&json!({})).expect("values");
        let release = Release::install("r", "n");
        match chart.print(&release, &values, &Capabilities::default(), &Offline) {
            Err(Error::Limit { .. }) => {}
            other => panic!("{template}: {other:?}"),
        }
    }
}

/// Freed one after the other, where each level on the stack would be too much.
#[test]
fn long_chains_of_values_are_freed() {
    let template =
        "{{ $l := list }}{{ range until 30000 }}{{ $l = list $l }}{{ end }}{{ fail `made` }}";
    assert!(failure(template).to_string().ends_with("made"));
    let template =
        "{{ $d := dict }}{{ range until 30000 }}{{ $d = dict `a` $d }}{{ end }}{{ fail `made` }}";
    assert!(failure(template).to_string().ends_with("made"));
}

#[test]
fn files_are_bounded() {
    let large = "x".repeat((1 << 20) + 1);
    let said = failure(&large).to_string();
    assert_eq!(said, "templates/t.yaml: more than 1048576 bytes of a file");
}
