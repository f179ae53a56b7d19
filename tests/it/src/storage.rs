//! What happens in storage behind a control plane.

use std::process::{Child, Command, Stdio};

use catena_runtime::flags::Etcd;
use catena_storage::{Error, Storage as _};
use catena_storage_etcd::EtcdStorage;

use crate::{free_port, tool};

/// The current etcd, built from its Go module, in a directory of its own; ended
/// with the value.
pub struct RealEtcd {
    child: Child,
    pub url: String,
    _dir: tempfile::TempDir,
}

impl RealEtcd {
    /// `None`, with the reason told, where it was not built.
    pub fn start(flags: &[&str]) -> Option<Self> {
        let program = tool("etcd")?;
        let dir = tempfile::tempdir().expect("a directory");
        let url = format!("http://127.0.0.1:{}", free_port());
        let peers = format!("http://127.0.0.1:{}", free_port());
        let child = Command::new(program)
            .arg(format!("--data-dir={}", dir.path().display()))
            .arg(format!("--listen-client-urls={url}"))
            .arg(format!("--advertise-client-urls={url}"))
            .arg(format!("--listen-peer-urls={peers}"))
            .arg(format!("--initial-advertise-peer-urls={peers}"))
            .arg(format!("--initial-cluster=default={peers}"))
            .args(flags)
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

impl Drop for RealEtcd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Forgets all history of the storage at an address.
pub fn compact(server: &str) {
    forget(server, None);
}

/// Forgets what was before a revision.
pub fn compact_at(server: &str, revision: i64) {
    forget(server, Some(revision));
}

fn forget(server: &str, revision: Option<i64>) {
    let flags = Etcd {
        etcd_servers: vec![server.to_owned()],
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
        match storage.compact(revision.unwrap_or(now)).await {
            // Nothing was written since the last time.
            Ok(()) | Err(Error::Compacted { .. }) => {}
            Err(e) => panic!("{e}"),
        }
    });
}
