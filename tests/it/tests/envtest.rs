//! The one-process form in the place of kube-apiserver, under controller-runtime's
//! envtest (`envtest/main.go`).

use std::{
    os::unix::fs::symlink,
    process::{Command, Stdio},
};

use catena_tests_it::{binary, go_program, has};

/// Where a program is.
fn path_of(program: &str) -> String {
    let out = Command::new("sh")
        .args(["-c", &format!("command -v {program}")])
        .output()
        .expect("sh runs");
    String::from_utf8_lossy(&out.stdout).trim().to_owned()
}

#[test]
fn envtest_starts_a_control_plane() {
    if !(has("etcd") && has("kubectl")) {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let Some(program) = go_program("envtest", dir.path()) else {
        return;
    };
    let assets = dir.path().join("assets");
    std::fs::create_dir(&assets).expect("a directory");
    symlink(binary(), assets.join("kube-apiserver")).expect("a link");
    for real in ["etcd", "kubectl"] {
        symlink(path_of(real), assets.join(real)).expect("a link");
    }
    // A control plane that does not come up leaves processes with these pipes behind.
    let log = std::fs::File::create(dir.path().join("log")).expect("a file");
    let status = Command::new(program)
        .arg(assets)
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a file"))
        .stderr(log)
        .status()
        .expect("it runs");
    let said = std::fs::read_to_string(dir.path().join("log")).unwrap_or_default();
    assert!(status.success(), "{said}");
    assert!(said.contains("reconciled"), "{said}");
}
