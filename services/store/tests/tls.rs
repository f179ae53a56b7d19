//! Who may connect when there is a certificate.

use std::{path::PathBuf, sync::Arc};

use catena_proto::etcdserverpb::{self as pb, kv_client::KvClient};
use catena_runtime::{
    net::{Endpoint, Listener},
    pki::{Pki, process_server_name},
    tls::{ALPN_H2, ClientAuth, ServerFiles, ServerTls},
};
use catena_store::{Engine, EngineOptions, serve_on};
use tokio_util::sync::CancellationToken;
use tonic::transport::{Certificate, ClientTlsConfig, Identity};

fn read(path: &PathBuf) -> Vec<u8> {
    std::fs::read(path).expect("a file")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_shows_a_certificate() {
    catena_runtime::tls::install_provider();
    let dir = tempfile::tempdir().expect("a directory");
    let pki = Pki::open(dir.path().join("pki")).expect("a PKI");
    let server = pki.process("store", &[]).expect("a certificate");
    let client = pki.process("core", &[]).expect("a certificate");
    let ca = pki.internal_ca().expect("an authority");
    let files = ServerFiles {
        cert: server.cert,
        key: server.key,
        client_ca: Some(ca.clone()),
    };
    let tls = ServerTls::new(files, ClientAuth::Require, &[ALPN_H2]).expect("TLS");
    let engine = Engine::open(&dir.path().join("data"), EngineOptions::default()).expect("opens");
    let at = Endpoint::Host("127.0.0.1".to_owned(), 0);
    let listener = Listener::bind(&at).await.expect("binds");
    let address = listener.local().expect("an address");
    let stop = CancellationToken::new();
    let _end = stop.clone().drop_guard();
    tokio::spawn(serve_on(listener, engine, Some(Arc::new(tls)), stop));

    let trust = ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(read(&ca)))
        .domain_name(process_server_name("store"));
    let identity = Identity::from_pem(read(&client.cert), read(&client.key));
    for (tls, allowed) in [(trust.clone().identity(identity), true), (trust, false)] {
        let endpoint = tonic::transport::Endpoint::from_shared(format!("https://{address}"));
        let endpoint = endpoint.expect("a URI").tls_config(tls).expect("TLS");
        let answer = async {
            let channel = endpoint.connect().await.map_err(|_| ())?;
            let request = pb::RangeRequest {
                key: "a".into(),
                ..pb::RangeRequest::default()
            };
            KvClient::new(channel).range(request).await.map_err(|_| ())
        };
        assert_eq!(answer.await.is_ok(), allowed);
    }
}
