//! What the charts render is what three versions of Kubernetes know: every
//! object is read strictly as a type of that version.

#![allow(clippy::print_stdout, reason = "tests say what they skip")]

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use catena_tests_charts::{root, text};

/// The oldest that the chart supports, one between, the newest.
const VERSIONS: &[&str] = &["1.29", "1.33", "1.36"];

/// `tests/charts/schemas` with the types of a version; `None` where it was not
/// built.
fn reader(version: &str) -> Option<PathBuf> {
    let path = root().join(format!("target/tools/schemas-{version}"));
    if !path.exists() {
        println!(
            "skipped: no types of Kubernetes {version}; tests/deps.sh builds them where Go is"
        );
        return None;
    }
    Some(path)
}

fn read(reader: &PathBuf, files: &[PathBuf]) -> Output {
    let mut command = Command::new(reader);
    command.args(files).output().expect("the reader runs")
}

/// Copies of the goldens in which what is made anew is base64, as it is in
/// what Helm renders.
fn goldens(dir: &Path) -> Vec<PathBuf> {
    let golden = root().join("tests/charts/golden");
    let entries = std::fs::read_dir(golden).expect("tests/charts/golden");
    let mut copies = Vec::new();
    for path in entries.map(|e| e.expect("an entry").path()) {
        let text = std::fs::read_to_string(&path).expect("a golden file");
        let copy = dir.join(path.file_name().expect("a name"));
        std::fs::write(&copy, text.replace(": (made)", ": bWFkZQ==")).expect("a file");
        copies.push(copy);
    }
    copies
}

#[test]
fn three_versions_of_kubernetes_know_every_field() {
    let dir = tempfile::tempdir().expect("a directory");
    let files = goldens(dir.path());
    assert!(!files.is_empty());
    for version in VERSIONS {
        let Some(reader) = reader(version) else {
            return;
        };
        let said = text(read(&reader, &files), &["schemas", version]);
        assert_eq!(said.lines().count(), files.len());
        for line in said.lines() {
            assert!(!line.ends_with(": 0 objects"), "{version}: {line}");
        }
    }
}

#[test]
fn a_field_or_kind_that_no_version_knows_is_found() {
    let wrong = [
        "{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {typo: 1}}",
        "{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}, spec: {replicas: one}}",
        "{apiVersion: apps/v1beta9, kind: Deployment, metadata: {name: a}}",
    ];
    let dir = tempfile::tempdir().expect("a directory");
    for version in VERSIONS {
        let Some(reader) = reader(version) else {
            return;
        };
        for (i, manifest) in wrong.iter().enumerate() {
            let file = dir.path().join(format!("{i}.yaml"));
            std::fs::write(&file, manifest).expect("a file");
            assert!(!read(&reader, &[file]).status.success(), "{manifest}");
        }
    }
}
