//! Replicas of processes: what the ControlPlane says, or what was said of its
//! ControlPlaneService since (docs/adr/0007).

use kube::{
    Api, ResourceExt as _,
    api::{DeleteParams, ObjectMeta, Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};

use crate::{
    api::{ControlPlaneService, ControlPlaneServiceSpec},
    apply::{Applier, MANAGER},
    error::{Error, Of as _},
    objects::{self, LABEL},
    rollout,
};

/// Processes that can be scaled.
pub(crate) const SCALED: [&str; 4] = ["aggregator", "core", "extensions", "controllers"];

/// The ControlPlaneServices of one control plane.
pub(crate) struct Services<'a> {
    applier: &'a Applier,
    plane: &'a str,
    api: Api<ControlPlaneService>,
}

impl<'a> Services<'a> {
    pub(crate) fn new(applier: &'a Applier, plane: &'a str) -> Self {
        let api = Api::namespaced(applier.client.clone(), &applier.namespace);
        Self {
            applier,
            plane,
            api,
        }
    }

    fn name(&self, process: &str) -> String {
        format!("{}-{process}", self.plane)
    }

    /// The replicas that a process should have; `asked`: those of the ControlPlane.
    ///
    /// # Errors
    /// When it cannot be read or written, or is somebody else's.
    pub(crate) async fn replicas(&self, process: &str, asked: i32) -> Result<i32, Error> {
        let name = self.name(process);
        let what = || format!("ControlPlaneService {name}");
        let Some(service) = self.api.get_opt(&name).await.of(what())? else {
            let new = self.new_one(process, asked);
            let made = self.api.create(&PostParams::default(), &new).await;
            made.of(what())?;
            return Ok(asked);
        };
        let owned = |o: &k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference| {
            o.uid == self.applier.owner().uid
        };
        if !service.owner_references().iter().any(owned) {
            return Err(Error::Conflict {
                kind: "ControlPlaneService".to_owned(),
                name,
                owner: "somebody else".to_owned(),
            });
        }
        let followed = service.status.as_ref().and_then(|s| s.followed);
        // A number that was never followed is that of the creation, or later.
        if followed.is_none_or(|f| f == asked) {
            return Ok(service.spec.replicas);
        }
        let patch = Patch::Merge(json!({"spec": {"replicas": asked}}));
        let params = PatchParams::default();
        self.api.patch(&name, &params, &patch).await.of(what())?;
        Ok(asked)
    }

    fn new_one(&self, process: &str, replicas: i32) -> ControlPlaneService {
        let spec = ControlPlaneServiceSpec {
            control_plane: self.plane.to_owned(),
            process: process.to_owned(),
            replicas,
        };
        let labels = [
            (LABEL, self.plane),
            ("app.kubernetes.io/managed-by", MANAGER),
            ("app.kubernetes.io/component", process),
        ];
        let mut out = ControlPlaneService::new(&self.name(process), spec);
        out.metadata = ObjectMeta {
            labels: Some(labels.map(|(k, v)| (k.to_owned(), v.to_owned())).into()),
            owner_references: Some(vec![self.applier.owner().clone()]),
            ..out.metadata
        };
        out
    }

    /// Tells what there is of a process.
    ///
    /// # Errors
    /// When it cannot be read or written.
    pub(crate) async fn tell(
        &self,
        process: &str,
        workload: &Value,
        asked: i32,
    ) -> Result<(), Error> {
        let name = self.name(process);
        let what = || format!("status of ControlPlaneService {name}");
        let Some(service) = self.api.get_opt(&name).await.of(what())? else {
            return Ok(());
        };
        let now = rollout::status(workload);
        let replicas = workload["status"]["replicas"].as_i64().unwrap_or(0);
        let status = json!({
            "replicas": replicas,
            "readyReplicas": now.ready,
            "selector": objects::selector(workload),
            "followed": asked,
        });
        if serde_json::to_value(&service.status)? == status {
            return Ok(());
        }
        let patch = Patch::Merge(json!({"status": status}));
        let params = PatchParams::default();
        self.api
            .patch_status(&name, &params, &patch)
            .await
            .of(what())
            .map(drop)
    }

    /// Of a process that is not run.
    ///
    /// # Errors
    /// When it cannot be deleted.
    pub(crate) async fn remove(&self, process: &str) -> Result<(), Error> {
        let name = self.name(process);
        match self.api.delete(&name, &DeleteParams::default()).await {
            Err(kube::Error::Api(s)) if s.code == 404 => Ok(()),
            other => other
                .of(format!("delete ControlPlaneService {name}"))
                .map(drop),
        }
    }
}
