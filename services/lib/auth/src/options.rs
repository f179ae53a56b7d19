//! Flags of authentication and authorization, named as kube-apiserver's.

mod trust;

pub use trust::Trust;

use std::path::PathBuf;

use catena_objects::json::go_quote;
use clap::ArgAction;

const MODES: [&str; 4] = ["AlwaysAllow", "AlwaysDeny", "RBAC", "Node"];
/// What kube-apiserver has besides.
const ELSEWHERE: [&str; 2] = ["ABAC", "Webhook"];

#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Options {
    #[command(flatten)]
    pub trust: Trust,

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
}

impl Options {
    /// What is wrong with the values, all at once.
    pub fn problems(&self) -> Vec<String> {
        let mut out = self.token_problems();
        out.extend(self.trust.problems());
        if self.authorization_mode.is_empty() {
            out.push("at least one authorization-mode must be passed".to_owned());
        }
        for mode in &self.authorization_mode {
            if ELSEWHERE.contains(&mode.as_str()) {
                out.push(format!("authorization-mode {mode} is not supported"));
            } else if !MODES.contains(&mode.as_str()) {
                let mode = go_quote(mode);
                out.push(format!("authorization-mode {mode} is not a valid mode"));
            }
        }
        if has_duplicates(&self.authorization_mode) {
            let modes: Vec<String> = self
                .authorization_mode
                .iter()
                .map(|m| go_quote(m))
                .collect();
            let modes = modes.join(" ");
            out.push(format!(
                "authorization-mode [{modes}] has mode specified more than once"
            ));
        }
        out
    }

    fn token_problems(&self) -> Vec<String> {
        let mut out = Vec::new();
        for (i, issuer) in self.service_account_issuer.iter().enumerate() {
            let shown = go_quote(issuer);
            let scheme = issuer.split_once(':').map(|(scheme, _)| scheme);
            if scheme.is_some_and(|s| !is_scheme(s)) {
                out.push(format!(
                    "service-account-issuer {shown} contained a ':' but was not a valid URL"
                ));
            } else if issuer.is_empty() {
                out.push("service-account-issuer should not be an empty string".to_owned());
            } else if self.service_account_issuer[..i].contains(issuer) {
                out.push(format!(
                    "service-account-issuer {shown} is already specified"
                ));
            }
        }
        let signs = self.service_account_signing_key_file.is_some();
        if signs && self.service_account_issuer.is_empty() {
            out.push("--service-account-signing-key-file, --service-account-issuer, and --api-audiences should be specified together".to_owned());
        }
        if let Some(uri) = &self.service_account_jwks_uri
            && !uri.starts_with("https://")
        {
            out.push(format!(
                "service-account-jwks-uri requires https scheme, parsed as: {uri}"
            ));
        }
        out
    }

    /// Audiences of this server.
    pub fn audiences(&self) -> Vec<String> {
        match given(&self.api_audiences) {
            [] => self.service_account_issuer.clone(),
            some => some.to_vec(),
        }
    }
}

/// The values of a list: `--flag=` gives none.
pub(crate) fn given(list: &[String]) -> &[String] {
    match list {
        [only] if only.is_empty() => &[],
        all => all,
    }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
}

fn has_duplicates(list: &[String]) -> bool {
    (1..list.len()).any(|i| list[..i].contains(&list[i]))
}

#[cfg(test)]
mod tests;
