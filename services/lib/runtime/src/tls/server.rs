//! The server side of TLS.

use std::{path::PathBuf, sync::Arc};

use rustls::{ServerConfig, server::WebPkiClientVerifier};
use tokio_util::sync::CancellationToken;

use super::{
    Error, RELOAD_EVERY, Reloading, provider, read_certs, read_key, read_roots, verifier::AnyClient,
};

/// What is asked of clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAuth {
    /// No certificate is asked for.
    None,
    /// A certificate may be shown. Possession of its key is proven in the
    /// handshake, who signed it is for authentication to judge (Go's
    /// `RequestClientCert`, as kube-apiserver's secure port has it).
    Request,
    /// A certificate that the client authorities signed must be shown.
    Require,
}

/// The files of a server.
#[derive(Clone, Debug)]
pub struct ServerFiles {
    pub cert: PathBuf,
    pub key: PathBuf,
    /// Authorities of clients: named in the handshake, and binding with [`ClientAuth::Require`].
    pub client_ca: Option<PathBuf>,
}

/// A server configuration that follows its files.
pub struct ServerTls {
    files: ServerFiles,
    auth: ClientAuth,
    alpn: Vec<Vec<u8>>,
    config: Reloading<ServerConfig>,
}

impl ServerTls {
    pub fn new(files: ServerFiles, auth: ClientAuth, alpn: &[&[u8]]) -> Result<Self, Error> {
        let alpn: Vec<Vec<u8>> = alpn.iter().map(|a| a.to_vec()).collect();
        let mut watched = vec![files.cert.clone(), files.key.clone()];
        watched.extend(files.client_ca.clone());
        let first = build(&files, auth, &alpn)?;
        Ok(Self {
            files,
            auth,
            alpn,
            config: Reloading::new(first, watched),
        })
    }

    /// The configuration of now; ask again for each connection.
    pub fn config(&self) -> Arc<ServerConfig> {
        self.config.get()
    }

    /// Reads the files again if they changed.
    pub fn refresh(&self) {
        self.config
            .refresh(|| build(&self.files, self.auth, &self.alpn));
    }

    /// Keeps the configuration fresh until `stop`.
    pub async fn watch(self: Arc<Self>, stop: CancellationToken) {
        while tokio::time::timeout(RELOAD_EVERY, stop.cancelled())
            .await
            .is_err()
        {
            self.refresh();
        }
    }
}

fn build(files: &ServerFiles, auth: ClientAuth, alpn: &[Vec<u8>]) -> Result<ServerConfig, Error> {
    let provider = provider();
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|e| Error::Settings(e.to_string()))?;
    let roots = files.client_ca.as_deref().map(read_roots).transpose()?;
    let builder = match (auth, roots) {
        (ClientAuth::None, _) => builder.with_no_client_auth(),
        (ClientAuth::Request, roots) => {
            let hints = roots.map(|r| r.subjects()).unwrap_or_default();
            builder.with_client_cert_verifier(Arc::new(AnyClient::new(hints, &provider)))
        }
        (ClientAuth::Require, Some(roots)) => {
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                .build()
                .map_err(|e| Error::Settings(e.to_string()))?;
            builder.with_client_cert_verifier(verifier)
        }
        (ClientAuth::Require, None) => {
            return Err(Error::Settings(
                "client certificates are required, but no authority of clients is given".to_owned(),
            ));
        }
    };
    let mut config = builder
        .with_single_cert(read_certs(&files.cert)?, read_key(&files.key)?)
        .map_err(|e| Error::file(&files.cert, e))?;
    config.alpn_protocols = alpn.to_vec();
    Ok(config)
}
