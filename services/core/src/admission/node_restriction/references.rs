//! Other objects that a pod refers to (`podutil.HasAPIObjectReference`).

use catena_objects::Value;

use crate::steps::is_set;

/// The first kind of object that the pod refers to.
pub(super) fn first(pod: &Value) -> Option<&'static str> {
    let spec = |path: &[&str]| {
        let full: Vec<&str> = std::iter::once("spec")
            .chain(path.iter().copied())
            .collect();
        !pod.str_at(&full).is_empty()
    };
    if spec(&["serviceAccountName"]) {
        return Some("serviceaccounts");
    }
    if !pod.items_at(&["spec", "imagePullSecrets"]).is_empty() {
        return Some("secrets");
    }
    of_containers(pod)
        .or_else(|| {
            let claims = pod.items_at(&["spec", "resourceClaims"]);
            (!claims.is_empty()).then_some("resourceclaims")
        })
        .or_else(|| {
            let volumes = pod.items_at(&["spec", "volumes"]);
            volumes.iter().find_map(of_volume)
        })
}

/// Names of secrets and config maps, wherever a pod may have them.
fn of_containers(pod: &Value) -> Option<&'static str> {
    const SECRETS: [&[&str]; 10] = [
        &["secret"],
        &["azureFile"],
        &["cephfs", "secretRef"],
        &["cinder", "secretRef"],
        &["flexVolume", "secretRef"],
        &["iscsi", "secretRef"],
        &["rbd", "secretRef"],
        &["scaleIO", "secretRef"],
        &["storageos", "secretRef"],
        &["csi", "nodePublishSecretRef"],
    ];
    if uses(pod, "secretKeyRef", "secretRef", &SECRETS, "secret") {
        return Some("secrets");
    }
    let maps: [&[&str]; 1] = [&["configMap"]];
    uses(pod, "configMapKeyRef", "configMapRef", &maps, "configMap").then_some("configmaps")
}

fn uses(pod: &Value, by_env: &str, from: &str, volumes: &[&[&str]], projected: &str) -> bool {
    let mut containers = ["initContainers", "containers", "ephemeralContainers"]
        .into_iter()
        .flat_map(|list| pod.items_at(&["spec", list]));
    let of_container = containers.any(|c| {
        let mut env = c.items_at(&["env"]).iter();
        let mut env_from = c.items_at(&["envFrom"]).iter();
        env.any(|e| is_set(e, &["valueFrom", by_env])) || env_from.any(|e| is_set(e, &[from]))
    });
    of_container
        || pod.items_at(&["spec", "volumes"]).iter().any(|v| {
            let mut sources = v.items_at(&["projected", "sources"]).iter();
            volumes.iter().any(|path| is_set(v, path)) || sources.any(|s| is_set(s, &[projected]))
        })
}

fn of_volume(volume: &Value) -> Option<&'static str> {
    const SOURCES: [(&str, &str); 4] = [
        ("csi", "csidrivers (via CSI volumes)"),
        ("glusterfs", "endpoints (via glusterFS volumes)"),
        ("persistentVolumeClaim", "persistentvolumeclaims"),
        (
            "ephemeral",
            "persistentvolumeclaims (via ephemeral volumes)",
        ),
    ];
    const PROJECTED: [(&str, &str); 3] = [
        (
            "serviceAccountToken",
            "serviceaccounts (via projected volumes)",
        ),
        ("clusterTrustBundle", "clustertrustbundles"),
        ("podCertificate", "podcertificates"),
    ];
    let found = |v: &Value, table: &[(&'static str, &'static str)]| {
        table
            .iter()
            .find(|(name, _)| is_set(v, &[name]))
            .map(|(_, text)| *text)
    };
    found(volume, &SOURCES).or_else(|| {
        let sources = volume.items_at(&["projected", "sources"]);
        sources.iter().find_map(|s| found(s, &PROJECTED))
    })
}
