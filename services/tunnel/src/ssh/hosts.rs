//! Whether a host key is the node's: `known_hosts` of OpenSSH (sshd(8)).

use std::{borrow::Cow, io::Read as _, path::PathBuf};

use aws_lc_rs::hmac;
use russh::keys::{
    Algorithm, Certificate, HashAlg, PublicKey, PublicKeyOrCertificate,
    ssh_key::{
        certificate::CertType,
        known_hosts::{Entry, HostPatterns, KnownHosts, Marker},
    },
};

use crate::limits;

/// How host keys are judged.
#[derive(Clone, Debug)]
pub(crate) enum HostKeys {
    /// Any key is believed: whoever answers at the address is the node.
    Unchecked,
    /// The file is read for every session, so that a change needs no restart.
    Known(PathBuf),
}

/// The entries of the file that are about one host.
pub(crate) struct Known {
    names: Vec<String>,
    pinned: Vec<PublicKey>,
    authorities: Vec<PublicKey>,
    revoked: Vec<PublicKey>,
}

impl HostKeys {
    /// What is known of a host, by its address and its name. None: any key will do.
    ///
    /// # Errors
    /// When the file cannot be read, in words for the operator.
    pub(crate) fn of(&self, names: Vec<String>, port: u16) -> Result<Option<Known>, String> {
        let Self::Known(path) = self else {
            return Ok(None);
        };
        let mut text = String::new();
        std::fs::File::open(path)
            .and_then(|f| f.take(limits::FILE).read_to_string(&mut text))
            .map_err(|e| format!("--ssh-known-hosts {}: {e}", path.display()))?;
        Ok(Some(Known::read(&text, names, port)))
    }
}

impl Known {
    fn read(text: &str, names: Vec<String>, port: u16) -> Self {
        let patterns: Vec<String> = names.iter().map(|n| as_written(n, port)).collect();
        let mut known = Self {
            names,
            pinned: Vec::new(),
            authorities: Vec::new(),
            revoked: Vec::new(),
        };
        // A line that cannot be read (a key type of the future) hides no other.
        let lines = text.lines().flat_map(KnownHosts::new).flatten();
        for entry in lines.filter(|e| patterns.iter().any(|p| names_host(e, p))) {
            let list = match entry.marker() {
                None => &mut known.pinned,
                Some(Marker::CertAuthority) => &mut known.authorities,
                Some(Marker::Revoked) => &mut known.revoked,
            };
            list.push(entry.public_key().clone());
        }
        known
    }

    /// Algorithms to ask for: those of the known keys first, so that a host
    /// with several keys shows the one that is known.
    pub(crate) fn order(&self, preferred: &mut russh::Preferred) {
        let mut keys = preferred.key.to_vec();
        keys.sort_by_key(|a| !self.pinned.iter().any(|k| same_kind(&k.algorithm(), a)));
        if !self.authorities.is_empty() {
            preferred.host_key_certificates = Cow::Owned(keys.clone());
        }
        preferred.key = Cow::Owned(keys);
    }

    /// # Errors
    /// Why the key is not the host's.
    pub(crate) fn judge(&self, shown: &PublicKeyOrCertificate) -> Result<(), String> {
        let key = shown.public_key();
        let is = |list: &[PublicKey], key: &PublicKey| {
            list.iter().any(|k| k.key_data() == key.key_data())
        };
        let print = key.fingerprint(HashAlg::Sha256);
        if is(&self.revoked, &key) {
            return Err(format!("host key {print} is revoked"));
        }
        if is(&self.pinned, &key) {
            return Ok(());
        }
        match shown.certificate() {
            Some(certificate) => self.judge_certificate(certificate),
            None if self.pinned.is_empty() => Err(format!(
                "host key {print} is unknown: --ssh-known-hosts has no key of {}",
                self.names.join(" or ")
            )),
            None => Err(format!("host key {print} is not the known one")),
        }
    }

    fn judge_certificate(&self, certificate: &Certificate) -> Result<(), String> {
        let signer = PublicKey::from(certificate.signature_key().clone());
        if self
            .revoked
            .iter()
            .any(|k| k.key_data() == signer.key_data())
        {
            return Err("the authority of the host certificate is revoked".to_owned());
        }
        let trusted: Vec<_> = self
            .authorities
            .iter()
            .map(|a| a.fingerprint(HashAlg::Sha256))
            .collect();
        certificate
            .validate(&trusted)
            .map_err(|e| format!("host certificate {:?}: {e}", certificate.key_id()))?;
        if certificate.cert_type() != CertType::Host {
            return Err("the certificate is not one of a host".to_owned());
        }
        if certificate.critical_options().iter().next().is_some() {
            return Err("the host certificate has unknown critical options".to_owned());
        }
        let principals = certificate.valid_principals();
        if !self.names.iter().any(|n| principals.contains(n)) {
            return Err(format!(
                "the host certificate is for {principals:?}, not for {}",
                self.names.join(" or ")
            ));
        }
        Ok(())
    }
}

/// RSA keys have one kind and three algorithms.
fn same_kind(a: &Algorithm, b: &Algorithm) -> bool {
    matches!((a, b), (Algorithm::Rsa { .. }, Algorithm::Rsa { .. })) || a == b
}

fn as_written(host: &str, port: u16) -> String {
    if port == 22 {
        host.to_owned()
    } else {
        format!("[{host}]:{port}")
    }
}

fn names_host(entry: &Entry, host: &str) -> bool {
    match entry.host_patterns() {
        HostPatterns::Patterns(patterns) => {
            let mut found = false;
            for pattern in patterns {
                match pattern.strip_prefix('!') {
                    Some(not) if matches(not.as_bytes(), host.as_bytes()) => return false,
                    Some(_) => {}
                    None => found |= matches(pattern.as_bytes(), host.as_bytes()),
                }
            }
            found
        }
        HostPatterns::HashedName { salt, hash } => {
            let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, salt);
            hmac::verify(&key, host.as_bytes(), hash).is_ok()
        }
    }
}

/// Wildcards `*` and `?`, without recursion: the time is bounded by the product
/// of the lengths.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == b'?' || c.eq_ignore_ascii_case(&text[t]) => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    p = at + 1;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == b'*')
}

#[cfg(test)]
mod tests {
    use super::{Known, matches};

    #[test]
    fn wildcards() {
        for (pattern, text, expected) in [
            ("*", "node", true),
            ("node-?", "node-1", true),
            ("node-?", "node-12", false),
            ("*.example", "a.b.example", true),
            ("*.example", "example", false),
            ("[10.0.0.*]:2222", "[10.0.0.7]:2222", true),
            ("a*b*c", "aXXbYYd", false),
        ] {
            assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), expected);
        }
    }

    #[test]
    fn lines_of_other_hosts_and_broken_lines_are_passed_over() {
        let key =
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";
        let text = format!("nonsense\n# c\nb {key}\n@cert-authority *.x {key}\na,!b {key}\n");
        let known = |host: &str| Known::read(&text, vec![host.to_owned()], 22);
        assert_eq!(known("a").pinned.len(), 1);
        assert_eq!(known("b").pinned.len(), 1);
        assert_eq!(known("n.x").authorities.len(), 1);
        assert_eq!(known("c").pinned.len(), 0);
        assert_eq!(Known::read(&text, vec!["a".to_owned()], 23).pinned.len(), 0);
    }
}
