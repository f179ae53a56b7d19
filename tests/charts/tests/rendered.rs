//! The chart as `catena-chart` renders it: what Helm makes of the same values.

use std::{collections::BTreeMap, fs, path::Path};

use catena_chart::{
    Capabilities, Certificates, Chart, Cluster, Error, Pair, Release, Rendered, Subject,
};
use catena_tests_charts::{
    NAMESPACE, RELEASE, chart,
    refused::{CONTRADICTIONS, REFUSED, set},
    root, stable, value_sets,
};
use serde_json::{Value, json};

/// Answers that are not compared, since each is another one.
struct Maker;

impl Cluster for Maker {
    fn lookup(&self, _: &str, _: &str, _: &str, _: &str) -> Result<Option<Value>, String> {
        Ok(None)
    }

    fn certificates(&self) -> Option<&dyn Certificates> {
        Some(self)
    }
}

fn made(what: &str) -> Result<Pair, String> {
    Ok(Pair {
        cert: format!("certificate of {what}"),
        key: format!("key of {what}"),
    })
}

impl Certificates for Maker {
    fn private_key(&self, kind: &str) -> Result<String, String> {
        Ok(format!("{kind} key"))
    }

    fn authority(&self, common_name: &str, _: i64, _: &str) -> Result<Pair, String> {
        made(common_name)
    }

    fn self_signed(&self, subject: &Subject<'_>, _: &str) -> Result<Pair, String> {
        made(subject.common_name)
    }

    fn signed(&self, subject: &Subject<'_>, _: &Pair, _: &str) -> Result<Pair, String> {
        made(subject.common_name)
    }

    fn check(&self, _: &Pair) -> Result<(), String> {
        Ok(())
    }
}

fn files(dir: &Path, below: &Path, out: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(dir).expect("a folder of the chart") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, below, out);
        } else {
            let name = path.strip_prefix(below).expect("below the chart");
            let bytes = fs::read(&path).expect("a file of the chart");
            out.insert(name.to_string_lossy().into_owned(), bytes);
        }
    }
}

fn read() -> Chart {
    let mut all = BTreeMap::new();
    files(&chart(), &chart(), &mut all);
    Chart::from_files(all).expect("the chart is read")
}

fn render(chart: &Chart, values: &Value) -> Result<Rendered, Error> {
    let values = chart.values(values)?;
    let release = Release::install(RELEASE, NAMESPACE);
    chart.render(&release, &values, &Capabilities::default(), &Maker)
}

/// As `helm template` prints it: hooks come last.
fn text(rendered: &Rendered) -> String {
    let (hooks, others): (Vec<_>, Vec<_>) =
        rendered.manifests.iter().partition(|m| m.hook.is_some());
    let all = others.into_iter().chain(hooks);
    all.map(|m| format!("---\n# Source: {}\n{}\n", m.path, m.text))
        .collect()
}

#[test]
fn value_sets_render_to_the_byte_what_helm_renders() {
    let chart = read();
    for (name, values) in value_sets() {
        let values = fs::read_to_string(values).expect("a file of values");
        let values: Value = serde_saphyr::from_str(&values).expect("YAML");
        let values = if values.is_null() { json!({}) } else { values };
        let rendered = render(&chart, &values).unwrap_or_else(|why| panic!("{name}: {why}"));
        let golden = root().join(format!("tests/charts/golden/{name}.yaml"));
        let golden = fs::read_to_string(golden).expect("a golden file");
        let text = stable(&text(&rendered));
        let differs = text
            .lines()
            .zip(golden.lines())
            .find(|(new, old)| new != old);
        assert!(text == golden, "{name}: {differs:?}");
    }
}

#[test]
fn what_helm_refuses_is_refused_with_its_words() {
    let chart = read();
    for (words, why) in REFUSED.iter().chain(&CONTRADICTIONS) {
        let said = match render(&chart, &set(words)) {
            Ok(_) => panic!("{words} was taken"),
            Err(error) => error.to_string(),
        };
        assert!(said.contains(why), "{words}: {said}");
    }
}

#[test]
fn hooks_are_told_from_the_rest_and_kinds_are_in_order() {
    let rendered = render(&read(), &json!({})).expect("the defaults render");
    let hooks: Vec<_> = rendered
        .manifests
        .iter()
        .filter_map(|m| m.hook.as_ref())
        .collect();
    assert_eq!(hooks.len(), 1);
    assert_eq!(hooks[0].events, [catena_chart::Event::Test]);
    assert_eq!(
        hooks[0].delete,
        [catena_chart::DeletePolicy::BeforeCreation]
    );
    let place = |kind: &str| rendered.manifests.iter().position(|m| m.kind() == kind);
    assert!(place("Secret") < place("Service"));
    assert!(place("Service") < place("Deployment"));
    let mut reverse = rendered.manifests.clone();
    catena_chart::uninstall_order(&mut reverse);
    let place = |kind: &str| reverse.iter().position(|m| m.kind() == kind);
    assert!(place("Service") < place("Deployment"));
    assert!(place("Deployment") < place("Secret"));
}

#[test]
fn notes_say_how_to_reach_the_release() {
    let chart = read();
    let values = chart.values(&json!({})).expect("values");
    let release = Release::install(RELEASE, NAMESPACE);
    let notes = chart.notes(&release, &values, &Capabilities::default(), &Maker);
    let notes = notes.expect("notes");
    let wanted = "kubectl -n control rollout status deployment/cp-catena-aggregator";
    assert!(notes.contains(wanted), "{notes}");
    assert!(!notes.contains("no value"), "{notes}");
}

#[test]
fn without_a_maker_of_certificates_the_function_is_named() {
    let chart = read();
    let values = chart.values(&json!({})).expect("values");
    let release = Release::install(RELEASE, NAMESPACE);
    let capabilities = Capabilities::default();
    let said = chart.render(&release, &values, &capabilities, &catena_chart::Offline);
    let said = said.expect_err("certificates are needed").to_string();
    assert!(said.contains("error calling genPrivateKey"), "{said}");
}
