//! Certificates that the operator makes.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use catena_runtime::tls::{PeerNames, names_in_pem, signed_by};
use catena_tests_it::eventually;
use catena_tests_operator::{Host, condition};
use serde_json::{Value, json};

type Secrets = BTreeMap<String, Value>;

/// Data of the Secrets with certificates.
fn secrets(host: &Host) -> Secrets {
    secrets_of(host, "cp")
}

fn secrets_of(host: &Host, plane: &str) -> Secrets {
    let of = format!("catena.dev/control-plane={plane}");
    let list = host
        .api
        .kubectl(&["get", "secrets", "-n", "control", "-l", &of, "-o", "json"]);
    let list: Value = serde_json::from_str(&list).expect("JSON");
    let items = list["items"].as_array().expect("a list").iter();
    items
        .map(|s| {
            let name = s["metadata"]["name"].as_str().expect("a name");
            (
                name.replace(&format!("{plane}-catena-"), ""),
                s["data"].clone(),
            )
        })
        .filter(|(name, _)| name != "kubeconfig")
        .collect()
}

fn pem(secrets: &Secrets, name: &str, key: &str) -> Vec<u8> {
    let text = secrets[name][key].as_str().expect("text");
    STANDARD.decode(text).expect("base64")
}

fn names(secrets: &Secrets, name: &str) -> PeerNames {
    names_in_pem(&pem(secrets, name, "tls.crt")).expect("a certificate")
}

fn changed(before: &Secrets, after: &Secrets) -> Vec<String> {
    assert_eq!(before.len(), after.len());
    let differs = |(name, data): &(&String, &Value)| after[*name] != **data;
    before
        .iter()
        .filter(differs)
        .map(|(name, _)| name.clone())
        .collect()
}

const KEPT: [&str; 4] = ["ca", "front-proxy-ca", "internal-ca", "service-account"];
const LEAVES: [&str; 9] = [
    "admin",
    "aggregator",
    "apiserver",
    "controllers",
    "core",
    "extensions",
    "front-proxy-client",
    "kubelet-client",
    "store",
];

#[test]
fn certificates_are_made_kept_and_rotated() {
    let Some(host) = Host::start(&[]) else { return };
    host.namespace("control");
    host.apply("control", "cp", &json!({"version": "0.1.0"}));
    host.settled("control", "cp");
    let first = secrets(&host);
    let mut expected: Vec<&str> = KEPT.into_iter().chain(LEAVES).collect();
    expected.sort_unstable();
    assert_eq!(first.keys().collect::<Vec<_>>(), expected);
    for (leaf, authority) in [
        ("admin", "ca"),
        ("core", "internal-ca"),
        ("front-proxy-client", "front-proxy-ca"),
    ] {
        let (cert, ca) = (
            pem(&first, leaf, "tls.crt"),
            pem(&first, authority, "tls.crt"),
        );
        assert!(signed_by(&cert, &ca), "{leaf} is not by {authority}");
    }
    assert_eq!(names(&first, "admin").organizations, ["system:masters"]);
    assert_eq!(names(&first, "core").common_name, "system:catena:core");
    // As kubelets want core: without rights of its own it would be refused.
    let kubelets = names(&first, "kubelet-client");
    assert_eq!(kubelets.common_name, "kube-apiserver-kubelet-client");
    assert_eq!(kubelets.organizations, ["system:masters"]);
    let public = names(&first, "apiserver");
    assert!(
        public
            .sans
            .contains(&"cp-catena.control.svc.cluster.local".to_owned())
    );

    // Names of the public port change one certificate.
    let spec = json!({"version": "0.1.0", "certificates": {"extraNames": ["api.example.com"]}});
    host.apply("control", "cp", &spec);
    eventually("the public port has its name", || {
        names(&secrets(&host), "apiserver")
            .sans
            .contains(&"api.example.com".to_owned())
    });
    let named = secrets(&host);
    assert_eq!(changed(&first, &named), ["apiserver"]);

    // A word makes all leaves anew, and neither authorities nor pods.
    let before = host.get("control", "deployment/cp-catena-core");
    host.api.kubectl(&[
        "annotate",
        "cp/cp",
        "-n",
        "control",
        "catena.dev/rotate-certificates=now",
    ]);
    eventually("all are made anew", || {
        changed(&named, &secrets(&host)) == LEAVES
    });
    host.settled("control", "cp");
    let after = host.get("control", "deployment/cp-catena-core");
    assert_eq!(
        before["metadata"]["generation"],
        after["metadata"]["generation"]
    );
    assert!(
        host.events("control", "cp")
            .contains(&"CertificatesRotated".to_owned())
    );
    half_made(&host);
}

/// What somebody broke is made anew, alone.
fn half_made(host: &Host) {
    let good = secrets(host);
    let broken = json!({"data": {"tls.key": STANDARD.encode("no key")}}).to_string();
    host.api.kubectl(&[
        "patch",
        "secret/cp-catena-core",
        "-n",
        "control",
        "-p",
        &broken,
    ]);
    host.api
        .kubectl(&["delete", "secret/cp-catena-store", "-n", "control"]);
    eventually("both are made anew", || {
        let now = secrets(host);
        now.len() == good.len() && changed(&good, &now) == ["core", "store"]
    });
    let now = secrets(host);
    assert!(signed_by(
        &pem(&now, "store", "tls.crt"),
        &pem(&now, "internal-ca", "tls.crt")
    ));
    // A kubeconfig is by itself, and that of the certificates as they are.
    let config = host.get("control", "secret/cp-catena-kubeconfig");
    let text = config["data"]["kubeconfig"].as_str().expect("text");
    let text = String::from_utf8(STANDARD.decode(text).expect("base64")).expect("text");
    let cert = now["admin"]["tls.crt"].as_str().expect("text");
    assert!(
        text.contains(&format!("client-certificate-data: {cert}")) || text.contains(cert),
        "{text}"
    );
}

#[test]
fn certificates_are_made_anew_before_they_expire() {
    let Some(host) = Host::start(&[]) else { return };
    host.namespace("control");
    // Good for a minute more than they may have left: one look later it is time.
    let short = json!({"duration": "1h", "renewBefore": "59m58s"});
    host.apply(
        "control",
        "cp",
        &json!({"version": "0.1.0", "certificates": short}),
    );
    host.settled("control", "cp");
    let first = secrets(&host);
    eventually("all are made anew", || {
        changed(&first, &secrets(&host)) == LEAVES
    });
    let plane = host.plane("control", "cp");
    assert_eq!(condition(&plane, "CertificatesValid").0, "True");
}

#[test]
fn certificates_of_others_are_looked_at() {
    let Some(host) = Host::start(&[]) else { return };
    host.namespace("control");
    let spec = json!({"version": "0.1.0", "certificates": {"issuer": "Existing"}});
    host.apply("control", "cp", &spec);
    host.until("control", "cp", "misses certificates", |p| {
        condition(p, "CertificatesValid") == ("False".to_owned(), "Invalid".to_owned())
            && p["status"]["conditions"]
                .to_string()
                .contains("Secret cp-catena-admin is missing")
    });
    assert!(secrets(&host).is_empty());

    // What docs/install.md lists is enough: here another control plane's.
    host.apply("control", "other", &json!({"version": "0.1.0"}));
    host.settled("control", "other");
    for (name, mut data) in secrets_of(&host, "other") {
        match (name.as_str(), data.as_object_mut()) {
            ("internal-ca", _) => continue,
            ("ca" | "front-proxy-ca", Some(data)) => drop(data.remove("tls.key")),
            _ => {}
        }
        let metadata = json!({"name": format!("cp-catena-{name}"), "namespace": "control"});
        let secret =
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data});
        let made = host.api.kubectl_stdin(&["create"], &secret.to_string());
        assert!(made.status.success(), "{name}");
    }
    host.until("control", "cp", "has its certificates", |p| {
        condition(p, "CertificatesValid") == ("True".to_owned(), "Valid".to_owned())
            && p["status"]["conditions"]
                .to_string()
                .contains("the first one ends at")
    });
}
