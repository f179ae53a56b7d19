//! Certificates that a control plane makes for itself at its first start.
//!
//! Three authorities, as three questions are answered by a certificate: `ca`
//! (who is this client, is this the server), `internal-ca` (is this one of our
//! processes) and `front-proxy-ca` (may this peer name a user). They are apart
//! because whoever may sign clients must not be able to name itself a process.

mod authority;
mod issue;
#[cfg(test)]
mod tests;

use std::{
    io,
    path::{Path, PathBuf},
};

use authority::Authority;
pub use authority::new_authority;
pub use issue::Leaf;

use crate::{files, tls};

/// Common name of a process: `system:catena:<process>`.
pub const PROCESS_PREFIX: &str = "system:catena:";

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{path}")]
    File { path: PathBuf, source: io::Error },
    #[error("{path} holds no usable certificate or key: {why}")]
    Unusable { path: PathBuf, why: String },
    #[error("certificate could not be made: {0}")]
    Make(#[from] rcgen::Error),
}

pub(crate) fn at<T>(path: &Path, result: io::Result<T>) -> Result<T, Error> {
    result.map_err(|source| Error::File {
        path: path.to_owned(),
        source,
    })
}

/// A certificate and its key, PEM, where they are not in files.
#[derive(Clone, PartialEq, Eq)]
pub struct Pem {
    pub cert: String,
    pub key: String,
}

/// Files of a certificate and its key, both PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    pub cert: PathBuf,
    pub key: PathBuf,
}

/// The certificates in a directory. Every method makes what is missing or
/// expires soon and keeps the rest; several processes may start at once.
#[derive(Clone, Debug)]
pub struct Pki {
    dir: PathBuf,
}

impl Pki {
    /// # Errors
    /// When the directory cannot be made.
    pub fn open(dir: impl Into<PathBuf>) -> Result<Self, Error> {
        let dir = dir.into();
        at(&dir, files::private_dir(&dir))?;
        Ok(Self { dir })
    }

    fn pair(&self, name: &str) -> Pair {
        Pair {
            cert: self.dir.join(format!("{name}.crt")),
            key: self.dir.join(format!("{name}.key")),
        }
    }

    fn make(&self, authority: &str, name: &str, leaf: &Leaf) -> Result<Pair, Error> {
        let _lock = at(&self.dir, files::lock(&self.dir.join(".lock")))?;
        let pair = self.pair(name);
        let authority = Authority::open(&self.pair(authority), authority)?;
        issue::ensure(&authority, &pair, leaf)?;
        Ok(pair)
    }

    fn authority(&self, name: &str) -> Result<PathBuf, Error> {
        let _lock = at(&self.dir, files::lock(&self.dir.join(".lock")))?;
        let pair = self.pair(name);
        Authority::open(&pair, name)?;
        Ok(pair.cert)
    }

    /// Authority of clients and of the public port.
    pub fn ca(&self) -> Result<PathBuf, Error> {
        self.authority("ca")
    }

    /// Its pair: for the signers of certificate requests.
    pub fn ca_pair(&self) -> Result<Pair, Error> {
        self.authority("ca")?;
        Ok(self.pair("ca"))
    }

    /// Authority of our processes.
    pub fn internal_ca(&self) -> Result<PathBuf, Error> {
        self.authority("internal-ca")
    }

    /// Authority of proxies that name a user in headers.
    pub fn front_proxy_ca(&self) -> Result<PathBuf, Error> {
        self.authority("front-proxy-ca")
    }

    /// Identity of a process, as server and as client. `sans`: names and
    /// addresses under which it is reached, besides this host's own.
    pub fn process(&self, process: &str, sans: &[String]) -> Result<Pair, Error> {
        let mut leaf = Leaf::new(&format!("{PROCESS_PREFIX}{process}"), None)
            .server()
            .client();
        leaf.add_sans(&issue::local_names());
        leaf.add_sans(&[process_server_name(process)]);
        leaf.add_sans(sans);
        self.make("internal-ca", process, &leaf)
    }

    /// Certificate of the public port; one that somebody else put there is kept.
    pub fn server(&self, name: &str, sans: &[String]) -> Result<Pair, Error> {
        let pair = self.pair(name);
        if issue::is_foreign(&pair) {
            return Ok(pair);
        }
        let mut leaf = Leaf::new("kube-apiserver", None).server();
        leaf.add_sans(&issue::local_names());
        leaf.add_sans(sans);
        self.make("ca", name, &leaf)
    }

    /// Certificate of a client: user `cn`, in `group` if there is one.
    pub fn client(&self, name: &str, cn: &str, group: Option<&str>) -> Result<Pair, Error> {
        self.make("ca", name, &Leaf::new(cn, group).client())
    }

    /// Certificate with which the front names users to remote API servers.
    pub fn front_proxy_client(&self) -> Result<Pair, Error> {
        self.make(
            "front-proxy-ca",
            "front-proxy-client",
            &Leaf::new("front-proxy-client", None).client(),
        )
    }

    /// Key pair for service account tokens: private key and public key, PEM.
    pub fn signing_key(&self, name: &str) -> Result<(PathBuf, PathBuf), Error> {
        let _lock = at(&self.dir, files::lock(&self.dir.join(".lock")))?;
        let private = self.dir.join(format!("{name}.key"));
        let public = self.dir.join(format!("{name}.pub"));
        if !private.exists() {
            let pem = new_key()?;
            at(
                &private,
                files::write_atomic(&private, pem.as_bytes(), files::PRIVATE),
            )?;
        }
        let key = issue::read_key(&private)?;
        if !public.exists() {
            let pem = key.public_key_pem();
            at(
                &public,
                files::write_atomic(&public, pem.as_bytes(), files::PUBLIC),
            )?;
        }
        Ok((private, public))
    }
}

/// A key for service account tokens, PEM.
///
/// # Errors
/// When no key can be made.
pub fn new_key() -> Result<String, Error> {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
    Ok(key.serialize_pem())
}

/// Whether this is a private key, PEM.
pub fn is_key(pem: &[u8]) -> bool {
    std::str::from_utf8(pem).is_ok_and(|p| rcgen::KeyPair::from_pem(p).is_ok())
}

/// Whether a certificate is that of a private key, both PEM.
pub fn is_pair(cert: &[u8], key: &[u8]) -> bool {
    use rcgen::PublicKeyData as _;
    let key = std::str::from_utf8(key).map(rcgen::KeyPair::from_pem);
    match key {
        Ok(Ok(key)) => tls::is_of_key(cert, &key.subject_public_key_info()),
        _ => false,
    }
}

/// The name that every certificate of a process carries, wherever it runs.
pub fn process_server_name(process: &str) -> String {
    format!("{process}.catena.internal")
}
