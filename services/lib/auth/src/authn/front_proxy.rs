//! Users named by a proxy in headers (`authentication/request/headerrequest`).

use catena_objects::user::User;
use catena_runtime::tls;
use http::HeaderMap;

use super::{Credentials, Refused, x509::Authorities};
use crate::{Options, options::given, query::unescape};

/// Headers that every server removes, also where no proxy is believed.
const STANDARD: [&str; 3] = ["x-remote-user", "x-remote-uid", "x-remote-group"];
const STANDARD_EXTRA: &str = "x-remote-extra-";

/// Names of headers, in lower case.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    users: Vec<String>,
    uids: Vec<String>,
    groups: Vec<String>,
    extra: Vec<String>,
}

impl Names {
    pub(super) fn new(options: &Options) -> Self {
        let lower = |list: &[String]| -> Vec<String> {
            given(list)
                .iter()
                .map(|n| n.trim().to_ascii_lowercase())
                .collect()
        };
        Self {
            users: lower(&options.trust.requestheader_username_headers),
            uids: lower(&options.trust.requestheader_uid_headers),
            groups: lower(&options.trust.requestheader_group_headers),
            extra: lower(&options.trust.requestheader_extra_headers_prefix),
        }
    }

    /// Removes every header by which a proxy names a user.
    pub(super) fn strip(&self, headers: &mut HeaderMap) {
        for name in STANDARD {
            headers.remove(name);
        }
        for name in [&self.users, &self.uids, &self.groups]
            .into_iter()
            .flatten()
        {
            headers.remove(name.as_str());
        }
        let is_extra = |name: &str| {
            name.starts_with(STANDARD_EXTRA)
                || self.extra.iter().any(|p| name.starts_with(p.as_str()))
        };
        let found: Vec<_> = headers
            .keys()
            .filter(|name| is_extra(name.as_str()))
            .cloned()
            .collect();
        for name in found {
            headers.remove(name);
        }
    }
}

/// Believes headers of peers that an authority of its own vouches for.
pub(super) struct FrontProxy {
    authorities: Authorities,
    allowed: Vec<String>,
    names: Names,
}

impl FrontProxy {
    pub(super) fn open(options: &Options) -> anyhow::Result<Option<Self>> {
        let Some(ca) = &options.trust.requestheader_client_ca_file else {
            return Ok(None);
        };
        Ok(Some(Self {
            authorities: Authorities::open(ca)?,
            allowed: given(&options.trust.requestheader_allowed_names).to_vec(),
            names: Names::new(options),
        }))
    }

    /// `None` when there is no peer that could be a proxy, or it names nobody.
    pub(super) fn user(&self, c: &Credentials<'_>) -> Result<Option<User>, Refused> {
        let Some(certs) = c.certificates.filter(|c| !c.is_empty()) else {
            return Ok(None);
        };
        self.authorities.verify(certs)?;
        let peer = tls::names_in(&certs[0])?.common_name;
        if !self.allowed.is_empty() && !self.allowed.contains(&peer) {
            let why = format!("x509: subject with cn={peer} is not in the allowed list");
            return Err(why.into());
        }
        let Some(name) = first(c.headers, &self.names.users) else {
            return Ok(None);
        };
        let mut user = User {
            name,
            uid: first(c.headers, &self.names.uids).unwrap_or_default(),
            groups: self
                .names
                .groups
                .iter()
                .flat_map(|h| all(c.headers, h))
                .filter(|g| !g.is_empty())
                .collect(),
            ..User::default()
        };
        for prefix in &self.names.extra {
            for (header, value) in c.headers {
                let Some(key) = header.as_str().strip_prefix(prefix.as_str()) else {
                    continue;
                };
                let key = unescape(key).unwrap_or_else(|| key.to_owned());
                let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                user.extra.entry(key).or_default().push(value);
            }
        }
        Ok(Some(user))
    }
}

fn all<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = String> + use<'a> {
    headers
        .get_all(name)
        .iter()
        .map(|v| String::from_utf8_lossy(v.as_bytes()).into_owned())
}

fn first(headers: &HeaderMap, names: &[String]) -> Option<String> {
    names
        .iter()
        .find_map(|n| all(headers, n).next().filter(|v| !v.is_empty()))
}
