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

use super::Refused;

/// The file is looked at this often.
const AGAIN: Duration = Duration::from_secs(10);

/// Authorities of a file, read again when it changes.
pub(crate) struct Authorities {
    path: PathBuf,
    state: ArcSwap<State>,
}

struct State {
    anchors: Vec<TrustAnchor<'static>>,
    looked: SystemTime,
}

impl Authorities {
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
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
    pub(crate) fn verify(&self, certs: &[CertificateDer<'_>]) -> Result<(), Refused> {
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
        .map_err(|e| format!("x509: {e}"))
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

/// `CommonNameUserConversion`: the name and its groups.
pub(crate) fn user(cert: &CertificateDer<'_>) -> Result<User, Refused> {
    let names = tls::names_in(cert)?;
    if names.common_name.is_empty() {
        return Err("the certificate names nobody".to_owned());
    }
    let mut user = User {
        name: names.common_name,
        groups: names.organizations,
        ..User::default()
    };
    let id = format!("X509SHA256={}", digest(cert));
    user.extra.insert(
        "authentication.kubernetes.io/credential-id".to_owned(),
        vec![id],
    );
    Ok(user)
}

fn digest(cert: &CertificateDer<'_>) -> String {
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, cert);
    hash.as_ref().iter().map(|b| format!("{b:02x}")).collect()
}
