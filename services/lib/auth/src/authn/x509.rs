//! Users by client certificates (`authentication/request/x509`).

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use anyhow::Context as _;
use arc_swap::ArcSwap;
use aws_lc_rs::digest;
use catena_objects::user::User;
use catena_runtime::tls;
use moka::sync::Cache;
use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use webpki::{EndEntityCert, KeyUsage};
use x509_parser::{
    certificate::{Validity, X509Certificate},
    der_parser::oid,
    oid_registry::Oid,
    prelude::FromDer as _,
};

use super::{CREDENTIAL_ID, Refused};

/// Attribute of a subject that holds the uid of a user.
const UID: Oid<'static> = oid!(1.3.6.1.4.1.57683.2);
/// The file is looked at this often.
const AGAIN: Duration = Duration::from_secs(10);
/// Chains that are remembered in that time.
const REMEMBERED: u64 = 4_096;

type Digest = [u8; digest::SHA256_OUTPUT_LEN];

/// Authorities of a file, read again when it changes.
pub(super) struct Authorities {
    path: PathBuf,
    state: ArcSwap<State>,
}

/// What stands until the file is looked at again.
struct State {
    authorities: Vec<Authority>,
    /// Those of them that are valid.
    anchors: Vec<TrustAnchor<'static>>,
    looked: SystemTime,
    /// Chains that were found good, and until when (Unix seconds) they can be: a
    /// client shows the same one with each request.
    good: Cache<Digest, i64>,
}

#[derive(Clone)]
struct Authority {
    anchor: TrustAnchor<'static>,
    validity: Validity,
}

impl State {
    fn new(authorities: Vec<Authority>) -> Self {
        let looked = SystemTime::now();
        // Verification takes an anchor as it is, even one whose time is over.
        let valid = authorities.iter().filter(|a| a.validity.is_valid());
        let anchors: Vec<_> = valid.map(|a| a.anchor.clone()).collect();
        if anchors.len() < authorities.len() {
            let invalid = authorities.len() - anchors.len();
            tracing::warn!(invalid, "client authorities have ended or not begun");
        }
        Self {
            authorities,
            anchors,
            looked,
            good: Cache::new(REMEMBERED),
        }
    }
}

impl Authorities {
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        Ok(Self {
            state: ArcSwap::from_pointee(State::new(read(path)?)),
            path: path.to_owned(),
        })
    }

    /// Authorities as they are now. A file that cannot be read leaves the old ones.
    fn current(&self) -> Arc<State> {
        let state = self.state.load_full();
        if state.looked.elapsed().is_ok_and(|d| d < AGAIN) {
            return state;
        }
        let authorities = read(&self.path).unwrap_or_else(|e| {
            tracing::warn!(error = %e, "client authorities were not read again");
            state.authorities.clone()
        });
        let state = Arc::new(State::new(authorities));
        self.state.store(state.clone());
        state
    }

    /// Whether the chain leads to an authority, for a client, now.
    pub(super) fn verify(&self, certs: &[CertificateDer<'_>]) -> Result<(), Refused> {
        let (state, now) = (self.current(), UnixTime::now());
        let (first, rest) = certs.split_first().ok_or("no certificate")?;
        let key = chain_digest(certs);
        let seconds = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        if state.good.get(&key).is_some_and(|end| seconds <= end) {
            return Ok(());
        }
        let leaf = EndEntityCert::try_from(first).map_err(|e| e.to_string())?;
        leaf.verify_for_usage(
            webpki::ALL_VERIFICATION_ALGS,
            &state.anchors,
            rest,
            now,
            KeyUsage::client_auth(),
            None,
            None,
        )
        .map_err(|e| format!("x509: {e}"))?;
        let ends = certs.iter().filter_map(|c| validity(c).ok());
        let end = ends.map(|v| v.not_after.timestamp()).min();
        state.good.insert(key, end.unwrap_or(seconds));
        Ok(())
    }
}

fn chain_digest(certs: &[CertificateDer<'_>]) -> Digest {
    let mut context = digest::Context::new(&digest::SHA256);
    for cert in certs {
        context.update(&cert.len().to_be_bytes());
        context.update(cert);
    }
    let mut out = Digest::default();
    out.copy_from_slice(context.finish().as_ref());
    out
}

fn validity(cert: &CertificateDer<'_>) -> Result<Validity, String> {
    let (_, cert) = X509Certificate::from_der(cert).map_err(|e| e.to_string())?;
    Ok(cert.validity().clone())
}

fn read(path: &Path) -> anyhow::Result<Vec<Authority>> {
    let one = |cert: &CertificateDer<'_>| -> anyhow::Result<Authority> {
        let anchor = webpki::anchor_from_trusted_cert(cert)?.to_owned();
        let validity = validity(cert).map_err(anyhow::Error::msg)?;
        Ok(Authority { anchor, validity })
    };
    let certs = tls::read_certs(path)?;
    let all: anyhow::Result<Vec<_>> = certs.iter().map(one).collect();
    all.with_context(|| path.display().to_string())
}

/// `CommonNameUserConversion`: the name, its groups and uid; `None` when the
/// certificate names nobody.
pub(super) fn user(cert: &CertificateDer<'_>) -> Result<Option<User>, Refused> {
    let names = tls::names_in(cert)?;
    if names.common_name.is_empty() {
        return Ok(None);
    }
    let mut user = User {
        name: names.common_name,
        uid: uid(cert)?,
        groups: names.organizations,
        ..User::default()
    };
    let id = format!("X509SHA256={}", fingerprint(cert));
    user.extra.insert(CREDENTIAL_ID.to_owned(), vec![id]);
    Ok(Some(user))
}

/// The uid in the subject, of which there may be one.
fn uid(cert: &CertificateDer<'_>) -> Result<String, Refused> {
    let (_, cert) = X509Certificate::from_der(cert).map_err(|e| e.to_string())?;
    let mut found = cert.subject().iter_by_oid(&UID);
    let Some(first) = found.next() else {
        return Ok(String::new());
    };
    if found.next().is_some() {
        return Err("expected 1 UID, but found multiple".into());
    }
    match first.as_str() {
        Ok("") => Err("UID cannot be an empty string".into()),
        Ok(uid) => Ok(uid.to_owned()),
        Err(_) => Err("unable to parse UID into a string".into()),
    }
}

fn fingerprint(cert: &CertificateDer<'_>) -> String {
    let hash = digest::digest(&digest::SHA256, cert);
    hash.as_ref().iter().map(|b| format!("{b:02x}")).collect()
}
