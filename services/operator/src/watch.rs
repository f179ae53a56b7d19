//! What a control plane is looked at again for: its own changes, and those of
//! everything that it owns.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt as _, future::join_all};
use k8s_openapi::api::{
    apps::v1::{Deployment, StatefulSet},
    autoscaling::v2::HorizontalPodAutoscaler,
    batch::v1::Job,
    core::v1::{ConfigMap, Secret, Service, ServiceAccount},
    networking::v1::NetworkPolicy,
    policy::v1::PodDisruptionBudget,
};
use kube::{
    Api, Client, Resource,
    api::{ApiResource, DynamicObject},
    runtime::{
        Controller,
        controller::{Config, Error as ControllerError},
        utils::Backoff,
        watcher,
    },
};

use crate::{
    api::{ControlPlane, ControlPlaneService},
    apply::MANAGER,
    error::Error,
    reconcile::{self, Context},
};

/// Changes that come together are one.
const TOGETHER: Duration = Duration::from_millis(200);
/// Control planes that are worked on at once.
const AT_ONCE: u16 = 8;

/// After each failure of a watch. All watches of a controller wait together, and
/// each of them fails when the API server goes: pauses that double, as kube has
/// them, would leave the operator blind for minutes after a second's outage.
struct Pause;

impl Iterator for Pause {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        Some(Duration::from_millis(250))
    }
}

impl Backoff for Pause {
    fn reset(&mut self) {}
}

/// Looks after the control planes of some namespaces, or of all.
pub(crate) async fn run(context: Arc<Context>, namespaces: &[String]) {
    if namespaces.is_empty() {
        return one(context, None).await;
    }
    let all = namespaces
        .iter()
        .map(|ns| one(Arc::clone(&context), Some(ns)));
    join_all(all).await;
}

async fn one(context: Arc<Context>, namespace: Option<&str>) {
    let client = &context.client;
    let planes = watcher::Config::default();
    let ours = planes
        .clone()
        .labels(&format!("app.kubernetes.io/managed-by={MANAGER}"));
    let mut controller = Controller::new(scoped::<ControlPlane>(client, namespace), planes.clone())
        .with_config(Config::default().debounce(TOGETHER).concurrency(AT_ONCE))
        .trigger_backoff(Pause)
        .owns(scoped::<ControlPlaneService>(client, namespace), planes);
    for kind in kinds() {
        let api: Api<DynamicObject> = match namespace {
            Some(ns) => Api::namespaced_with(client.clone(), ns, &kind),
            None => Api::all_with(client.clone(), &kind),
        };
        controller = controller.owns_with(api, kind, ours.clone());
    }
    controller
        .run(reconcile::reconcile, reconcile::again, Arc::clone(&context))
        .for_each(|done| async move { told(done) })
        .await;
}

/// What is applied and always served. Other kinds are looked at with the next
/// reconciliation.
fn kinds() -> Vec<ApiResource> {
    vec![
        ApiResource::erase::<Deployment>(&()),
        ApiResource::erase::<StatefulSet>(&()),
        ApiResource::erase::<Service>(&()),
        ApiResource::erase::<ServiceAccount>(&()),
        ApiResource::erase::<ConfigMap>(&()),
        ApiResource::erase::<Secret>(&()),
        ApiResource::erase::<Job>(&()),
        ApiResource::erase::<NetworkPolicy>(&()),
        ApiResource::erase::<PodDisruptionBudget>(&()),
        ApiResource::erase::<HorizontalPodAutoscaler>(&()),
    ]
}

fn scoped<K>(client: &Client, namespace: Option<&str>) -> Api<K>
where
    K: Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>,
{
    match namespace {
        Some(ns) => Api::namespaced(client.clone(), ns),
        None => Api::all(client.clone()),
    }
}

fn told<T>(done: Result<T, ControllerError<Error, watcher::Error>>) {
    match done {
        // Told where it failed.
        Ok(_) | Err(ControllerError::ReconcilerFailed(..)) => {}
        // Deleted meanwhile.
        Err(ControllerError::ObjectNotFound(_)) => {}
        Err(e) => tracing::warn!(error = %e, "a watch is interrupted"),
    }
}
