//! The Job that takes a backup: its pod reads the store through its API, and
//! writes one file into the volume of backups.

use serde_json::{Value, json};

use crate::{
    api::{Backup, ControlPlane},
    apply::MANAGER,
    objects::LABEL,
    options::BackupImage,
    snapshot::LONGEST,
};

/// The process label of its pods.
pub(crate) const COMPONENT: &str = "backup";
/// The time that the schedule asked for.
pub(crate) const SCHEDULED: &str = "catena.dev/scheduled";
/// The file in the volume.
pub(crate) const FILE: &str = "catena.dev/file";

/// What is known of the control plane that is backed up.
pub(crate) struct Subject<'a> {
    pub(crate) name: &'a str,
    pub(crate) namespace: &'a str,
    pub(crate) full_name: &'a str,
    /// The StatefulSet of the store, as it was rendered.
    pub(crate) store: &'a Value,
    /// Where the store is, as core is told.
    pub(crate) server: &'a str,
    pub(crate) claim: String,
}

/// The labels of the pods of backups.
fn labels(of: &Subject<'_>) -> Value {
    let mut labels = of.store["spec"]["selector"]["matchLabels"].clone();
    labels["app.kubernetes.io/component"] = json!(COMPONENT);
    labels["app.kubernetes.io/managed-by"] = json!(MANAGER);
    labels[LABEL] = json!(of.name);
    labels
}

/// The volume, where it is not one that is there already. It has no owner: it
/// outlives the control plane.
pub(crate) fn claim(of: &Subject<'_>, backup: &Backup) -> Value {
    let mut claim = json!({
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": of.claim, "namespace": of.namespace, "labels": labels(of)},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": backup.volume.size}},
        },
    });
    if !backup.volume.storage_class_name.is_empty() {
        claim["spec"]["storageClassName"] = json!(backup.volume.storage_class_name);
    }
    claim
}

/// Lets the pods of backups reach the store beside those that the chart lets.
pub(crate) fn policy(of: &Subject<'_>) -> Value {
    let mut pods = of.store["spec"]["selector"]["matchLabels"].clone();
    pods["app.kubernetes.io/component"] = json!(COMPONENT);
    json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {
            "name": format!("{}-backup", of.full_name),
            "namespace": of.namespace,
            "labels": labels(of),
        },
        "spec": {
            "podSelector": of.store["spec"]["selector"],
            "policyTypes": ["Ingress"],
            "ingress": [{
                "ports": [{"port": "etcd", "protocol": "TCP"}],
                "from": [{"podSelector": {"matchLabels": pods}}],
            }],
        },
    })
}

fn arguments(of: &Subject<'_>, backup: &Backup, file: &str) -> Vec<String> {
    vec![
        "backup".to_owned(),
        format!("--etcd-servers={}", of.server),
        "--etcd-cafile=/etc/catena/internal/ca.crt".to_owned(),
        "--etcd-certfile=/etc/catena/internal/tls.crt".to_owned(),
        "--etcd-keyfile=/etc/catena/internal/tls.key".to_owned(),
        "--directory=/backups".to_owned(),
        format!("--file={file}"),
        format!("--keep={}", backup.keep),
    ]
}

/// A backup into `file`. It is made once by its name.
pub(crate) fn job(
    of: &Subject<'_>,
    plane: &ControlPlane,
    backup: &Backup,
    image: &BackupImage,
    name: &str,
    file: &str,
) -> Value {
    let template = &of.store["spec"]["template"]["spec"];
    let mut args = arguments(of, backup, file);
    if let Some(restore) = &plane.spec.storage.restore_from {
        args.push(format!("--never-delete={}", restore.file));
    }
    let mut pod = json!({
        "restartPolicy": "Never",
        "automountServiceAccountToken": false,
        "enableServiceLinks": false,
        // A volume that one node mounts is the store's neighbour best.
        "affinity": {"podAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{
            "weight": 100,
            "podAffinityTerm": {
                "topologyKey": "kubernetes.io/hostname",
                "labelSelector": of.store["spec"]["selector"],
            },
        }]}},
        "containers": [{
            "name": COMPONENT,
            "image": image.image,
            "imagePullPolicy": template["containers"][0]["imagePullPolicy"],
            "args": args,
            "resources": {"requests": {"cpu": "20m", "memory": "32Mi"}},
            "securityContext": template["containers"][0]["securityContext"],
            "volumeMounts": [
                {"name": "internal", "mountPath": "/etc/catena/internal", "readOnly": true},
                {"name": "backups", "mountPath": "/backups"},
            ],
        }],
        "volumes": [
            {"name": "internal", "secret": {
                "secretName": format!("{}-store", of.full_name), "defaultMode": 0o440,
            }},
            {"name": "backups", "persistentVolumeClaim": {"claimName": of.claim}},
        ],
    });
    for field in [
        "securityContext",
        "imagePullSecrets",
        "tolerations",
        "nodeSelector",
    ] {
        if !template[field].is_null() {
            pod[field] = template[field].clone();
        }
    }
    if !image.command.is_empty() {
        pod["containers"][0]["command"] = json!(image.command);
    }
    json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": name,
            "namespace": of.namespace,
            "labels": labels(of),
            "annotations": {FILE: file},
        },
        "spec": {
            "backoffLimit": 2,
            "activeDeadlineSeconds": LONGEST.as_secs(),
            "template": {"metadata": {"labels": labels(of)}, "spec": pod},
        },
    })
}
