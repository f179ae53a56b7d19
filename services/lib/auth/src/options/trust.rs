//! Whose certificates are believed: clients, and proxies that name users.

use std::path::PathBuf;

use anyhow::Context as _;
use catena_objects::{Value, json};
use catena_runtime::tls;

use super::given;

/// Authorities of clients and of proxies.
#[derive(Clone, Debug, Default, clap::Args)]
#[group(skip)]
pub struct Trust {
    /// Authorities of client certificates.
    #[arg(long)]
    pub client_ca_file: Option<PathBuf>,

    /// Authorities of proxies that name users in headers.
    #[arg(long)]
    pub requestheader_client_ca_file: Option<PathBuf>,

    /// Common names of these proxies; any when none is given.
    #[arg(long, value_delimiter = ',')]
    pub requestheader_allowed_names: Vec<String>,

    /// Headers with the name of the user.
    #[arg(long, value_delimiter = ',')]
    pub requestheader_username_headers: Vec<String>,

    /// Headers with the uid of the user.
    #[arg(long, value_delimiter = ',')]
    pub requestheader_uid_headers: Vec<String>,

    /// Headers with groups.
    #[arg(long, value_delimiter = ',')]
    pub requestheader_group_headers: Vec<String>,

    /// Prefixes of headers with further facts.
    #[arg(long, value_delimiter = ',')]
    pub requestheader_extra_headers_prefix: Vec<String>,
}

impl Trust {
    /// What is wrong with the values, all at once.
    pub fn problems(&self) -> Vec<String> {
        let mut out = Vec::new();
        for (flag, list) in self.lists() {
            if given(list).iter().any(|name| name.trim().is_empty()) {
                out.push(format!("empty value in {flag:?}"));
            }
        }
        let uids = given(&self.requestheader_uid_headers);
        if !uids.is_empty() && !uids.iter().any(|h| h.eq_ignore_ascii_case("X-Remote-Uid")) {
            out.push("--requestheader-uid-headers is set without specifying the standard X-Remote-Uid header - API aggregation will not work".to_owned());
        }
        if let (Some(clients), Some(proxies)) =
            (&self.client_ca_file, &self.requestheader_client_ca_file)
            && given(&self.requestheader_allowed_names).is_empty()
            && let (Ok(clients), Ok(proxies)) = (tls::read_certs(clients), tls::read_certs(proxies))
            && clients.iter().any(|c| proxies.contains(c))
        {
            out.push("--requestheader-client-ca-file and --client-ca-file contain overlapping certificates; --requestheader-allowed-names must be specified to ensure regular client certificates cannot set authenticating proxy headers for arbitrary users".to_owned());
        }
        out
    }

    /// Data of kube-system/extension-apiserver-authentication, by which remote API
    /// servers know whom to believe (`clusterauthenticationtrust`); none where
    /// there are no authorities.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn published(&self) -> anyhow::Result<Vec<(String, String)>> {
        let read = |path: &PathBuf| {
            std::fs::read_to_string(path).with_context(|| path.display().to_string())
        };
        let mut out = Vec::new();
        if let Some(path) = &self.client_ca_file {
            out.push(("client-ca-file".to_owned(), read(path)?));
        }
        let Some(path) = &self.requestheader_client_ca_file else {
            return Ok(out);
        };
        out.push(("requestheader-client-ca-file".to_owned(), read(path)?));
        for (flag, list) in self.lists() {
            let list = given(list);
            if flag == "requestheader-uid-headers" && list.is_empty() {
                continue;
            }
            let list: Vec<Value> = list.iter().map(|v| v.as_str().into()).collect();
            out.push((flag.to_owned(), json::to_string(&list.into())));
        }
        out.sort();
        Ok(out)
    }

    /// The lists of names and headers by their flags.
    fn lists(&self) -> [(&'static str, &[String]); 5] {
        [
            (
                "requestheader-username-headers",
                &self.requestheader_username_headers,
            ),
            (
                "requestheader-group-headers",
                &self.requestheader_group_headers,
            ),
            (
                "requestheader-extra-headers-prefix",
                &self.requestheader_extra_headers_prefix,
            ),
            (
                "requestheader-allowed-names",
                &self.requestheader_allowed_names,
            ),
            ("requestheader-uid-headers", &self.requestheader_uid_headers),
        ]
    }
}
