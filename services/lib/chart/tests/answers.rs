//! Templates whose answers Helm gave: `tests/charts/helm/answers` fills
//! `tests/cases/*.json` with what Go prints, or why it does not.

use std::{fs, path::Path};

use catena_chart::{Capabilities, Chart, Offline, Release};
use serde_json::Value;

fn folder(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The chart that the generator makes of a template.
fn printed(template: &str, values: &Value) -> Result<String, catena_chart::Error> {
    let shared = |name: &str| {
        let path = folder("../../../tests/charts/helm/answers").join(name);
        fs::read_to_string(path).expect("a file of the generator")
    };
    let metadata =
        "apiVersion: v2\nname: t\nversion: 1.2.3\nappVersion: '4.5'\ntype: application\n";
    let chart = Chart::from_files([
        ("Chart.yaml", metadata.to_owned()),
        ("values.yaml", shared("values.yaml")),
        ("templates/_partials.tpl", shared("_partials.tpl")),
        ("templates/case.yaml", template.to_owned()),
        ("files/a.txt", "one\ntwo\n".to_owned()),
        ("files/b.json", "{\"x\": 1}".to_owned()),
        ("files/sub/c.txt", "three".to_owned()),
    ])?;
    let values = chart.values(values)?;
    let capabilities = Capabilities {
        api_versions: ["apps/v1", "v1"].map(str::to_owned).into(),
        ..Capabilities::default()
    };
    let release = Release::install("rel", "ns");
    let mut printed = chart.print(&release, &values, &capabilities, &Offline)?;
    Ok(printed
        .remove("t/templates/case.yaml")
        .expect("the template"))
}

fn judge(topic: &str) {
    let path = folder("tests/cases").join(format!("{topic}.json"));
    let text = fs::read_to_string(path).expect("a file of cases");
    let cases: Vec<Value> = serde_json::from_str(&text).expect("JSON");
    assert!(cases.len() > 15, "{topic} has {} cases", cases.len());
    let mut wrong = Vec::new();
    for case in &cases {
        let template = case["template"].as_str().expect("a template");
        let values = match &case["values"] {
            Value::Null => Value::Object(serde_json::Map::new()),
            values => values.clone(),
        };
        let got = printed(template, &values).map_err(|e| e.to_string());
        // What is known to differ has our answer beside that of Go.
        let ours = |word: &str| match &case["ours"][word] {
            Value::Null => case[word].as_str(),
            answer => answer.as_str(),
        };
        let wanted = match (ours("fails"), ours("is")) {
            (Some(why), None) => Err(why.to_owned()),
            (None, Some(text)) => Ok(text.to_owned()),
            both => panic!("{template}: {both:?}"),
        };
        if got != wanted {
            wrong.push(format!("{template}\n  got    {got:?}\n  wanted {wanted:?}"));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} cases of {topic}:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
}

#[test]
fn the_language_is_that_of_go() {
    judge("language");
}

#[test]
fn formats_are_those_of_go() {
    judge("printf");
}

#[test]
fn texts_are_those_of_sprig() {
    judge("strings");
}

#[test]
fn lists_and_maps_are_those_of_sprig() {
    judge("lists");
}

#[test]
fn numbers_are_those_of_sprig() {
    judge("numbers");
}

#[test]
fn yaml_and_json_are_those_of_helm() {
    judge("encodings");
}
