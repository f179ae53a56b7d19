//! Helm installs, upgrades, rolls back and uninstalls the chart; Catena itself is
//! the API server that carries it.

use std::collections::BTreeMap;

use catena_tests_charts::{Helm, NAMESPACE, RELEASE, chart, text, value_sets};
use catena_tests_it::{ControlPlane, has};
use serde_json::Value;

struct Host {
    api: ControlPlane,
    helm: Helm,
}

/// Data of the Secrets of the release, by name.
type Secrets = BTreeMap<String, Value>;

impl Host {
    fn start() -> Option<Self> {
        let helm = Helm::find()?;
        has("kubectl").then(|| Self {
            api: ControlPlane::start(&[]),
            helm,
        })
    }

    fn helm(&self, args: &[&str]) -> String {
        let mut command = self.helm.command(args);
        command
            .args(["--namespace", NAMESPACE])
            .env("KUBECONFIG", self.api.kubeconfig())
            .env("HOME", self.api.dir());
        text(command.output().expect("helm runs"), args)
    }

    /// `helm upgrade` with values instead of those before.
    fn upgrade(&self, values: &str) -> String {
        let chart = chart().display().to_string();
        self.helm(&["upgrade", RELEASE, &chart, "--set", values])
    }

    fn get(&self, args: &[&str]) -> Value {
        let mut all = vec!["get", "--namespace", NAMESPACE, "--output", "json"];
        all.extend(args);
        serde_json::from_str(&self.api.kubectl(&all)).expect("JSON")
    }

    fn secrets(&self) -> Secrets {
        let of_chart = "app.kubernetes.io/part-of=catena";
        let list = self.get(&["secrets", "--selector", of_chart]);
        let items = list["items"].as_array().expect("a list");
        items
            .iter()
            .map(|s| {
                let name = s["metadata"]["name"].as_str().expect("a name");
                (
                    name.trim_start_matches("cp-catena-").to_owned(),
                    s["data"].clone(),
                )
            })
            .collect()
    }

    fn replicas(&self, process: &str) -> Value {
        self.get(&["deployment", &format!("cp-catena-{process}")])["spec"]["replicas"].clone()
    }
}

/// Names of the Secrets that differ.
fn changed<'a>(before: &'a Secrets, after: &Secrets) -> Vec<&'a str> {
    assert_eq!(before.len(), after.len());
    let differs = |(name, data): &(&String, &Value)| after.get(*name) != Some(*data);
    before
        .iter()
        .filter(differs)
        .map(|(name, _)| name.as_str())
        .collect()
}

/// Certificates that authorities sign.
const LEAVES: [&str; 7] = [
    "aggregator",
    "apiserver",
    "core",
    "extensions",
    "front-proxy-client",
    "kubelet-client",
    "store",
];

#[test]
fn catena_carries_its_own_installation() {
    let Some(host) = Host::start() else { return };
    let chart = chart().display().to_string();
    let notes = host.helm(&["install", RELEASE, &chart, "--create-namespace"]);
    for command in ["rollout status", "helm -n control test cp", "port-forward"] {
        assert!(notes.contains(command), "{command} is not in {notes}");
    }
    assert_eq!(host.replicas("core"), 1);
    let first = host.secrets();

    host.upgrade("core.replicas=3");
    assert_eq!(host.replicas("core"), 3);
    let none: [&str; 0] = [];
    assert_eq!(changed(&first, &host.secrets()), none);

    host.upgrade("certificates.extraNames={api.example.com}");
    assert_eq!(host.replicas("core"), 1);
    let named = host.secrets();
    assert_eq!(changed(&first, &named), ["apiserver"]);

    host.upgrade("certificates.helm.rotate=now\\,please,certificates.extraNames={api.example.com}");
    assert_eq!(changed(&named, &host.secrets()), LEAVES);

    let rotated = host.secrets();
    host.api.kubectl(&[
        "annotate",
        "--overwrite",
        "--namespace",
        NAMESPACE,
        "secret/cp-catena-core",
        "catena.internal/renew-after=1",
    ]);
    host.upgrade("certificates.helm.rotate=now\\,please,certificates.extraNames={api.example.com}");
    assert_eq!(changed(&rotated, &host.secrets()), ["core"]);

    host.helm(&["rollback", RELEASE, "2"]);
    assert_eq!(host.replicas("core"), 3);
    assert_eq!(changed(&first, &host.secrets()), none);
    let status = host.helm(&["status", RELEASE, "--output", "json"]);
    let status: Value = serde_json::from_str(&status).expect("JSON");
    assert_eq!(status["info"]["status"], "deployed");

    host.helm(&["uninstall", RELEASE]);
    assert!(host.secrets().is_empty());
    let all = "deployments,statefulsets,services,configmaps,networkpolicies,poddisruptionbudgets,serviceaccounts";
    let left = host.get(&[all, "--selector", "app.kubernetes.io/part-of=catena"]);
    assert_eq!(left["items"], Value::Array(Vec::new()));
}

#[test]
fn the_example_for_production_is_taken() {
    let Some(host) = Host::start() else { return };
    let chart = chart();
    let values = chart.join("values-ha.yaml").display().to_string();
    // Kinds of cert-manager and Prometheus are not known to this host.
    let without = "certificates.mode=existing,metrics.serviceMonitor.enabled=false,metrics.prometheusRule.enabled=false";
    let notes = host.helm(&[
        "install",
        RELEASE,
        &chart.display().to_string(),
        "--create-namespace",
        "--values",
        &values,
        "--set",
        without,
    ]);
    let extract =
        r#"get secret cp-catena-admin -o go-template="{{index .data \"$file\" | base64decode}}""#;
    assert!(notes.contains(extract), "{notes}");
    let scaler = host.get(&["hpa", "cp-catena-core"]);
    assert_eq!(scaler["spec"]["minReplicas"], 3);
    assert_eq!(host.replicas("controllers"), 2);
    host.helm(&["uninstall", RELEASE]);
}

#[test]
fn every_value_set_is_valid_to_the_letter() {
    let Some(host) = Host::start() else { return };
    host.api.kubectl(&["create", "namespace", NAMESPACE]);
    let strict = ["create", "--dry-run=server", "--validate=strict"];
    let misspelt = host.api.kubectl_stdin(
        &strict,
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, dada: {}}",
    );
    assert!(!misspelt.status.success(), "the host is not strict");
    let mut sets = value_sets();
    sets.push(("ha".to_owned(), chart().join("values-ha.yaml")));
    for (name, values) in sets {
        let rendered = host
            .helm
            .template(&["--values", &values.display().to_string()]);
        let known = |document: &&str| {
            let elsewhere = ["cert-manager.io/", "monitoring.coreos.com/"];
            !elsewhere
                .iter()
                .any(|group| document.contains(&format!("apiVersion: {group}")))
        };
        let documents: Vec<&str> = rendered.split("\n---\n").filter(known).collect();
        let out = host.api.kubectl_stdin(&strict, &documents.join("\n---\n"));
        text(out, &[&name]);
    }
}
