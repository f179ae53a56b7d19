//! ServiceAccount: pods run as an account that exists, and get its token.

use std::sync::Arc;

use async_trait::async_trait;
use catena_objects::{Status, Value, meta, obj};
use catena_registry::{Admission, Attributes, Operation};

use super::forbidden;
use crate::{reader::ObjectReader, steps::each};

const MOUNT_PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
const VOLUME: &str = "kube-api-access-";
const MIRROR: &str = "kubernetes.io/config.mirror";
/// `WarnOnlyBoundTokenExpirationSeconds`: an hour and seven seconds.
const TOKEN_SECONDS: i64 = 3_607;

pub(super) struct ServiceAccount {
    pub(super) reader: Arc<dyn ObjectReader>,
}

#[async_trait]
impl Admission for ServiceAccount {
    fn handles(&self, operation: Operation, group: &str, resource: &str, sub: &str) -> bool {
        operation == Operation::Create && group.is_empty() && resource == "pods" && sub.is_empty()
    }

    async fn admit(&self, a: &mut Attributes<'_>) -> Result<(), Status> {
        let Some(pod) = a.object.as_deref() else {
            return Ok(());
        };
        if meta::annotation(pod, MIRROR).is_some() {
            return mirror_rules(a);
        }
        let name = match pod.str_at(&["spec", "serviceAccountName"]) {
            "" => "default".to_owned(),
            name => name.to_owned(),
        };
        let ns = a.ctx.namespace.clone();
        let Some(account) = self.reader.known("", "serviceaccounts", &ns, &name).await? else {
            let why = format!(
                "error looking up service account {ns}/{name}: serviceaccount {name:?} not found"
            );
            return Err(forbidden(a, &why));
        };
        let Some(pod) = a.object.as_deref_mut() else {
            return Ok(());
        };
        pod.set(&["spec", "serviceAccountName"], name.as_str());
        // Conversion keeps the old name of the field in step.
        pod.set(&["spec", "serviceAccount"], name.as_str());
        if mounts_token(&account, pod) {
            mount_token(pod);
        }
        let secrets = account.items_at(&["imagePullSecrets"]);
        if pod.items_at(&["spec", "imagePullSecrets"]).is_empty() && !secrets.is_empty() {
            pod.set(&["spec", "imagePullSecrets"], secrets.to_vec());
        }
        Ok(())
    }
}

/// Mirror pods show what a kubelet runs by itself: they get nothing and may ask for nothing.
fn mirror_rules(a: &Attributes<'_>) -> Result<(), Status> {
    let Some(pod) = a.object.as_deref() else {
        return Ok(());
    };
    if !pod.str_at(&["spec", "serviceAccountName"]).is_empty() {
        return Err(forbidden(
            a,
            "a mirror pod may not reference service accounts",
        ));
    }
    for volume in pod.items_at(&["spec", "volumes"]) {
        if volume.get("secret").is_some() {
            return Err(forbidden(a, "a mirror pod may not reference secrets"));
        }
        let sources = volume.items_at(&["projected", "sources"]);
        if sources
            .iter()
            .any(|s| s.get("serviceAccountToken").is_some())
        {
            let why = "a mirror pod may not use ServiceAccountToken volume projections";
            return Err(forbidden(a, why));
        }
    }
    Ok(())
}

fn mounts_token(account: &Value, pod: &Value) -> bool {
    pod.bool_at(&["spec", "automountServiceAccountToken"])
        .or_else(|| account.bool_at(&["automountServiceAccountToken"]))
        .unwrap_or(true)
}

fn mount_token(pod: &mut Value) {
    let existing = pod
        .items_at(&["spec", "volumes"])
        .iter()
        .map(|v| v.str_at(&["name"]))
        .find(|n| n.starts_with(VOLUME))
        .map(str::to_owned);
    let has_volume = existing.is_some();
    let name = existing.unwrap_or_else(|| meta::generate_name(VOLUME));
    let mut mounted = false;
    for list in ["initContainers", "containers"] {
        each(pod, &["spec", list], |container| {
            let mut mounts = container.items_at(&["volumeMounts"]).to_vec();
            if mounts
                .iter()
                .any(|m| m.str_at(&["mountPath"]) == MOUNT_PATH)
            {
                return;
            }
            mounts.push(obj!({
                "name": (name.as_str()), "readOnly": true, "mountPath": MOUNT_PATH
            }));
            container.set(&["volumeMounts"], mounts);
            mounted = true;
        });
    }
    if mounted && !has_volume {
        let mut volumes = pod.items_at(&["spec", "volumes"]).to_vec();
        volumes.push(token_volume(&name));
        pod.set(&["spec", "volumes"], volumes);
    }
}

fn token_volume(name: &str) -> Value {
    let mode = i64::from(0o644);
    obj!({
        "name": name,
        "projected": {
            "sources": [
                {"serviceAccountToken": {"expirationSeconds": TOKEN_SECONDS, "path": "token"}},
                {"configMap": {
                    "name": "kube-root-ca.crt",
                    "items": [{"key": "ca.crt", "path": "ca.crt"}]
                }},
                {"downwardAPI": {"items": [{
                    "path": "namespace",
                    "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}
                }]}}
            ],
            "defaultMode": mode
        }
    })
}
