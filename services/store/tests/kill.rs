//! A killed process loses nothing that it acknowledged.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use catena_proto::etcdserverpb::{self as pb, kv_client::KvClient};
use tonic::transport::{Channel, Endpoint};

const ROUNDS: usize = 3;
const WRITERS: usize = 16;
/// Acknowledged writes after which the process is killed.
const ENOUGH: usize = 300;

struct Store(Child);

impl Drop for Store {
    fn drop(&mut self) {
        // SIGKILL: nothing of the process runs any more.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn start(dir: &Path) -> (Store, KvClient<Channel>) {
    let socket = dir.join("socket");
    let child = Command::new(env!("CARGO_BIN_EXE_catena-store"))
        .arg("--data-dir")
        .arg(dir.join("data"))
        .arg("--listen")
        .arg(&socket)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the store starts");
    let store = Store(child);
    let endpoint = Endpoint::from_shared(format!("unix://{}", socket.display())).expect("a URI");
    loop {
        match endpoint.connect().await {
            Ok(channel) => return (store, KvClient::new(channel)),
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

/// Writes until the server is gone. Gives (key, value, revision) of what was acknowledged.
async fn write(
    mut client: KvClient<Channel>,
    prefix: String,
    acknowledged: Arc<AtomicUsize>,
) -> Vec<(String, String, i64)> {
    let mut out = Vec::new();
    for n in 0.. {
        let (key, value) = (format!("{prefix}/{}", n % 50), format!("{prefix}-{n}"));
        let request = pb::PutRequest {
            key: key.clone().into(),
            value: value.clone().into(),
            ..pb::PutRequest::default()
        };
        let Ok(response) = client.put(request).await else {
            break;
        };
        acknowledged.fetch_add(1, Ordering::Relaxed);
        let header = response.into_inner().header.expect("a header");
        out.push((key, value, header.revision));
    }
    out
}

#[tokio::test(flavor = "multi_thread")]
async fn acknowledged_writes_survive() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut all = Vec::new();
    for round in 0..ROUNDS {
        let (store, client) = start(dir.path()).await;
        let acknowledged = Arc::new(AtomicUsize::new(0));
        let mut writers = tokio::task::JoinSet::new();
        for writer in 0..WRITERS {
            let prefix = format!("{round}/{writer}");
            writers.spawn(write(client.clone(), prefix, Arc::clone(&acknowledged)));
        }
        while acknowledged.load(Ordering::Relaxed) < ENOUGH {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        drop(store);
        all.extend(writers.join_all().await.into_iter().flatten());
    }
    let (_store, mut client) = start(dir.path()).await;
    assert!(all.len() >= ROUNDS * ENOUGH);
    for (key, value, revision) in all {
        let request = pb::RangeRequest {
            key: key.clone().into(),
            revision,
            ..pb::RangeRequest::default()
        };
        let kvs = client.range(request).await.expect("range").into_inner().kvs;
        let [kv] = &kvs[..] else {
            panic!("{key} is lost at revision {revision}");
        };
        assert_eq!(
            (&kv.value[..], kv.mod_revision),
            (value.as_bytes(), revision)
        );
    }
}
