//! client-go through the chain (`client-go/main.go`).

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use catena_tests_it::{ControlPlane, go_program, storage::compact};

#[test]
fn an_informer_misses_and_doubles_nothing() {
    disturbed("informer", "false");
}

#[test]
fn informers_of_all_kinds_miss_and_double_nothing() {
    disturbed("informers", "false");
}

#[test]
fn informers_that_stream_their_lists_miss_and_double_nothing() {
    disturbed("informers", "true");
}

/// Runs a program while processes die and history is forgotten.
fn disturbed(program: &str, streamed: &str) {
    let dir = tempfile::tempdir().expect("a directory");
    let Some(binary) = go_program("client-go", dir.path()) else {
        return;
    };
    let plane = ControlPlane::start(&[]);
    let mut child = Command::new(binary)
        .arg(program)
        .arg(plane.kubeconfig())
        .env("KUBE_FEATURE_WatchListClient", streamed)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program runs");
    let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    let mut said = Vec::new();
    while let Some(Ok(line)) = lines.next() {
        if line == "synced" {
            for process in ["store", "core", "aggregator"] {
                std::thread::sleep(Duration::from_millis(100));
                plane.kill(process);
                compact(&plane.store());
            }
        }
        said.push(line);
    }
    let status = child.wait().expect("it ends");
    assert!(status.success(), "{said:?}");
    assert_eq!(said.last().map(String::as_str), Some("same"));
}

/// A program of client-go against a plane with alpha features.
fn with_features(program: &str) {
    let dir = tempfile::tempdir().expect("a directory");
    let Some(binary) = go_program("client-go", dir.path()) else {
        return;
    };
    let plane = ControlPlane::start(&["--feature-gates=AllAlpha=true", "--controllers=false"]);
    run(&binary, program, &plane);
}

fn run(binary: &Path, program: &str, plane: &ControlPlane) {
    let out = Command::new(binary)
        .arg(program)
        .arg(plane.kubeconfig())
        .output()
        .expect("the program runs");
    let said = String::from_utf8_lossy(&out.stdout);
    assert!(out.status.success(), "{said}");
    assert_eq!(said.lines().last(), Some("same"));
}

#[test]
fn a_slow_reader_slows_nobody_and_misses_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    if let Some(binary) = go_program("client-go", dir.path()) {
        run(
            &binary,
            "slow",
            &ControlPlane::start(&["--controllers=false"]),
        );
    }
}

#[test]
fn clients_that_prefer_cbor_get_it() {
    with_features("cbor");
}

#[test]
fn shards_are_parts_of_a_whole() {
    with_features("shards");
}
