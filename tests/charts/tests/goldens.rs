//! What the chart renders, compared with what is committed.
//! `CATENA_UPDATE=1 cargo test -p catena-tests-charts` writes it anew.

use std::fs;

use catena_tests_charts::{Helm, chart, objects, root, stable, text, value_sets};

#[test]
fn eleven_value_sets_render_what_is_committed() {
    let Some(helm) = Helm::find() else { return };
    let sets = value_sets();
    assert_eq!(sets.len(), 11);
    for (name, values) in sets {
        let rendered = stable(&helm.template(&["--values", &values.display().to_string()]));
        assert!(!objects(&rendered).is_empty(), "{name}");
        let golden = root().join(format!("tests/charts/golden/{name}.yaml"));
        if std::env::var_os("CATENA_UPDATE").is_some() {
            fs::write(&golden, &rendered).expect("a golden file");
        }
        let committed = fs::read_to_string(&golden).unwrap_or_default();
        let differs = rendered
            .lines()
            .zip(committed.lines())
            .position(|(new, old)| new != old);
        assert!(
            rendered == committed,
            "{name} is rendered otherwise than {}, from line {:?}",
            golden.display(),
            differs.map(|line| line + 1)
        );
    }
}

#[test]
fn the_linter_has_nothing_to_say() {
    let Some(helm) = Helm::find() else { return };
    let mut sets = value_sets();
    sets.push(("ha".to_owned(), chart().join("values-ha.yaml")));
    for (name, values) in sets {
        let out = helm
            .command(&["lint", "--strict", "--kube-version", "1.36.0"])
            .arg(chart())
            .arg("--values")
            .arg(values)
            .output()
            .expect("helm runs");
        let said = text(out, &["lint", &name]);
        assert!(!said.contains("[WARNING]"), "{name}: {said}");
    }
}
