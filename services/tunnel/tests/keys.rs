//! Keys in the formats that there are, and keys of an agent.

mod common;

use std::{
    fs,
    process::{Child, Command, Stdio},
};

use common::{Sshd, Tunnel, can_run, keygen, prepare};

async fn connects(dir: tempfile::TempDir, public: &str, more: &[String]) {
    let sshd = Sshd::start(&dir.path().join(public));
    fs::write(dir.path().join("known"), sshd.known()).expect("a file");
    let mut flags = vec![sshd.node("n1")];
    flags.extend_from_slice(more);
    let tunnel = Tunnel::start(dir, &flags).await;
    tunnel.sessions(1).await;
    tunnel.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_every_kind_and_format_are_used() {
    if !can_run() {
        return;
    }
    let kinds: [&[&str]; 4] = [
        // kube-apiserver's own: RSA 2048 as PKCS#1.
        &["-t", "rsa", "-b", "2048", "-m", "PEM"],
        &["-t", "rsa", "-b", "3072"],
        &["-t", "ecdsa"],
        &["-t", "ed25519"],
    ];
    for kind in kinds {
        let dir = prepare();
        for file in ["key", "key.pub"] {
            fs::remove_file(dir.path().join(file)).expect("a file");
        }
        keygen(&dir.path().join("key"), kind);
        connects(dir, "key.pub", &[]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_made_where_there_is_none() {
    if !can_run() {
        return;
    }
    let dir = prepare();
    for file in ["key", "key.pub"] {
        fs::remove_file(dir.path().join(file)).expect("a file");
    }
    let path = dir.path().to_owned();
    let (node, door) = ("--node=127.0.0.1:1".to_owned(), path.join("key.pub"));
    let tunnel = Tunnel::start(dir, &[node]).await;
    common::eventually("the public key", async || door.exists()).await;
    let line = fs::read_to_string(door).expect("a key");
    assert!(line.starts_with("ssh-ed25519 "), "{line}");
    let mode = fs::metadata(path.join("key"))
        .expect("a file")
        .permissions();
    assert_eq!(
        std::os::unix::fs::PermissionsExt::mode(&mode) & 0o777,
        0o600
    );
    tunnel.stop().await;
}

struct Agent(Child);

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_an_agent_are_tried() {
    if !can_run() {
        return;
    }
    let dir = prepare();
    keygen(&dir.path().join("held"), &["-t", "ed25519"]);
    let socket = dir.path().join("agent");
    let agent = Command::new("ssh-agent")
        .arg("-D")
        .arg("-a")
        .arg(&socket)
        .stdout(Stdio::null())
        .spawn();
    let _agent = Agent(agent.expect("ssh-agent runs"));
    common::eventually("the agent", async || socket.exists()).await;
    let added = Command::new("ssh-add")
        .arg("-q")
        .arg(dir.path().join("held"))
        .env("SSH_AUTH_SOCK", &socket)
        .status();
    assert!(added.expect("ssh-add runs").success());
    let flag = format!("--ssh-agent={}", socket.display());
    connects(dir, "held.pub", &[flag]).await;
}
