//! Keys in PEM files: RSA and ECDSA, public, private or in a certificate.

use std::path::Path;

use anyhow::Context as _;
use aws_lc_rs::{
    digest,
    error::KeyRejected,
    rand,
    signature::{
        self, EcdsaKeyPair, EcdsaSigningAlgorithm, RsaKeyPair, UnparsedPublicKey,
        VerificationAlgorithm,
    },
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use rcgen::PublicKeyData as _;
use rustls_pki_types::{
    CertificateDer, PrivateKeyDer, SubjectPublicKeyInfoDer, pem::PemObject as _,
};
use x509_parser::{
    certificate::X509Certificate, prelude::FromDer as _, public_key::PublicKey as Parsed,
    x509::SubjectPublicKeyInfo,
};

/// A key that verifies.
#[derive(Clone, Debug)]
pub(super) struct PublicKey {
    /// Hash of the key.
    pub(super) id: String,
    /// That of tokens which a server with this key signs: "RS256", "ES256", ...
    pub(super) algorithm: &'static str,
    bits: Vec<u8>,
    /// Members of the JSON Web Key behind `kid` and `alg`.
    pub(super) parts: Vec<(&'static str, String)>,
}

impl PublicKey {
    fn parse(spki: &[u8]) -> anyhow::Result<Self> {
        let (_, info) = SubjectPublicKeyInfo::from_der(spki)?;
        let hash = digest::digest(&digest::SHA256, spki);
        let bits = info.subject_public_key.data.as_ref();
        let (algorithm, parts) = match info.parsed()? {
            Parsed::RSA(rsa) => {
                let parts = vec![("n", unsigned(rsa.modulus)), ("e", unsigned(rsa.exponent))];
                ("RS256", parts)
            }
            Parsed::EC(_) => {
                let (algorithm, _) = curve(bits).context("an elliptic curve is not known")?;
                let (x, y) = bits[1..].split_at(bits.len() / 2);
                let parts = [("x", x), ("y", y)];
                let parts = parts.map(|(name, part)| (name, URL_SAFE_NO_PAD.encode(part)));
                (algorithm, parts.to_vec())
            }
            _ => anyhow::bail!("keys other than RSA and ECDSA are not supported"),
        };
        Ok(Self {
            id: URL_SAFE_NO_PAD.encode(hash.as_ref()),
            algorithm,
            bits: bits.to_vec(),
            parts,
        })
    }

    /// "RSA", or "EC" with the curve.
    pub(super) fn kind(&self) -> (&'static str, Option<&'static str>) {
        match curve(&self.bits).filter(|_| self.algorithm.starts_with('E')) {
            Some((_, name)) => ("EC", Some(name)),
            None => ("RSA", None),
        }
    }

    /// Whether the signature is this key's, by an algorithm that fits the key.
    pub(super) fn verifies(&self, algorithm: &str, message: &[u8], signature: &[u8]) -> bool {
        let rule: &dyn VerificationAlgorithm = match (self.algorithm, algorithm) {
            ("RS256", "RS256") => &signature::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
            ("RS256", "RS384") => &signature::RSA_PKCS1_2048_8192_SHA384,
            ("RS256", "RS512") => &signature::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
            ("ES256", "ES256") => &signature::ECDSA_P256_SHA256_FIXED,
            ("ES384", "ES384") => &signature::ECDSA_P384_SHA384_FIXED,
            ("ES512", "ES512") => &signature::ECDSA_P521_SHA512_FIXED,
            _ => return false,
        };
        UnparsedPublicKey::new(rule, &self.bits)
            .verify(message, signature)
            .is_ok()
    }
}

/// Algorithm and curve by the length of an uncompressed point.
fn curve(point: &[u8]) -> Option<(&'static str, &'static str)> {
    match point.len() {
        65 => Some(("ES256", "P-256")),
        97 => Some(("ES384", "P-384")),
        133 => Some(("ES512", "P-521")),
        _ => None,
    }
}

/// A number without the zeros in front.
fn unsigned(n: &[u8]) -> String {
    let start = n.iter().take_while(|b| **b == 0).count();
    URL_SAFE_NO_PAD.encode(&n[start..])
}

/// All keys of a file, the public ones of private ones.
pub(super) fn read(path: &Path) -> anyhow::Result<Vec<PublicKey>> {
    let pem = std::fs::read(path).with_context(|| path.display().to_string())?;
    parse(&pem).with_context(|| path.display().to_string())
}

fn parse(pem: &[u8]) -> anyhow::Result<Vec<PublicKey>> {
    let mut out = Vec::new();
    for spki in SubjectPublicKeyInfoDer::pem_slice_iter(pem).flatten() {
        out.push(PublicKey::parse(&spki)?);
    }
    for cert in CertificateDer::pem_slice_iter(pem).flatten() {
        let (_, cert) = X509Certificate::from_der(&cert)?;
        out.push(PublicKey::parse(cert.public_key().raw)?);
    }
    for key in PrivateKeyDer::pem_slice_iter(pem).flatten() {
        let pair = rcgen::KeyPair::try_from(&key)?;
        out.push(PublicKey::parse(&pair.subject_public_key_info())?);
    }
    anyhow::ensure!(
        !out.is_empty(),
        "data does not contain any valid RSA or ECDSA public keys"
    );
    Ok(out)
}

/// A key that signs.
pub(super) struct SigningKey {
    pub(super) public: PublicKey,
    pair: Pair,
}

enum Pair {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
}

impl Pair {
    /// A key in any of its forms: "PRIVATE KEY", "RSA PRIVATE KEY" as kubeadm
    /// writes it, or "EC PRIVATE KEY" as openssl does. `curve` of RSA is none.
    fn open(
        key: &PrivateKeyDer<'_>,
        curve: Option<&'static EcdsaSigningAlgorithm>,
    ) -> Result<Self, KeyRejected> {
        let der = key.secret_der();
        match (curve, key) {
            (Some(curve), PrivateKeyDer::Sec1(_)) => {
                EcdsaKeyPair::from_private_key_der(curve, der).map(Self::Ec)
            }
            (Some(curve), _) => EcdsaKeyPair::from_pkcs8(curve, der).map(Self::Ec),
            (None, PrivateKeyDer::Pkcs1(_)) => RsaKeyPair::from_der(der).map(Self::Rsa),
            (None, _) => RsaKeyPair::from_pkcs8(der).map(Self::Rsa),
        }
    }
}

impl SigningKey {
    /// The first private key of a file.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let pem = std::fs::read(path).with_context(|| path.display().to_string())?;
        Self::parse(&pem).with_context(|| path.display().to_string())
    }

    fn parse(pem: &[u8]) -> anyhow::Result<Self> {
        let key = PrivateKeyDer::from_pem_slice(pem).context("no private key")?;
        let pair = rcgen::KeyPair::try_from(&key)?;
        let public = PublicKey::parse(&pair.subject_public_key_info())?;
        let curve = match public.algorithm {
            "ES256" => Some(&signature::ECDSA_P256_SHA256_FIXED_SIGNING),
            "ES384" => Some(&signature::ECDSA_P384_SHA384_FIXED_SIGNING),
            "ES512" => Some(&signature::ECDSA_P521_SHA512_FIXED_SIGNING),
            _ => None,
        };
        let pair = Pair::open(&key, curve)
            .map_err(|e| anyhow::anyhow!("the private key is not usable: {e}"))?;
        Ok(Self { public, pair })
    }

    pub(super) fn sign(&self, message: &[u8]) -> anyhow::Result<Vec<u8>> {
        let random = rand::SystemRandom::new();
        match &self.pair {
            Pair::Rsa(key) => {
                let mut out = vec![0; key.public_modulus_len()];
                key.sign(&signature::RSA_PKCS1_SHA256, &random, message, &mut out)?;
                Ok(out)
            }
            Pair::Ec(key) => Ok(key.sign(&random, message)?.as_ref().to_vec()),
        }
    }
}
