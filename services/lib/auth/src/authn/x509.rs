//! Users by client certificates (`authentication/request/x509`).

use std::{
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use arc_swap::ArcSwap;
use catena_objects::user::User;
use catena_runtime::tls;
use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use webpki::{EndEntityCert, KeyUsage};
use x509_parser::{
    certificate::X509Certificate, der_parser::oid, oid_registry::Oid, prelude::FromDer as _,
};

use super::{CREDENTIAL_ID, Refused};

/// Attribute of a subject that holds the uid of a user.
const UID: Oid<'static> = oid!(1.3.6.1.4.1.57683.2);
/// The file is looked at this often.
const AGAIN: Duration = Duration::from_secs(10);

/// Authorities of a file, read again when it changes.
pub(super) struct Authorities {
    path: PathBuf,
    state: ArcSwap<State>,
}

struct State {
    anchors: Vec<TrustAnchor<'static>>,
    looked: SystemTime,
}

impl Authorities {
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        Ok(Self {
            state: ArcSwap::from_pointee(read(path)?),
            path: path.to_owned(),
        })
    }

    fn refresh(&self) {
        let state = self.state.load();
        let now = SystemTime::now();
        if now.duration_since(state.looked).is_ok_and(|d| d < AGAIN) {
            return;
        }
        match read(&self.path) {
            Ok(new) => self.state.store(new.into()),
            Err(e) => tracing::warn!(error = %e, "client authorities were not read again"),
        }
    }

    /// Whether the chain leads to an authority, for a client, now.
    pub(super) fn verify(&self, certs: &[CertificateDer<'_>]) -> Result<(), Refused> {
        self.refresh();
        let (first, rest) = certs.split_first().ok_or("no certificate")?;
        let leaf = EndEntityCert::try_from(first).map_err(|e| e.to_string())?;
        leaf.verify_for_usage(
            webpki::ALL_VERIFICATION_ALGS,
            &self.state.load().anchors,
            rest,
            UnixTime::now(),
            KeyUsage::client_auth(),
            None,
            None,
        )
        .map(drop)
        .map_err(|e| format!("x509: {e}").into())
    }
}

fn read(path: &Path) -> anyhow::Result<State> {
    let mut anchors = Vec::new();
    for cert in tls::read_certs(path)? {
        let anchor = webpki::anchor_from_trusted_cert(&cert)
            .map_err(|e| anyhow::anyhow!("{}: {e}", path.display()))?;
        anchors.push(anchor.to_owned());
    }
    Ok(State {
        anchors,
        looked: SystemTime::now(),
    })
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
    let id = format!("X509SHA256={}", digest(cert));
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

fn digest(cert: &CertificateDer<'_>) -> String {
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, cert);
    hash.as_ref().iter().map(|b| format!("{b:02x}")).collect()
}
