//! The current etcd, built from its Go module, with its own tracing.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
};

use catena_tests_it::free_port;

use crate::Jaeger;

/// Ended with the value.
pub struct Etcd {
    child: Child,
    pub url: String,
    _dir: tempfile::TempDir,
}

impl Etcd {
    /// `None`, with the reason told, where it was not built.
    pub fn start(jaeger: &Jaeger) -> Option<Self> {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/etcd");
        if !program.exists() {
            println!("skipped: target/tools/etcd was not built (make deps)");
            return None;
        }
        let dir = tempfile::tempdir().expect("a directory");
        let url = format!("http://127.0.0.1:{}", free_port());
        let peers = format!("http://127.0.0.1:{}", free_port());
        let collector = jaeger.endpoint();
        let child = Command::new(program)
            .arg(format!("--data-dir={}", dir.path().display()))
            .args([
                "--listen-client-urls",
                &url,
                "--advertise-client-urls",
                &url,
            ])
            .args([
                "--listen-peer-urls",
                &peers,
                "--initial-advertise-peer-urls",
                &peers,
            ])
            .args(["--initial-cluster", &format!("default={peers}")])
            .arg("--enable-distributed-tracing")
            .args([
                "--distributed-tracing-address",
                collector.trim_start_matches("http://"),
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("etcd starts");
        Some(Self {
            child,
            url,
            _dir: dir,
        })
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
