//! Certificates of the proxy server and of who connects to it.

use std::path::Path;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
};

pub(crate) struct Certificates {
    ca: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Certificates {
    pub(crate) fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::new()).expect("names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "proxy");
        let ca = params.self_signed(&key).expect("an authority").pem();
        let issuer = Issuer::new(params, key);
        Self { ca, issuer }
    }

    /// Writes `ca.crt`, and `crt` and `key` of `server`, which is at `addresses`,
    /// and of `client`.
    pub(crate) fn write(&self, dir: &Path, addresses: &[String]) {
        let put = |name: String, text: String| {
            std::fs::write(dir.join(name), text).expect("a certificate is written");
        };
        put("ca.crt".to_owned(), self.ca.clone());
        let uses = [
            ("server", ExtendedKeyUsagePurpose::ServerAuth),
            ("client", ExtendedKeyUsagePurpose::ClientAuth),
        ];
        for (name, usage) in uses {
            let key = KeyPair::generate().expect("a key");
            let mut params = CertificateParams::new(addresses).expect("addresses");
            params.extended_key_usages = vec![usage];
            let cert = params.signed_by(&key, &self.issuer).expect("a certificate");
            put(format!("{name}.crt"), cert.pem());
            put(format!("{name}.key"), key.serialize_pem());
        }
    }
}
