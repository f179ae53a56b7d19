//! The administrator's kubeconfig, with the certificates that the chart's names
//! as files beside it.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::{certificates::Data, error::Error};

/// The Secret's name without that of the release.
pub(crate) const SECRET: &str = "kubeconfig";
const KEY: &str = "kubeconfig";

fn content(secret: &Value) -> Result<Value, Error> {
    let text = secret["data"][KEY].as_str().unwrap_or_default();
    let bytes = STANDARD
        .decode(text)
        .map_err(|e| Error::Internal(format!("kubeconfig: {e}")))?;
    serde_saphyr::from_slice(&bytes).map_err(|e| Error::Internal(format!("kubeconfig: {e}")))
}

/// The URL in it.
///
/// # Errors
/// When it is not one.
pub(crate) fn server(secret: &Value) -> Result<Option<String>, Error> {
    let config = content(secret)?;
    let server = config["clusters"][0]["cluster"]["server"].as_str();
    Ok(server.map(str::to_owned))
}

/// Puts certificates into the kubeconfig; without them, files stay named.
///
/// # Errors
/// When it is no kubeconfig.
pub(crate) fn fill(secret: &mut Value, admin: &Data) -> Result<(), Error> {
    let (Some(ca), Some(cert), Some(key)) = (
        admin.get("ca.crt"),
        admin.get("tls.crt"),
        admin.get("tls.key"),
    ) else {
        return Ok(());
    };
    let mut config = content(secret)?;
    let cluster = &mut config["clusters"][0]["cluster"];
    replace(cluster, "certificate-authority", ca);
    let user = &mut config["users"][0]["user"];
    replace(user, "client-certificate", cert);
    replace(user, "client-key", key);
    let text = serde_saphyr::to_string(&config)
        .map_err(|e| Error::Internal(format!("kubeconfig: {e}")))?;
    secret["data"][KEY] = json!(STANDARD.encode(text));
    Ok(())
}

fn replace(table: &mut Value, field: &str, content: &[u8]) {
    if let Some(table) = table.as_object_mut() {
        table.remove(field);
        table.insert(format!("{field}-data"), json!(STANDARD.encode(content)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_become_data() {
        let text = "clusters: [{name: a, cluster: {server: 'https://a', certificate-authority: ca.crt}}]\nusers: [{name: b, user: {client-certificate: tls.crt, client-key: tls.key}}]\n";
        let mut secret = json!({"data": {"kubeconfig": STANDARD.encode(text)}});
        assert_eq!(server(&secret).expect("one").as_deref(), Some("https://a"));
        let data = ["ca.crt", "tls.crt", "tls.key"].map(|f| (f.to_owned(), f.as_bytes().to_vec()));
        fill(&mut secret, &data.into()).expect("filled");
        let config = content(&secret).expect("a kubeconfig");
        let expected = json!({"client-certificate-data": STANDARD.encode("tls.crt"), "client-key-data": STANDARD.encode("tls.key")});
        assert_eq!(config["users"][0]["user"], expected);
        assert_eq!(config["clusters"][0]["cluster"]["server"], "https://a");
    }
}
