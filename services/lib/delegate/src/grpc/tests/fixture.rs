//! Servers on loopback and in memory, with certificates of their own.

use std::{io, sync::Arc};

use async_trait::async_trait;
use catena_runtime::{
    net::{Endpoint, Io, Listener},
    pki::Pki,
    tls::{ALPN_H2, ClientAuth, ClientTls, ServerFiles, ServerTls},
};
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;

use crate::{
    Delegate,
    grpc::{
        client::{Address, Dial, Endpoints, GrpcDelegate, Settings, TlsDialer},
        server::{Connection, DelegateServer},
    },
};

pub(super) fn fronts() -> Vec<String> {
    vec!["system:catena:aggregator".to_owned()]
}

/// A directory of certificates.
pub(super) struct World {
    dir: tempfile::TempDir,
    pki: Pki,
}

impl World {
    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let pki = Pki::open(dir.path().join("pki")).expect("certificates");
        Self { dir, pki }
    }

    pub(super) fn dialer(&self, process: &str) -> Arc<dyn Dial> {
        let pair = self.pki.process(process, &[]).expect("a certificate");
        let ca = self.pki.internal_ca().expect("an authority");
        let tls = ClientTls::new(ca, Some((pair.cert, pair.key)), &[ALPN_H2]).expect("a client");
        Arc::new(TlsDialer::new(Arc::new(tls), Some("core.catena.internal")).expect("a name"))
    }

    pub(super) fn socket(&self) -> Endpoint {
        Endpoint::Unix(self.dir.path().join("core.sock"))
    }

    pub(super) async fn server(&self, delegate: Arc<dyn Delegate>, at: &Endpoint) -> Running {
        let pair = self.pki.process("core", &[]).expect("a certificate");
        let files = ServerFiles {
            cert: pair.cert,
            key: pair.key,
            client_ca: Some(self.pki.internal_ca().expect("an authority")),
        };
        let tls = ServerTls::new(files, ClientAuth::Require, &[ALPN_H2]).expect("a server");
        let listener = Listener::bind(at).await.expect("bound");
        let endpoint = listener.local().expect("an address");
        let drain = CancellationToken::new();
        let server = DelegateServer::new(delegate, &fronts());
        let task = tokio::spawn(server.serve(listener, Arc::new(tls), drain.clone()));
        Running {
            endpoint,
            drain,
            task,
        }
    }

    pub(super) fn client(&self, endpoints: Vec<Endpoint>) -> GrpcDelegate {
        GrpcDelegate::new(
            Settings::new("core", Endpoints::new(endpoints)),
            self.dialer("aggregator"),
        )
    }
}

pub(super) struct Running {
    pub(super) endpoint: Endpoint,
    pub(super) drain: CancellationToken,
    pub(super) task: JoinHandle<io::Result<()>>,
}

pub(super) fn any_port() -> Endpoint {
    Endpoint::Host("127.0.0.1".into(), 0)
}

/// Dials into memory.
struct Pipes(mpsc::Sender<Connection>);

#[async_trait]
impl Dial for Pipes {
    async fn dial(&self, _: &Address) -> io::Result<Box<dyn Io>> {
        let (near, far) = tokio::io::duplex(1 << 16);
        self.0
            .send(Connection::trusted(far))
            .await
            .map_err(|_| io::Error::other("server is gone"))?;
        Ok(Box::new(near))
    }
}

/// A client and a server that are joined in memory.
pub(super) fn piped(delegate: Arc<dyn Delegate>) -> GrpcDelegate {
    let (tx, rx) = mpsc::channel(1);
    let server = DelegateServer::new(delegate, &fronts());
    tokio::spawn(server.serve_connections(ReceiverStream::new(rx), CancellationToken::new()));
    GrpcDelegate::new(
        Settings::new(
            "core",
            Endpoints::new(vec![Endpoint::Unix("/memory".into())]),
        ),
        Arc::new(Pipes(tx)),
    )
}
