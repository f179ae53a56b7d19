//! Who we are to the nodes: a key file, its certificate, or an agent.

use std::{
    io::Read as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context as _;
use catena_runtime::files;
use russh::{
    client::{AuthResult, Handle, Handler},
    keys::{
        Algorithm, Certificate, PrivateKey, PrivateKeyWithHashAlg, agent::client::AgentClient,
        decode_secret_key, ssh_key::LineEnding,
    },
};

use crate::limits;

/// Where keys come from. Files are read for every session, so that a change
/// needs no restart.
#[derive(Clone, Debug, Default)]
pub(crate) struct Identity {
    pub keyfile: Option<PathBuf>,
    /// Socket of an agent; its keys are tried after the file's.
    pub agent: Option<PathBuf>,
}

/// Most keys of an agent that are tried: sshd ends a session after six by default.
const AGENT_KEYS: usize = 5;

impl Identity {
    /// Makes the key file where there is none, and the public key beside it.
    ///
    /// # Errors
    /// When a file cannot be read or written.
    pub(crate) fn ensure(&self) -> anyhow::Result<()> {
        let Some(path) = &self.keyfile else {
            return Ok(());
        };
        let key = if path.exists() {
            load(path)?
        } else {
            tracing::info!(keyfile = %path.display(), "Key doesn't exist, attempting to create");
            let mut key = PrivateKey::random(&mut rand::rng(), Algorithm::Ed25519)?;
            key.set_comment("catena-tunnel");
            let pem = key.to_openssh(LineEnding::LF)?;
            files::write_atomic(path, pem.as_bytes(), files::PRIVATE)
                .with_context(|| format!("--ssh-keyfile {}", path.display()))?;
            key
        };
        let public = public_path(path);
        if !public.exists() {
            let line = format!("{}\n", key.public_key().to_openssh()?);
            // The file is for the operator: a mounted Secret is read-only.
            if let Err(e) = files::write_atomic(&public, line.as_bytes(), files::PUBLIC) {
                tracing::warn!(error = %e, path = %public.display(), "the public key was not written");
            }
        }
        Ok(())
    }

    /// The line of `authorized_keys`. It is made from the private key: the
    /// public file of another program may have another format.
    ///
    /// # Errors
    /// When there is no key file, or it cannot be read.
    pub(crate) fn authorized_line(&self) -> anyhow::Result<String> {
        let path = self.keyfile.as_ref().context("--ssh-keyfile is not set")?;
        Ok(format!("{}\n", load(path)?.public_key().to_openssh()?))
    }

    /// Tries the keys in turn.
    ///
    /// # Errors
    /// Why none was accepted.
    pub(crate) async fn authenticate<H: Handler>(
        &self,
        handle: &mut Handle<H>,
        user: &str,
    ) -> Result<(), String> {
        let mut refused = Vec::new();
        if let Some(path) = self.keyfile.clone() {
            let read = tokio::task::spawn_blocking(move || files_of(&path)).await;
            let (key, certificate) = read
                .map_err(|e| e.to_string())?
                .map_err(|e| format!("{e:#}"))?;
            let key = Arc::new(key);
            if let Some(certificate) = certificate {
                let tried = handle
                    .authenticate_openssh_cert(user, key.clone(), certificate)
                    .await;
                if accepted(tried, "certificate", &mut refused)? {
                    return Ok(());
                }
            }
            let hash = rsa_hash(handle, &key.algorithm()).await?;
            let key = PrivateKeyWithHashAlg::new(key, hash);
            let tried = handle.authenticate_publickey(user, key).await;
            if accepted(tried, "key of --ssh-keyfile", &mut refused)? {
                return Ok(());
            }
        }
        if let Some(socket) = &self.agent
            && agent(handle, user, socket, &mut refused).await?
        {
            return Ok(());
        }
        Err(format!(
            "the node refused the {} of user {user:?}",
            refused.join(" and the ")
        ))
    }
}

fn accepted(
    tried: Result<AuthResult, russh::Error>,
    what: &str,
    refused: &mut Vec<String>,
) -> Result<bool, String> {
    match tried {
        Ok(AuthResult::Success) => Ok(true),
        Ok(AuthResult::Failure { .. }) => {
            refused.push(what.to_owned());
            Ok(false)
        }
        Err(e) => Err(e.to_string()),
    }
}

/// SHA-1 signatures are never made (OpenSSH 8.8 refuses them).
async fn rsa_hash<H: Handler>(
    handle: &Handle<H>,
    algorithm: &Algorithm,
) -> Result<Option<russh::keys::HashAlg>, String> {
    if !matches!(algorithm, Algorithm::Rsa { .. }) {
        return Ok(None);
    }
    let best = handle.best_supported_rsa_hash().await;
    let best = best.map_err(|e| e.to_string())?.flatten();
    Ok(Some(best.unwrap_or(russh::keys::HashAlg::Sha256)))
}

async fn agent<H: Handler>(
    handle: &mut Handle<H>,
    user: &str,
    socket: &Path,
    refused: &mut Vec<String>,
) -> Result<bool, String> {
    let failed = |e: &dyn std::fmt::Display| format!("--ssh-agent {}: {e}", socket.display());
    let mut agent = AgentClient::connect_uds(socket)
        .await
        .map_err(|e| failed(&e))?;
    let keys = agent.request_identities().await.map_err(|e| failed(&e))?;
    for identity in keys.iter().take(AGENT_KEYS) {
        let key = identity.public_key().into_owned();
        let hash = rsa_hash(handle, &key.algorithm()).await?;
        let tried = handle
            .authenticate_publickey_with(user, key, hash, &mut agent)
            .await
            .map_err(|e| failed(&e))?;
        if accepted(Ok(tried), "key of the agent", refused)? {
            return Ok(true);
        }
    }
    if keys.is_empty() {
        refused.push("agent without keys".to_owned());
    }
    Ok(false)
}

fn files_of(path: &Path) -> anyhow::Result<(PrivateKey, Option<Certificate>)> {
    let key = load(path)?;
    let beside = suffixed(path, "-cert.pub");
    if !beside.exists() {
        return Ok((key, None));
    }
    let text = read(&beside)?;
    let certificate = Certificate::from_openssh(text.trim())
        .with_context(|| format!("{}: an OpenSSH certificate is expected", beside.display()))?;
    Ok((key, Some(certificate)))
}

/// Every format of ssh-keygen, and PKCS#1 and PKCS#8.
fn load(path: &Path) -> anyhow::Result<PrivateKey> {
    decode_secret_key(&read(path)?, None).with_context(|| {
        format!(
            "--ssh-keyfile {}: a private key without a passphrase is expected",
            path.display()
        )
    })
}

fn read(path: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    std::fs::File::open(path)
        .and_then(|f| f.take(limits::FILE).read_to_string(&mut text))
        .with_context(|| format!("{}", path.display()))?;
    Ok(text)
}

fn public_path(path: &Path) -> PathBuf {
    suffixed(path, ".pub")
}

fn suffixed(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
