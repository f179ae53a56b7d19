//! TLS configurations from files, reloaded when the files change, and the
//! names in the certificates of peers.

mod names;
mod server;
#[cfg(test)]
mod tests;
mod unverified;
mod verifier;

pub(crate) use names::is_of_key;
pub use names::{PeerNames, names_in, names_in_pem, signed_by};
pub use server::{ClientAuth, ServerFiles, ServerTls};
pub use unverified::unverified;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use arc_swap::ArcSwap;
use rustls::{ClientConfig, RootCertStore, crypto::CryptoProvider};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use tokio_util::sync::CancellationToken;

/// Files are looked at this often: a rotated certificate is served soon after.
pub const RELOAD_EVERY: Duration = Duration::from_secs(10);

/// Bound on a handshake: a peer that says nothing must not hold a connection.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

pub const ALPN_H2: &[u8] = b"h2";
pub const ALPN_HTTP11: &[u8] = b"http/1.1";

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{path}: {why}")]
    File { path: PathBuf, why: String },
    #[error("TLS settings do not fit together: {0}")]
    Settings(String),
}

impl Error {
    fn file(path: &Path, why: impl std::fmt::Display) -> Self {
        Self::File {
            path: path.to_owned(),
            why: why.to_string(),
        }
    }
}

/// The cryptography of the process. Idempotent; called before any TLS is used.
pub fn install_provider() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

pub(crate) fn provider() -> Arc<CryptoProvider> {
    CryptoProvider::get_default().map_or_else(
        || Arc::new(rustls::crypto::aws_lc_rs::default_provider()),
        Arc::clone,
    )
}

/// Certificates of a PEM file, at least one.
pub fn read_certs(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let pem = std::fs::read(path).map_err(|e| Error::file(path, e))?;
    let certs = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|e| Error::file(path, e))?;
    if certs.is_empty() {
        return Err(Error::file(path, "no certificate in it"));
    }
    Ok(certs)
}

pub(crate) fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, Error> {
    PrivateKeyDer::from_pem_file(path).map_err(|e| Error::file(path, e))
}

/// The roots in a PEM bundle.
pub fn read_roots(path: &Path) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    for cert in read_certs(path)? {
        roots.add(cert).map_err(|e| Error::file(path, e))?;
    }
    Ok(roots)
}

/// What was built from files, built again when one of them changes.
pub(crate) struct Reloading<T> {
    current: ArcSwap<T>,
    files: Vec<PathBuf>,
    seen: parking_lot::Mutex<Vec<Option<SystemTime>>>,
}

impl<T: Send + Sync + 'static> Reloading<T> {
    pub(crate) fn new(first: T, files: Vec<PathBuf>) -> Self {
        let seen = stamps(&files).into();
        Self {
            current: ArcSwap::from_pointee(first),
            files,
            seen,
        }
    }

    pub(crate) fn get(&self) -> Arc<T> {
        self.current.load_full()
    }

    /// Builds again when a file changed. What cannot be built leaves the old in place.
    pub(crate) fn refresh(&self, build: impl FnOnce() -> Result<T, Error>) {
        let now = stamps(&self.files);
        if *self.seen.lock() == now {
            return;
        }
        match build() {
            Ok(new) => {
                self.current.store(Arc::new(new));
                *self.seen.lock() = now;
                tracing::info!(files = ?self.files, "certificates were read again");
            }
            Err(e) => {
                tracing::warn!(error = %e, "changed certificates are not usable; the old ones stay")
            }
        }
    }
}

fn stamps(files: &[PathBuf]) -> Vec<Option<SystemTime>> {
    files
        .iter()
        .map(|f| f.metadata().and_then(|m| m.modified()).ok())
        .collect()
}

/// How this process proves itself to servers, and whom it believes.
pub struct ClientTls {
    ca: Option<PathBuf>,
    identity: Option<(PathBuf, PathBuf)>,
    alpn: Vec<Vec<u8>>,
    config: Reloading<ClientConfig>,
}

impl ClientTls {
    /// `ca`: authorities of servers; without any, every server is believed.
    /// `identity`: certificate and key of this client.
    pub fn new(
        ca: impl Into<Option<PathBuf>>,
        identity: Option<(PathBuf, PathBuf)>,
        alpn: &[&[u8]],
    ) -> Result<Self, Error> {
        let ca = ca.into();
        let alpn: Vec<Vec<u8>> = alpn.iter().map(|a| a.to_vec()).collect();
        let mut files: Vec<PathBuf> = ca.iter().cloned().collect();
        files.extend(identity.iter().flat_map(|(c, k)| [c.clone(), k.clone()]));
        let first = build_client(ca.as_deref(), identity.as_ref(), &alpn)?;
        Ok(Self {
            ca,
            identity,
            alpn,
            config: Reloading::new(first, files),
        })
    }

    /// The configuration of now; ask again for each connection.
    pub fn config(&self) -> Arc<ClientConfig> {
        self.config.get()
    }

    /// Reads the files again if they changed.
    pub fn refresh(&self) {
        self.config
            .refresh(|| build_client(self.ca.as_deref(), self.identity.as_ref(), &self.alpn));
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

fn build_client(
    ca: Option<&Path>,
    identity: Option<&(PathBuf, PathBuf)>,
    alpn: &[Vec<u8>],
) -> Result<ClientConfig, Error> {
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|e| Error::Settings(e.to_string()))?;
    let builder = match ca {
        Some(ca) => builder.with_root_certificates(read_roots(ca)?),
        None => builder
            .dangerous()
            .with_custom_certificate_verifier(unverified()),
    };
    let mut config = match identity {
        Some((cert, key)) => builder
            .with_client_auth_cert(read_certs(cert)?, read_key(key)?)
            .map_err(|e| Error::file(cert, e))?,
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = alpn.to_vec();
    Ok(config)
}
