//! Users named by a proxy in headers (`authentication/request/headerrequest`).

use catena_objects::user::User;
use catena_runtime::tls;
use http::HeaderMap;

use super::{Credentials, Refused, x509::Authorities};
use crate::Options;

/// Believes headers of peers that an authority of its own vouches for.
pub(crate) struct FrontProxy {
    authorities: Authorities,
    allowed: Vec<String>,
    names: Vec<String>,
    uids: Vec<String>,
    groups: Vec<String>,
    extra: Vec<String>,
}

impl FrontProxy {
    pub(crate) fn open(options: &Options) -> anyhow::Result<Option<Self>> {
        let Some(ca) = &options.requestheader_client_ca_file else {
            return Ok(None);
        };
        Ok(Some(Self {
            authorities: Authorities::open(ca)?,
            allowed: options.requestheader_allowed_names.clone(),
            names: options.requestheader_username_headers.clone(),
            uids: options.requestheader_uid_headers.clone(),
            groups: options.requestheader_group_headers.clone(),
            extra: options.requestheader_extra_headers_prefix.clone(),
        }))
    }

    /// `None` when the peer is no proxy or names nobody.
    pub(crate) fn user(&self, c: &Credentials<'_>) -> Result<Option<User>, Refused> {
        let Some(certs) = c.certificates.filter(|c| !c.is_empty()) else {
            return Ok(None);
        };
        let Some(name) = first(c.headers, &self.names) else {
            return Ok(None);
        };
        self.authorities.verify(certs)?;
        let peer = tls::names_in(&certs[0])?.common_name;
        if !self.allowed.is_empty() && !self.allowed.contains(&peer) {
            return Err(format!(
                "x509: subject with cn={peer} is not in the allowed list"
            ));
        }
        let mut user = User {
            name,
            uid: first(c.headers, &self.uids).unwrap_or_default(),
            groups: self.groups.iter().flat_map(|h| all(c.headers, h)).collect(),
            ..User::default()
        };
        for prefix in &self.extra {
            let prefix = prefix.to_ascii_lowercase();
            for (header, value) in c.headers {
                if let (Some(key), Ok(value)) =
                    (header.as_str().strip_prefix(&prefix), value.to_str())
                {
                    let values = user.extra.entry(key.to_owned()).or_default();
                    values.push(value.to_owned());
                }
            }
        }
        Ok(Some(user))
    }
}

fn all(headers: &HeaderMap, name: &str) -> Vec<String> {
    headers
        .get_all(name)
        .iter()
        .filter_map(|v| v.to_str().ok().map(str::to_owned))
        .collect()
}

fn first(headers: &HeaderMap, names: &[String]) -> Option<String> {
    names
        .iter()
        .find_map(|n| all(headers, n).into_iter().find(|v| !v.is_empty()))
}
