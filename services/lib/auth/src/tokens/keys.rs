//! Keys in PEM files: RSA and P-256, public, private or in a certificate.

use std::path::Path;

use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey};
use rcgen::PublicKeyData as _;
use rustls_pki_types::{CertificateDer, SubjectPublicKeyInfoDer, pem::PemObject as _};
use x509_parser::{
    certificate::X509Certificate, prelude::FromDer as _, public_key::PublicKey as Parsed,
    x509::SubjectPublicKeyInfo,
};

/// A key that verifies.
#[derive(Clone)]
pub(crate) struct PublicKey {
    pub(crate) id: String,
    pub(crate) algorithm: Algorithm,
    pub(crate) decoding: DecodingKey,
    /// Members of the JSON Web Key that hold the key itself.
    pub(crate) parts: Vec<(&'static str, String)>,
}

/// All keys of a file.
pub(crate) fn read(path: &Path) -> anyhow::Result<Vec<PublicKey>> {
    let pem = std::fs::read(path).with_context(|| path.display().to_string())?;
    let mut out = Vec::new();
    for spki in SubjectPublicKeyInfoDer::pem_slice_iter(&pem).flatten() {
        out.push(parse(&spki)?);
    }
    for cert in CertificateDer::pem_slice_iter(&pem).flatten() {
        let (_, cert) = X509Certificate::from_der(&cert)?;
        out.push(parse(cert.public_key().raw)?);
    }
    if out.is_empty() {
        let text = String::from_utf8_lossy(&pem);
        let pair = rcgen::KeyPair::from_pem(&text)
            .with_context(|| format!("{}: no usable key", path.display()))?;
        out.push(parse(&pair.subject_public_key_info())?);
    }
    Ok(out)
}

fn parse(spki: &[u8]) -> anyhow::Result<PublicKey> {
    let (_, info) = SubjectPublicKeyInfo::from_der(spki)?;
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, spki);
    let id = URL_SAFE_NO_PAD.encode(hash.as_ref());
    let bits = info.subject_public_key.data.as_ref();
    match info.parsed()? {
        Parsed::RSA(rsa) => {
            let unsigned = |n: &[u8]| {
                let start = n.iter().take_while(|b| **b == 0).count();
                URL_SAFE_NO_PAD.encode(&n[start..])
            };
            Ok(PublicKey {
                id,
                algorithm: Algorithm::RS256,
                decoding: DecodingKey::from_rsa_der(bits),
                parts: vec![
                    ("kty", "RSA".to_owned()),
                    ("n", unsigned(rsa.modulus)),
                    ("e", unsigned(rsa.exponent)),
                ],
            })
        }
        Parsed::EC(_) if bits.len() == 65 => Ok(PublicKey {
            id,
            algorithm: Algorithm::ES256,
            decoding: DecodingKey::from_ec_der(bits),
            parts: vec![
                ("kty", "EC".to_owned()),
                ("crv", "P-256".to_owned()),
                ("x", URL_SAFE_NO_PAD.encode(&bits[1..33])),
                ("y", URL_SAFE_NO_PAD.encode(&bits[33..65])),
            ],
        }),
        _ => anyhow::bail!("keys other than RSA and P-256 are not supported"),
    }
}
