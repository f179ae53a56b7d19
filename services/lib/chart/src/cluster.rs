//! What templates ask of the world: objects, certificates, the time.

use jiff::Timestamp;
use serde_json::Value;

/// Answers what templates ask. Errors are texts that end in the error of the
/// rendering. Calls come from a thread that the rendering has of its own.
pub trait Cluster: Sync {
    /// `lookup`: an object, or a list when `name` is "". `None` where there is
    /// none, which templates see as an empty map. An empty `namespace` is that of
    /// cluster-wide kinds, or all of them in a list.
    fn lookup(
        &self,
        api_version: &str,
        kind: &str,
        namespace: &str,
        name: &str,
    ) -> Result<Option<Value>, String>;

    /// Who makes certificates. Without, the functions for it fail by name.
    fn certificates(&self) -> Option<&dyn Certificates> {
        None
    }

    /// `now`.
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// No cluster: what `helm template` has.
#[derive(Clone, Copy, Debug, Default)]
pub struct Offline;

impl Cluster for Offline {
    fn lookup(&self, _: &str, _: &str, _: &str, _: &str) -> Result<Option<Value>, String> {
        Ok(None)
    }
}

/// A certificate and its key, PEM. Templates read them as `.Cert` and `.Key`.
#[derive(Clone, PartialEq, Eq)]
pub struct Pair {
    pub cert: String,
    pub key: String,
}

/// The key is not shown.
impl std::fmt::Debug for Pair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pair")
            .field("cert", &self.cert)
            .finish_non_exhaustive()
    }
}

/// Makes certificates: the functions `gen*` and `buildCustomCert` of Sprig.
pub trait Certificates: Sync {
    /// `genPrivateKey`: PEM of a new key. Kinds: `rsa`, `ecdsa`, `ed25519`, `dsa`;
    /// one that is not made is an error.
    fn private_key(&self, kind: &str) -> Result<String, String>;

    /// `genCA`, `genCAWithKey`: an authority that signs itself.
    fn authority(&self, common_name: &str, days: i64, key: &str) -> Result<Pair, String>;

    /// `genSelfSignedCert`, `genSelfSignedCertWithKey`.
    fn self_signed(&self, subject: &Subject<'_>, key: &str) -> Result<Pair, String>;

    /// `genSignedCert`, `genSignedCertWithKey`.
    fn signed(&self, subject: &Subject<'_>, authority: &Pair, key: &str) -> Result<Pair, String>;

    /// `buildCustomCert`: that the pair, already decoded, is a certificate and its key.
    fn check(&self, pair: &Pair) -> Result<(), String>;
}

/// Whom a certificate is for. Sprig's are good for servers and clients.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    pub common_name: &'a str,
    /// Addresses, as texts that are not checked yet.
    pub ips: &'a [String],
    pub dns: &'a [String],
    pub days: i64,
}
