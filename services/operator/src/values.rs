//! The values of the chart that a spec stands for.

use serde_json::{Value, json};

use crate::{
    api::{ControlPlaneSpec, Issuer, Restore, ScaledProcess, Storage},
    error::Error,
};

/// Where a backup is mounted that the store begins with.
const RESTORE: &str = "/restore";

/// Values over those of the chart: fields, then `spec.values`, then what a
/// restore needs. `claim`: the claim of backups.
///
/// Certificates are always asked for as cert-manager would make them: these
/// declarations say what this operator makes itself ([`crate::certificates`]),
/// and nothing else differs between them and Secrets that are there.
///
/// # Errors
/// When `spec.values` has what only a field may say.
pub(crate) fn values(spec: &ControlPlaneSpec, claim: &str) -> Result<Value, Error> {
    let free = Value::Object(spec.values.clone());
    if !free["certificates"]["mode"].is_null() {
        let why = "spec.values.certificates.mode: spec.certificates.issuer says who makes them";
        return Err(Error::Spec(why.to_owned()));
    }
    let mut out = fields(spec)?;
    merge(&mut out, &free);
    if let Some(restore) = &spec.storage.restore_from {
        begin_with(&mut out, restore, claim);
    }
    Ok(out)
}

fn fields(spec: &ControlPlaneSpec) -> Result<Value, Error> {
    let certificates = &spec.certificates;
    let exposure = &spec.exposure;
    let mut out = json!({
        "image": spec.image,
        "logging": spec.logging,
        "tracing": spec.tracing,
        "certificates": {
            "mode": "certManager",
            "extraNames": certificates.extra_names,
            "extraAddresses": certificates.extra_addresses,
            "certManager": {
                "caDuration": certificates.authority_duration,
                "duration": certificates.duration,
                "renewBefore": certificates.renew_before,
            },
        },
        "cluster": {"advertise": exposure.advertise},
        "kubeconfig": {"server": exposure.server},
        "aggregator": process(&spec.aggregator),
        "core": process(&spec.core),
        "extensions": process(&spec.extensions),
        "controllers": spec.controllers,
    });
    out["image"]["tag"] = json!(spec.version);
    out["aggregator"]["service"] = json!({
        "type": exposure.kind,
        "port": exposure.port,
        "nodePort": exposure.node_port,
        "annotations": exposure.annotations,
        "loadBalancerClass": exposure.load_balancer_class,
        "loadBalancerSourceRanges": exposure.load_balancer_source_ranges,
    });
    if spec.tunnel.enabled {
        out["tunnel"] = json!(spec.tunnel);
    }
    storage(&spec.storage, &mut out)?;
    Ok(out)
}

fn process(process: &ScaledProcess) -> Value {
    json!(process)
}

fn storage(storage: &Storage, out: &mut Value) -> Result<(), Error> {
    match (&storage.embedded, &storage.etcd) {
        (Some(disk), None) => {
            out["store"] = json!({"enabled": true, "persistence": {
                "size": disk.size,
                "storageClassName": disk.storage_class_name,
                "whenDeleted": disk.when_deleted,
            }});
        }
        (None, Some(etcd)) => {
            out["store"] = json!({"enabled": false});
            out["etcd"] = json!(etcd);
        }
        _ => {
            let why = "spec.storage: one of embedded and etcd must be set, and not both";
            return Err(Error::Spec(why.to_owned()));
        }
    }
    Ok(())
}

/// Adds to lists that `spec.values` may have filled.
fn begin_with(values: &mut Value, restore: &Restore, claim: &str) {
    let claim = match restore.claim_name.as_str() {
        "" => claim,
        named => named,
    };
    let mut add = |field: &str, item: Value| {
        let list = &mut values["store"][field];
        match list.as_array_mut() {
            Some(list) => list.push(item),
            None => *list = json!([item]),
        }
    };
    let file = format!("{RESTORE}/{}", restore.file);
    add("extraArgs", json!(format!("--initial-snapshot={file}")));
    add(
        "extraVolumes",
        json!({"name": "restore", "persistentVolumeClaim": {"claimName": claim, "readOnly": true}}),
    );
    add(
        "extraVolumeMounts",
        json!({"name": "restore", "mountPath": RESTORE, "readOnly": true}),
    );
}

/// Helm's rule: tables are merged, all else is replaced.
pub(crate) fn merge(base: &mut Value, over: &Value) {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            for (key, value) in over {
                merge(base.entry(key).or_insert(Value::Null), value);
            }
        }
        (base, over) => *base = over.clone(),
    }
}

/// Whether the chart's declarations of certificates are left to cert-manager.
pub(crate) fn by_cert_manager(spec: &ControlPlaneSpec) -> bool {
    spec.certificates.issuer == Issuer::CertManager
}

/// The claim of backups: the one that is named, or that of the ControlPlane.
pub(crate) fn claim_of_backups(spec: &ControlPlaneSpec, name: &str) -> String {
    match &spec.storage.backup {
        Some(backup) if !backup.volume.claim_name.is_empty() => backup.volume.claim_name.clone(),
        _ => format!("{name}-backups"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(v: Value) -> ControlPlaneSpec {
        serde_json::from_value(v).expect("a spec")
    }

    #[test]
    fn free_values_win_over_fields() {
        let spec = spec(json!({"version": "1", "core": {"replicas": 2}, "values": {
            "core": {"replicas": 4, "extraArgs": ["--a"]}, "clusterDomain": "x",
        }}));
        let out = values(&spec, "claim").expect("values");
        assert_eq!(out["core"]["replicas"], 4);
        assert_eq!(out["core"]["extraArgs"], json!(["--a"]));
        assert_eq!(out["clusterDomain"], "x");
        assert_eq!(out["image"]["tag"], "1");
    }

    #[test]
    fn the_mode_of_certificates_is_a_field() {
        let spec = spec(json!({"version": "1", "values": {"certificates": {"mode": "helm"}}}));
        let why = values(&spec, "claim").expect_err("refused").to_string();
        assert!(why.contains("spec.values.certificates.mode"), "{why}");
    }

    #[test]
    fn a_restore_adds_to_lists() {
        let spec = spec(json!({
            "version": "1",
            "storage": {"embedded": {}, "restoreFrom": {"file": "a.db"}},
            "values": {"store": {"extraArgs": ["--v=4"]}},
        }));
        let out = values(&spec, "cp-catena-backups").expect("values");
        let args = json!(["--v=4", "--initial-snapshot=/restore/a.db"]);
        assert_eq!(out["store"]["extraArgs"], args);
        let claim = &out["store"]["extraVolumes"][0]["persistentVolumeClaim"];
        assert_eq!(claim["claimName"], "cp-catena-backups");
    }
}
