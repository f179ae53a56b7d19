//! Whom remote API servers are believed by.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};

use crate::proxy::ClientPair;

/// `bundle`: PEM in base64, as the APIService has it.
pub(crate) fn config(
    bundle: &str,
    insecure: bool,
    pair: Option<&ClientPair>,
) -> Result<ClientConfig, String> {
    let provider = CryptoProvider::get_default()
        .cloned()
        .ok_or("no cryptography is installed")?;
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| e.to_string())?;
    let builder = if insecure {
        builder
            .dangerous()
            // The owner of the APIService asked for it.
            .with_custom_certificate_verifier(catena_runtime::tls::unverified())
    } else {
        builder.with_root_certificates(roots(bundle)?)
    };
    let mut config = match pair {
        Some(pair) => {
            let certs = catena_runtime::tls::read_certs(&pair.cert).map_err(|e| e.to_string())?;
            let key = PrivateKeyDer::from_pem_file(&pair.key).map_err(|e| e.to_string())?;
            builder
                .with_client_auth_cert(certs, key)
                .map_err(|e| e.to_string())?
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![catena_runtime::tls::ALPN_HTTP11.to_vec()];
    Ok(config)
}

fn roots(bundle: &str) -> Result<RootCertStore, String> {
    let pem = STANDARD
        .decode(bundle)
        .map_err(|e| format!("spec.caBundle: {e}"))?;
    let mut roots = RootCertStore::empty();
    for cert in CertificateDer::pem_slice_iter(&pem) {
        let cert = cert.map_err(|e| format!("spec.caBundle: {e}"))?;
        roots.add(cert).map_err(|e| format!("spec.caBundle: {e}"))?;
    }
    Ok(roots)
}
