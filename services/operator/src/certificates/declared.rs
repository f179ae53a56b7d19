//! What the chart declares for cert-manager.

use serde_json::Value;

/// Who signs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Signer {
    Itself,
    /// The authority in this Secret.
    Authority(String),
}

/// A certificate that is wanted.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Identity {
    pub(crate) secret: String,
    /// The name without that of the release: `ca`, `core`.
    pub(crate) short: String,
    pub(crate) signer: Signer,
    pub(crate) is_authority: bool,
    pub(crate) cn: String,
    pub(crate) group: Option<String>,
    /// DNS names and addresses.
    pub(crate) names: Vec<String>,
    pub(crate) usages: Vec<String>,
    pub(crate) labels: Value,
}

impl Identity {
    /// Neither an authority nor a mere key.
    pub(crate) fn is_leaf(&self) -> bool {
        !self.is_authority && self.signer != Signer::Itself
    }

    /// Only its key is used: it signs tokens, and stays.
    pub(crate) fn is_key_only(&self) -> bool {
        !self.is_authority && self.signer == Signer::Itself
    }
}

/// Whether an object is for cert-manager alone.
pub(crate) fn is_declaration(object: &Value) -> bool {
    object["apiVersion"]
        .as_str()
        .is_some_and(|v| v.starts_with("cert-manager.io/"))
}

/// The certificates among rendered objects.
pub(crate) fn identities(rendered: &[Value]) -> Vec<Identity> {
    let declared = rendered.iter().filter(|o| is_declaration(o));
    let certificates = declared.clone().filter(|o| o["kind"] == "Certificate");
    certificates
        .map(|o| {
            let issuer = declared.clone().find(|i| {
                i["kind"] == "Issuer" && i["metadata"]["name"] == o["spec"]["issuerRef"]["name"]
            });
            identity(o, issuer)
        })
        .collect()
}

fn identity(certificate: &Value, issuer: Option<&Value>) -> Identity {
    let spec = &certificate["spec"];
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let list =
        |v: &Value| -> Vec<String> { v.as_array().into_iter().flatten().map(text).collect() };
    let mut names = list(&spec["dnsNames"]);
    names.extend(list(&spec["ipAddresses"]));
    let by = issuer.and_then(|i| i["spec"]["ca"]["secretName"].as_str());
    let labels = &certificate["metadata"]["labels"];
    Identity {
        secret: text(&spec["secretName"]),
        short: text(&labels["app.kubernetes.io/component"]),
        signer: by.map_or(Signer::Itself, |s| Signer::Authority(s.to_owned())),
        is_authority: spec["isCA"] == true,
        cn: text(&spec["commonName"]),
        group: list(&spec["subject"]["organizations"]).pop(),
        names,
        usages: list(&spec["usages"]),
        labels: labels.clone(),
    }
}
