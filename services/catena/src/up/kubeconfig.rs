//! Kubeconfig files with client certificates.

use std::path::PathBuf;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use catena_runtime::files;

use super::Plan;

/// Writes `<name>.kubeconfig` for a user, with a certificate of its own.
pub(super) fn write(
    plan: &Plan,
    name: &str,
    user: &str,
    group: Option<&str>,
) -> anyhow::Result<PathBuf> {
    let pair = plan.pki.client(name, user, group)?;
    let read = |path: &PathBuf| std::fs::read(path).map(|bytes| STANDARD.encode(bytes));
    let (ca, cert, key) = (read(&plan.pki.ca()?)?, read(&pair.cert)?, read(&pair.key)?);
    let server = format!("https://{}", plan.address);
    let text = format!(
        "apiVersion: v1
kind: Config
clusters:
- name: catena
  cluster:
    server: {server}
    certificate-authority-data: {ca}
contexts:
- name: catena
  context:
    cluster: catena
    user: {name}
current-context: catena
users:
- name: {name}
  user:
    client-certificate-data: {cert}
    client-key-data: {key}
"
    );
    let path = plan.dir.join(format!("{name}.kubeconfig"));
    files::write_atomic(&path, text.as_bytes(), files::PRIVATE)?;
    Ok(path)
}
