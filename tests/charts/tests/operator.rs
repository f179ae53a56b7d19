//! What the chart of the operator renders, compared with what is committed, and
//! what it refuses. `CATENA_UPDATE=1 cargo test -p catena-tests-charts` writes it
//! anew. tests/operator installs it.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Output},
};

use catena_tests_charts::{Helm, objects, root, text};

fn chart() -> PathBuf {
    root().join("charts/catena-operator")
}

fn template(helm: &Helm, args: &[&str]) -> Output {
    let mut command: Command = helm.command(&["template", "op"]);
    command
        .arg(chart())
        .args(["--namespace", "system", "--kube-version", "1.36.0"])
        .args(args);
    command.output().expect("helm runs")
}

#[test]
fn three_value_sets_render_what_is_committed() {
    let Some(helm) = Helm::find() else { return };
    for name in ["defaults", "namespaces", "observability"] {
        let values = root().join(format!("tests/charts/operator/{name}.yaml"));
        let values = values.display().to_string();
        // The definitions are those of the operator's types: tests/operator compares them.
        let args = ["--values", &values, "--set", "crds.install=false"];
        let rendered = text(template(&helm, &args), &args);
        let golden = root().join(format!("tests/charts/golden/operator-{name}.yaml"));
        if std::env::var_os("CATENA_UPDATE").is_some() {
            fs::write(&golden, &rendered).expect("a golden file");
        }
        let committed = fs::read_to_string(&golden).unwrap_or_default();
        assert!(
            rendered == committed,
            "{name} is rendered otherwise than {}",
            golden.display()
        );
        let linted = helm
            .command(&[
                "lint",
                "--strict",
                "--kube-version",
                "1.36.0",
                "--values",
                &values,
            ])
            .arg(chart())
            .output()
            .expect("helm runs");
        let said = text(linted, &["lint", name]);
        assert!(!said.contains("[WARNING]"), "{name}: {said}");
    }
}

#[test]
fn definitions_stay_unless_told_otherwise() {
    let Some(helm) = Helm::find() else { return };
    for (args, expected) in [(&[][..], "keep"), (&["--set", "crds.keep=false"][..], "")] {
        let all = objects(&text(template(&helm, args), args));
        let definitions: Vec<_> = all
            .iter()
            .filter(|o| o["kind"] == "CustomResourceDefinition")
            .collect();
        assert_eq!(definitions.len(), 2);
        for definition in definitions {
            let annotations = &definition["metadata"]["annotations"];
            let policy = annotations["helm.sh/resource-policy"].as_str();
            assert_eq!(policy.unwrap_or_default(), expected);
        }
    }
}

/// Values, and a part of the message.
const REFUSED: [(&str, &str); 6] = [
    ("replica=2", "'replica' not allowed"),
    ("image.perProcess=true", "'perProcess' not allowed"),
    ("crds.instal=true", "'instal' not allowed"),
    ("watchNamespaces={A}", "/watchNamespaces/0"),
    ("logging.format=xml", "/logging/format"),
    ("resources.request.cpu=1", "'request' not allowed"),
];

#[test]
fn what_is_misspelt_is_refused() {
    let Some(helm) = Helm::find() else { return };
    for (values, why) in REFUSED {
        let out = template(&helm, &["--set", values]);
        assert!(!out.status.success(), "{values} was taken");
        let said = String::from_utf8_lossy(&out.stderr);
        assert!(said.contains(why), "{values}: {why:?} is not in {said}");
    }
}
