//! client-go through the chain (`client-go/main.go`).

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use catena_runtime::flags::Etcd;
use catena_storage::{Error, Storage as _};
use catena_storage_etcd::EtcdStorage;
use catena_tests_it::{ControlPlane, go_program};

#[test]
fn an_informer_misses_and_doubles_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let Some(program) = go_program("client-go", dir.path()) else {
        return;
    };
    let plane = ControlPlane::start(&[]);
    let mut child = Command::new(program)
        .arg("informer")
        .arg(plane.kubeconfig())
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
                compact(&plane);
            }
        }
        said.push(line);
    }
    let status = child.wait().expect("it ends");
    assert!(status.success(), "{said:?}");
    assert_eq!(said.last().map(String::as_str), Some("same"));
}

/// Forgets all history of storage.
fn compact(plane: &ControlPlane) {
    let socket = plane.dir().join("store.sock");
    let flags = Etcd {
        etcd_servers: vec![format!("unix://{}", socket.display())],
        etcd_cafile: None,
        etcd_certfile: None,
        etcd_keyfile: None,
        etcd_prefix: "/registry".to_owned(),
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let storage = EtcdStorage::connect(&flags).expect("an address");
        catena_storage_etcd::wait(&storage).await.expect("storage");
        let now = storage.status().await.expect("storage").revision;
        match storage.compact(now).await {
            // Nothing was written since the last time.
            Ok(()) | Err(Error::Compacted { .. }) => {}
            Err(e) => panic!("{e}"),
        }
    });
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
