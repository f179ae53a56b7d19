//! What brings the key to the nodes: a web hook over HTTPS.

mod common;

use std::{
    fs,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use catena_runtime::{
    pki::Pki,
    tls::{ALPN_HTTP11, ClientAuth, ServerFiles, ServerTls},
};
use common::{Sshd, Tunnel, can_run, keygen, prepare, user};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

/// A hook that is busy at first, and then writes what it is told into a file.
struct Hook {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Hook {
    async fn start(pki: &Pki, authorized: PathBuf) -> Self {
        let pair = pki.process("hook", &[]).expect("a certificate");
        let files = ServerFiles {
            cert: pair.cert,
            key: pair.key,
            client_ca: Some(pki.internal_ca().expect("an authority")),
        };
        let tls = ServerTls::new(files, ClientAuth::Require, &[ALPN_HTTP11]).expect("files");
        let accept = TlsAcceptor::from(tls.config());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                answer(&accept, tcp, &seen, &authorized).await;
            }
        });
        Self { port, asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no panic").clone()
    }
}

async fn answer(
    accept: &TlsAcceptor,
    tcp: TcpStream,
    seen: &Mutex<Vec<String>>,
    authorized: &PathBuf,
) {
    let Ok(mut tls) = accept.accept(tcp).await else {
        return;
    };
    let mut request = Vec::new();
    while !request.ends_with(b"}") {
        request.push(tls.read_u8().await.expect("a request"));
    }
    let request = String::from_utf8(request).expect("text");
    let (head, body) = request.split_once("\r\n\r\n").expect("a body");
    assert!(head.contains("content-type: application/json"), "{head}");
    let first = seen.lock().expect("no panic").is_empty();
    seen.lock().expect("no panic").push(request.clone());
    let status = if first {
        "503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy"
    } else {
        let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
        assert_eq!(body["user"], user().as_str());
        let line = body["authorizedKey"].as_str().expect("a key");
        fs::write(authorized, format!("{line}\n")).expect("a file");
        "204 No Content\r\n\r\n"
    };
    let _ = tls.write_all(format!("HTTP/1.1 {status}").as_bytes()).await;
    let _ = tls.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_web_hook_brings_the_key() {
    if !can_run() {
        return;
    }
    let dir = prepare();
    keygen(&dir.path().join("theirs"), &["-t", "ed25519"]);
    let sshd = Sshd::start(&dir.path().join("theirs.pub"));
    fs::write(dir.path().join("known"), sshd.known()).expect("a file");
    catena_runtime::tls::install_provider();
    let pki = Pki::open(dir.path().join("pki")).expect("a directory");
    let hook = Hook::start(&pki, sshd.authorized()).await;
    let ca = pki.internal_ca().expect("an authority");
    let flags = [
        sshd.node("n1"),
        // Its certificate is shown to the hook, which asks for one.
        format!("--pki-dir={}", dir.path().join("pki").display()),
        format!(
            "--ssh-key-installer-webhook=https://localhost:{}/keys?token=t",
            hook.port
        ),
        format!("--ssh-key-installer-webhook-ca-file={}", ca.display()),
    ];
    let tunnel = Tunnel::start(dir, &flags).await;
    // The first answer was no: it is asked again within the half minute.
    tunnel.sessions(1).await;
    let asked = hook.asked();
    assert_eq!(asked.len(), 2);
    assert!(
        asked[0].starts_with("POST /keys?token=t HTTP/1.1\r\n"),
        "{}",
        asked[0]
    );
    tunnel.stop().await;
}

#[derive(clap::Parser)]
struct Args {
    #[command(flatten)]
    options: catena_tunnel::Options,
}

#[test]
fn flags_of_installers_fit_together() {
    use clap::Parser as _;
    let problems = |more: &[&str]| {
        let flags = "t --listen=/t --node=n --ssh-user=u --ssh-keyfile=/k --ssh-known-hosts=/h";
        let args = flags.split(' ').chain(more.iter().copied());
        Args::try_parse_from(args)
            .expect("flags")
            .options
            .problems()
    };
    assert_eq!(problems(&[]), Vec::<String>::new());
    let ca = "--ssh-key-installer-webhook-ca-file=/ca";
    let hook = "--ssh-key-installer-webhook=https://hook/keys";
    assert_eq!(problems(&[ca, hook]), Vec::<String>::new());
    for (more, why) in [
        (&[hook][..], "must be specified together"),
        (&[ca], "must be specified together"),
        (
            &[ca, hook, "--ssh-key-installer-command=/c"],
            "exclude each other",
        ),
        (
            &[ca, "--ssh-key-installer-webhook=http://hook/"],
            "must be a URL that starts with https://",
        ),
        (
            &[ca, "--ssh-key-installer-webhook=hook"],
            "must be a URL that starts with https://",
        ),
    ] {
        let told = problems(more);
        assert!(told.len() == 1 && told[0].contains(why), "{told:?}");
    }
}
