//! client-go's informers through the chain (`client-go/main.go`).

use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
    time::Duration,
};

use catena_tests_it::{ControlPlane, go_program};

#[test]
fn an_informer_misses_and_doubles_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let Some(program) = go_program("client-go", dir.path()) else {
        return;
    };
    let plane = ControlPlane::start(&[]);
    let mut child = Command::new(program)
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
            }
        }
        said.push(line);
    }
    let status = child.wait().expect("it ends");
    assert!(status.success(), "{said:?}");
    assert_eq!(said.last().map(String::as_str), Some("same"));
}
