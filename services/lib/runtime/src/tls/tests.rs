use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::*;
use crate::pki::Pki;

async fn handshake(
    server: &ServerTls,
    client: &ClientTls,
) -> Result<Option<PeerNames>, std::io::Error> {
    let (near, far) = tokio::io::duplex(1 << 16);
    let name = "localhost".try_into().expect("a name");
    let connector = TlsConnector::from(client.config());
    let task = tokio::spawn(async move {
        let mut stream = connector.connect(name, near).await?;
        stream.write_all(b"x").await?;
        stream.read_u8().await
    });
    let mut stream = TlsAcceptor::from(server.config()).accept(far).await?;
    stream.read_u8().await?;
    stream.write_all(b"y").await?;
    task.await.expect("no panic")?;
    let certs = stream.get_ref().1.peer_certificates();
    Ok(certs
        .and_then(|c| c.first())
        .map(|c| names_in(c).expect("a certificate")))
}

fn files(pair: &crate::pki::Pair, client_ca: Option<PathBuf>) -> ServerFiles {
    ServerFiles {
        cert: pair.cert.clone(),
        key: pair.key.clone(),
        client_ca,
    }
}

#[tokio::test]
async fn required_certificates_are_verified_and_requested_ones_only_proven() {
    let dir = tempfile::tempdir().expect("a directory");
    let pki = Pki::open(dir.path()).expect("opened");
    let core = pki.process("core", &[]).expect("made");
    let admin = pki.client("admin", "admin", None).expect("made");
    let internal = pki.internal_ca().expect("an authority");
    let client = |pair: Option<&crate::pki::Pair>| {
        let identity = pair.map(|p| (p.cert.clone(), p.key.clone()));
        ClientTls::new(internal.clone(), identity, &[]).expect("a client")
    };
    let strict = ServerTls::new(
        files(&core, Some(internal.clone())),
        ClientAuth::Require,
        &[],
    )
    .expect("a server");
    let seen = handshake(&strict, &client(Some(&core)))
        .await
        .expect("accepted")
        .expect("names");
    assert_eq!(seen.common_name, "system:catena:core");
    assert!(handshake(&strict, &client(None)).await.is_err());
    assert!(handshake(&strict, &client(Some(&admin))).await.is_err());

    let open = ServerTls::new(
        files(&core, Some(internal.clone())),
        ClientAuth::Request,
        &[],
    )
    .expect("a server");
    assert!(
        handshake(&open, &client(None))
            .await
            .expect("accepted")
            .is_none()
    );
    let seen = handshake(&open, &client(Some(&admin)))
        .await
        .expect("accepted")
        .expect("names");
    assert_eq!(seen.common_name, "admin");
}

#[tokio::test]
async fn a_changed_certificate_is_served_and_a_broken_one_is_not() {
    let dir = tempfile::tempdir().expect("a directory");
    let pki = Pki::open(dir.path()).expect("opened");
    let pair = pki.process("core", &[]).expect("made");
    let server = ServerTls::new(files(&pair, None), ClientAuth::None, &[]).expect("a server");
    let before = Arc::as_ptr(&server.config());
    server.refresh();
    assert_eq!(before, Arc::as_ptr(&server.config()));
    std::fs::write(&pair.cert, "broken").expect("written");
    server.refresh();
    assert_eq!(before, Arc::as_ptr(&server.config()));
    std::fs::remove_file(&pair.cert).expect("removed");
    pki.process("core", &[]).expect("made anew");
    server.refresh();
    assert_ne!(before, Arc::as_ptr(&server.config()));
}
