//! Flags of authentication and authorization, named as kube-apiserver's.

use std::path::PathBuf;

use clap::ArgAction;

const MODES: [&str; 4] = ["AlwaysAllow", "AlwaysDeny", "RBAC", "Node"];

#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Options {
    /// Authorities of client certificates.
    #[arg(long)]
    pub client_ca_file: Option<PathBuf>,

    /// CSV file of static tokens: token,user,uid,"group1,group2".
    #[arg(long)]
    pub token_auth_file: Option<PathBuf>,

    /// Public or private keys that verify service account tokens; may be repeated.
    #[arg(long)]
    pub service_account_key_file: Vec<PathBuf>,

    /// Issuer of service account tokens; further ones are accepted only.
    #[arg(long)]
    pub service_account_issuer: Vec<String>,

    /// Private key that signs service account tokens.
    #[arg(long)]
    pub service_account_signing_key_file: Option<PathBuf>,

    /// Address of the keys by which others verify tokens, in the discovery document.
    #[arg(long)]
    pub service_account_jwks_uri: Option<String>,

    /// Tokens that kubelets mount live on for a year after the time when they should be renewed.
    #[arg(long, default_value_t = true, action = ArgAction::Set, num_args = 0..=1, default_missing_value = "true")]
    pub service_account_extend_token_expiration: bool,

    /// Audiences of tokens; the issuers when none is given.
    #[arg(long, value_delimiter = ',')]
    pub api_audiences: Vec<String>,

    /// Accept the tokens in secrets of type bootstrap.kubernetes.io/token.
    #[arg(long, default_value_t = false, action = ArgAction::Set, num_args = 0..=1, default_missing_value = "true")]
    pub enable_bootstrap_token_auth: bool,

    /// Requests without credentials are those of system:anonymous.
    #[arg(long, default_value_t = true, action = ArgAction::Set, num_args = 0..=1, default_missing_value = "true")]
    pub anonymous_auth: bool,

    /// Ordered list of AlwaysAllow, AlwaysDeny, RBAC, Node.
    #[arg(long, value_delimiter = ',', default_value = "AlwaysAllow")]
    pub authorization_mode: Vec<String>,

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

impl Options {
    /// What is wrong with the values, all at once.
    pub fn problems(&self) -> Vec<String> {
        let mut out = Vec::new();
        if self.authorization_mode.is_empty() {
            out.push("at least one authorization-mode must be passed".to_owned());
        }
        for mode in &self.authorization_mode {
            if !MODES.contains(&mode.as_str()) {
                out.push(format!("authorization-mode {mode:?} is not a valid mode"));
            }
        }
        for issuer in &self.service_account_issuer {
            if issuer.is_empty() || (issuer.contains(':') && !issuer.contains("://")) {
                out.push(format!(
                    "service-account-issuer {issuer:?} contained a ':' but was not a valid URL"
                ));
            }
        }
        if self.service_account_signing_key_file.is_some() && self.service_account_issuer.is_empty()
        {
            out.push(
                "service-account-signing-key-file and service-account-issuer should be specified together"
                    .to_owned(),
            );
        }
        let headers = !self.requestheader_username_headers.is_empty();
        if headers && self.requestheader_client_ca_file.is_none() {
            out.push(
                "--requestheader-client-ca-file must be specified with --requestheader-username-headers"
                    .to_owned(),
            );
        }
        out
    }

    /// Audiences of this server.
    pub fn audiences(&self) -> Vec<String> {
        if self.api_audiences.is_empty() {
            self.service_account_issuer.clone()
        } else {
            self.api_audiences.clone()
        }
    }
}
