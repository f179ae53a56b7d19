use catena_objects::{Value, json};

use crate::{Path, text};

const POD: &str = r#"{"metadata":{"name":"a","annotations":{"x.y/z":"v"}},
  "spec":{"containers":[{"name":"c1","n":1},{"name":"c2","n":2}],"f":1.5,"b":true,"nil":null},
  "status":{"conditions":[{"type":"Ready","status":"True"},{"type":"Other (1)","status":"False"}]}}"#;

fn check(path: &str, expect: &[&str]) {
    let value: Value = json::parse(POD.as_bytes()).expect("the sample parses");
    let found = Path::parse(path).and_then(|p| p.find(&value)).expect(path);
    let texts: Vec<String> = found.iter().map(text).collect();
    assert_eq!(texts, expect, "{path}");
}

fn fails(path: &str) {
    let value: Value = json::parse(POD.as_bytes()).expect("the sample parses");
    let found = Path::parse(path).and_then(|p| p.find(&value));
    assert!(found.is_err(), "{path} gave {found:?}");
}

#[test]
fn paths_select_values() {
    check(".metadata.name", &["a"]);
    check(r".metadata.annotations.x\.y/z", &["v"]);
    check(r".metadata.annotations['x\.y/z']", &["v"]);
    check(".spec.containers[0].name", &["c1"]);
    check(".spec.containers[-1].name", &["c2"]);
    check(".spec.containers[*].name", &["c1", "c2"]);
    check(".spec.containers[0:2].n", &["1", "2"]);
    check(".spec.containers[0,1].n", &["1", "2"]);
    check(".spec['f','b']", &["1.5", "true"]);
    check(
        r#".status.conditions[?(@.type=="Ready")].status"#,
        &["True"],
    );
    check(
        r#".status.conditions[?(@.type=='Other (1)')].status"#,
        &["False"],
    );
    check(".spec.containers[?(@.n>1)].name", &["c2"]);
    check(".spec.containers[?(@.n)].name", &["c1", "c2"]);
    check(
        "..status",
        &[
            r#"{"conditions":[{"type":"Ready","status":"True"},{"type":"Other (1)","status":"False"}]}"#,
            "True",
            "False",
        ],
    );
    check(".spec.absent.more", &[]);
    check(".spec.nil", &["null"]);
    check(".spec.containers[0]", &[r#"{"name":"c1","n":1}"#]);
}

#[test]
fn what_is_no_path_is_refused() {
    fails(".spec.containers[9].name");
    fails(".spec.containers[");
    fails(".spec.containers[x]");
    fails(".metadata[0]");
    fails("......");
    fails(".a[?(@.b");
    fails("nope");
}

#[test]
fn floats_are_printed_as_go_prints_them() {
    assert_eq!(text(&Value::Float(0.5)), "0.5");
    assert_eq!(text(&Value::Float(1_234_567.5)), "1.2345675e+06");
    assert_eq!(text(&Value::Float(123_456.0)), "123456");
    assert_eq!(text(&Value::Float(1e-7)), "1e-07");
}
