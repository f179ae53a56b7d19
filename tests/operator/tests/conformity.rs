//! One source for both: what the operator applies for a ControlPlane is what
//! `helm template` makes of the same values, when certificates are there already.

use std::{collections::BTreeMap, fs};

use catena_operator::api::ControlPlane;
use catena_tests_charts::{Helm, NAMESPACE, RELEASE, value_sets};
use serde_json::{Map, Value, json};

/// Fields of the spec, and where the chart has the same.
const FIELDS: [(&str, &str); 25] = [
    ("/image/registry", "/image/registry"),
    ("/image/repository", "/image/repository"),
    ("/image/perProcess", "/image/perProcess"),
    ("/image/pullPolicy", "/image/pullPolicy"),
    ("/image/pullSecrets", "/image/pullSecrets"),
    ("/aggregator/replicas", "/aggregator/replicas"),
    ("/aggregator/resources", "/aggregator/resources"),
    ("/aggregator/extraArgs", "/aggregator/extraArgs"),
    ("/core/replicas", "/core/replicas"),
    ("/core/resources", "/core/resources"),
    ("/core/autoscaling", "/core/autoscaling"),
    ("/controllers/enabled", "/controllers/enabled"),
    ("/storage/etcd", "/etcd"),
    ("/storage/embedded/size", "/store/persistence/size"),
    (
        "/storage/embedded/storageClassName",
        "/store/persistence/storageClassName",
    ),
    (
        "/storage/embedded/whenDeleted",
        "/store/persistence/whenDeleted",
    ),
    ("/tunnel/sshUser", "/tunnel/sshUser"),
    ("/tunnel/nodes", "/tunnel/nodes"),
    ("/tracing", "/tracing"),
    ("/logging", "/logging"),
    ("/certificates/extraNames", "/certificates/extraNames"),
    ("/exposure/type", "/aggregator/service/type"),
    ("/exposure/nodePort", "/aggregator/service/nodePort"),
    ("/exposure/annotations", "/aggregator/service/annotations"),
    ("/exposure/server", "/kubeconfig/server"),
];

fn take(from: &mut Value, path: &str) -> Option<Value> {
    let (parent, field) = path.rsplit_once('/')?;
    from.pointer_mut(parent)?.as_object_mut()?.remove(field)
}

fn put(into: &mut Value, path: &str, value: Value) {
    let mut at = into;
    for field in path.split('/').skip(1) {
        at = &mut at[field];
    }
    *at = value;
}

/// A ControlPlane whose fields equal values; what has no field is in `values`.
fn plane(mut values: Value) -> ControlPlane {
    let mut spec = json!({"version": "0.1.0"});
    let embedded = values["store"]["enabled"] != false;
    if embedded {
        spec["storage"] = json!({"embedded": {}});
    } else {
        take(&mut values, "/store/enabled");
    }
    for (field, value) in FIELDS {
        if let Some(value) = take(&mut values, value) {
            put(&mut spec, field, value);
        }
    }
    // A tunnel that nodes dial in to has no key, and is a matter of `values`.
    if let Some(secret) = take(&mut values, "/tunnel/sshSecretName") {
        take(&mut values, "/tunnel/enabled");
        spec["tunnel"]["enabled"] = json!(true);
        spec["tunnel"]["sshSecretName"] = secret;
    }
    take(&mut values, "/certificates/mode");
    spec["values"] = values;
    let plane = json!({
        "apiVersion": "catena.dev/v1alpha1",
        "kind": "ControlPlane",
        "metadata": {"name": RELEASE, "namespace": NAMESPACE},
        "spec": spec,
    });
    serde_json::from_value(plane).expect("a ControlPlane")
}

/// Rendered text as an API server reads it: numbers like 0440 are octal.
fn read(rendered: &str) -> Vec<Value> {
    let documents = rendered.split("\n---\n").filter(|d| d.contains("kind:"));
    documents
        .map(|d| {
            let value = catena_objects::yaml::to_value(d.as_bytes()).expect("YAML");
            let text = catena_objects::json::to_string(&value);
            serde_json::from_str(&text).expect("JSON")
        })
        .collect()
}

/// Objects by what they are called, without who manages them.
fn by_name(objects: Vec<Value>) -> BTreeMap<String, Value> {
    let named = |mut o: Value| {
        if let Some(labels) = o["metadata"]["labels"].as_object_mut() {
            labels.remove("app.kubernetes.io/managed-by");
        }
        (format!("{} {}", o["kind"], o["metadata"]["name"]), o)
    };
    objects.into_iter().map(named).collect()
}

#[test]
fn every_value_set_is_rendered_as_helm_does() {
    let Some(helm) = Helm::find() else { return };
    let sets = value_sets();
    assert_eq!(sets.len(), 11);
    for (name, path) in sets {
        let text = fs::read_to_string(&path).expect("values");
        let values: Value = serde_saphyr::from_str(&text).expect("YAML");
        let values = if values.is_null() {
            Value::Object(Map::new())
        } else {
            values
        };
        let file = path.display().to_string();
        let theirs = helm.template(&["--values", &file, "--set", "certificates.mode=existing"]);
        let theirs = read(&theirs)
            .into_iter()
            .filter(|o| o["metadata"]["annotations"]["helm.sh/hook"].is_null())
            .collect();
        let ours = catena_operator::rendered(&plane(values), "v1.36.0").expect("rendered");
        let (ours, theirs) = (by_name(ours), by_name(theirs));
        assert!(ours.len() > 10, "{name}");
        assert_eq!(
            ours.keys().collect::<Vec<_>>(),
            theirs.keys().collect::<Vec<_>>(),
            "{name}"
        );
        for (key, theirs) in theirs {
            assert_eq!(ours[&key], theirs, "{key} of {name}");
        }
    }
}

#[test]
fn the_chart_of_the_operator_has_these_definitions() {
    let path = catena_tests_charts::root().join("charts/catena-operator/files/crds.yaml");
    let mut expected = String::new();
    for definition in catena_operator::api::definitions().expect("definitions") {
        let text = serde_saphyr::to_string(&definition).expect("YAML");
        expected.push_str(&format!("---\n{text}\n"));
    }
    if std::env::var_os("CATENA_UPDATE").is_some() {
        fs::write(&path, &expected).expect("the definitions");
    }
    let committed = fs::read_to_string(&path).expect("the definitions");
    assert!(
        committed == expected,
        "{} is old: CATENA_UPDATE=1 writes it anew",
        path.display()
    );
}
