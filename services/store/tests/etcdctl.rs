//! What the real `etcdctl` makes of a running store. Without it, tests say so and pass.

use std::{path::Path, process::Stdio};

use catena_runtime::net::{Endpoint, Listener};
use catena_store::{Engine, EngineOptions, serve_on};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::Command,
};
use tokio_util::sync::{CancellationToken, DropGuard};

const ETCDCTL: &str = "/usr/bin/etcdctl";

struct Server {
    endpoint: String,
    dir: tempfile::TempDir,
    _stop: DropGuard,
}

async fn server() -> Option<Server> {
    if !Path::new(ETCDCTL).exists() {
        eprintln!("skipped: there is no {ETCDCTL}");
        return None;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let options = EngineOptions {
        unsafe_no_fsync: true,
        ..EngineOptions::default()
    };
    let engine = Engine::open(dir.path(), options).expect("opens");
    let at = Endpoint::Host("127.0.0.1".to_owned(), 0);
    let listener = Listener::bind(&at).await.expect("binds");
    let endpoint = listener.local().expect("an address").to_string();
    let stop = CancellationToken::new();
    tokio::spawn(serve_on(listener, engine, None, stop.clone()));
    Some(Server {
        endpoint,
        dir,
        _stop: stop.drop_guard(),
    })
}

impl Server {
    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(ETCDCTL);
        command
            .env("ETCDCTL_API", "3")
            .args(["--endpoints", &self.endpoint])
            .args(args)
            .kill_on_drop(true);
        command
    }

    /// What it prints, first on stdout, then on stderr.
    async fn run(&self, args: &[&str]) -> String {
        self.run_with(args, "").await
    }

    async fn run_with(&self, args: &[&str], input: &str) -> String {
        use tokio::io::AsyncWriteExt as _;
        let mut child = self
            .command(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("etcdctl starts");
        let mut stdin = child.stdin.take().expect("stdin");
        stdin.write_all(input.as_bytes()).await.expect("writes");
        drop(stdin);
        let out = child.wait_with_output().await.expect("etcdctl ends");
        let text = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
        text(&out.stdout) + &text(&out.stderr)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys() {
    let Some(s) = server().await else { return };
    assert_eq!(s.run(&["put", "a", "1"]).await, "OK\n");
    assert_eq!(s.run(&["put", "a", "2", "--prev-kv"]).await, "OK\na\n1\n");
    assert_eq!(s.run(&["put", "b", "3"]).await, "OK\n");
    assert_eq!(s.run(&["get", "a"]).await, "a\n2\n");
    assert_eq!(
        s.run(&["get", "", "--prefix", "--keys-only"]).await,
        "a\n\nb\n\n"
    );
    assert_eq!(s.run(&["get", "a", "--rev", "2"]).await, "a\n1\n");
    assert_eq!(
        s.run(&["get", "", "--from-key", "--order=DESCEND", "--limit=1"])
            .await,
        "b\n3\n"
    );
    assert_eq!(s.run(&["del", "a", "--prev-kv"]).await, "1\na\n2\n");
    let txn = "value(\"b\") = \"3\"\n\nput c 4\nget b\n\nget a\n\n";
    assert_eq!(s.run_with(&["txn"], txn).await, "SUCCESS\n\nOK\n\nb\n3\n");
    assert_eq!(s.run(&["compact", "5"]).await, "compacted revision 5\n");
    let error = s.run(&["compact", "5"]).await;
    assert!(
        error.contains("etcdserver: mvcc: required revision has been compacted"),
        "{error}"
    );
    let error = s.run(&["get", "a", "--rev", "2"]).await;
    assert!(
        error.contains("etcdserver: mvcc: required revision has been compacted"),
        "{error}"
    );
    let error = s.run(&["get", "a", "--rev", "99"]).await;
    assert!(
        error.contains("etcdserver: mvcc: required revision is a future revision"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn watches() {
    let Some(s) = server().await else { return };
    for (key, value) in [("k1", "a"), ("k2", "b"), ("k1", "c")] {
        s.run(&["put", key, value]).await;
    }
    let mut child = s
        .command(&["watch", "k", "--prefix", "--rev", "2", "--prev-kv"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("etcdctl starts");
    let mut lines = BufReader::new(child.stdout.take().expect("stdout")).lines();
    let history = [
        "PUT", "k1", "a", "PUT", "k2", "b", "PUT", "k1", "a", "k1", "c",
    ];
    for expected in history {
        assert_eq!(
            lines.next_line().await.expect("reads").as_deref(),
            Some(expected)
        );
    }
    s.run(&["del", "k1"]).await;
    for expected in ["DELETE", "k1", "c", "k1", ""] {
        assert_eq!(
            lines.next_line().await.expect("reads").as_deref(),
            Some(expected)
        );
    }
    s.run(&["compact", "4"]).await;
    let error = s.run(&["watch", "k", "--prefix", "--rev", "2"]).await;
    assert!(
        error.contains("required revision has been compacted"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn leases() {
    let Some(s) = server().await else { return };
    let granted = s.run(&["lease", "grant", "100"]).await;
    let id = granted.split(' ').nth(1).expect("an identity").to_owned();
    assert!(granted.ends_with("granted with TTL(100s)\n"), "{granted}");
    assert_eq!(s.run(&["put", "a", "1", "--lease", &id]).await, "OK\n");
    let shown = s.run(&["lease", "timetolive", &id, "--keys"]).await;
    assert!(shown.ends_with("attached keys([a])\n"), "{shown}");
    let listed = s.run(&["lease", "list"]).await;
    assert_eq!(listed, format!("found 1 leases\n{id}\n"));
    let kept = s.run(&["lease", "keep-alive", "--once", &id]).await;
    assert!(kept.contains("keepalived with TTL(100)"), "{kept}");
    assert_eq!(
        s.run(&["lease", "revoke", &id]).await,
        format!("lease {id} revoked\n")
    );
    assert_eq!(s.run(&["get", "a"]).await, "");
    let error = s.run(&["put", "a", "1", "--lease", &id]).await;
    assert!(
        error.contains("etcdserver: requested lease not found"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_member() {
    let Some(s) = server().await else { return };
    let health = s.run(&["endpoint", "health"]).await;
    assert!(health.contains("is healthy"), "{health}");
    let status = s.run(&["endpoint", "status"]).await;
    assert!(status.contains(", 3.6.0, "), "{status}");
    let members = s.run(&["member", "list"]).await;
    assert!(
        members.contains(&format!("http://{}", s.endpoint)),
        "{members}"
    );
    assert_eq!(s.run(&["alarm", "list"]).await, "");
    let defragmented = s.run(&["defrag"]).await;
    assert!(
        defragmented.starts_with("Finished defragmenting"),
        "{defragmented}"
    );
    let file = s.dir.path().join("snapshot");
    let saved = s.run(&["snapshot", "save", &file.to_string_lossy()]).await;
    assert!(saved.contains("Snapshot saved at"), "{saved}");
    let hash = s.run(&["endpoint", "hashkv"]).await;
    assert!(hash.starts_with(&s.endpoint), "{hash}");
}
