//! One look at a control plane: what it should be is rendered and applied, and
//! what it is is told.

mod apply;
mod pods;
mod status;
mod target;
mod upgrade;
mod workloads;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use kube::{
    Api, Client, Resource as _, ResourceExt as _,
    api::{Patch, PatchParams},
    runtime::{
        controller::Action,
        events::{Event, Recorder, Reporter},
        finalizer::{Error as FinalizerError, Event as Wanted, finalizer},
    },
};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::{
    api::{ControlPlane, ControlPlaneStatus},
    apply::{Applied, MANAGER},
    certificates, cleanup, conditions,
    error::{Error, Of as _},
    events, metrics, options, values,
};

/// Keeps a control plane until everything of it is gone.
const FINALIZER: &str = "catena.dev/control-plane";
/// The first pause after a failure; it doubles with each one.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);

/// A generation, and what the chart makes of it.
type Generation = (i64, Arc<Vec<Value>>);

/// What all reconciliations share.
pub(crate) struct Context {
    pub(crate) client: Client,
    pub(crate) applied: Applied,
    pub(crate) backup: options::BackupImage,
    kube_version: String,
    recorder: Recorder,
    failures: Mutex<HashMap<String, u32>>,
    /// What the chart made of a generation of a control plane, by its UID.
    rendered: Mutex<HashMap<String, Generation>>,
}

impl Context {
    /// Waits for the version of the API server, until `stop`.
    pub(crate) async fn new(
        client: Client,
        options: &crate::Options,
        stop: &CancellationToken,
    ) -> Self {
        let reporter = Reporter {
            controller: MANAGER.to_owned(),
            instance: Some(catena_client::identity()),
        };
        Self {
            applied: Applied::default(),
            backup: options.backup.clone(),
            kube_version: version(&client, stop).await,
            recorder: Recorder::new(client.clone(), reporter),
            failures: Mutex::default(),
            rendered: Mutex::default(),
            client,
        }
    }

    /// What the chart makes of a spec: rendered once for each generation.
    fn rendered(&self, plane: &ControlPlane) -> Result<Arc<Vec<Value>>, Error> {
        let uid = plane.uid().unwrap_or_default();
        let generation = plane.metadata.generation.unwrap_or_default();
        let all = || self.rendered.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, rendered)) = all().get(&uid)
            && *of == generation
        {
            return Ok(Arc::clone(rendered));
        }
        let rendered = Arc::new(target::render(plane, &self.kube_version)?);
        all().insert(uid, (generation, Arc::clone(&rendered)));
        Ok(rendered)
    }

    /// Forgets a control plane that is no more.
    pub(crate) fn forget(&self, plane: &ControlPlane) {
        let uid = plane.uid().unwrap_or_default();
        let mut all = self.rendered.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(&uid);
        drop(all);
        self.failures(plane, false);
    }

    async fn tell(&self, plane: &ControlPlane, event: &Event) {
        let about = plane.object_ref(&());
        if let Err(e) = self.recorder.publish(event, &about).await {
            tracing::debug!(error = %e, "an event was not written");
        }
    }

    /// How often in a row a control plane failed; `failed` counts one more.
    fn failures(&self, plane: &ControlPlane, failed: bool) -> u32 {
        let uid = plane.uid().unwrap_or_default();
        let mut all = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if !failed {
            all.remove(&uid);
            return 0;
        }
        let count = all.entry(uid).or_default();
        *count = count.saturating_add(1);
        *count
    }
}

async fn version(client: &Client, stop: &CancellationToken) -> String {
    loop {
        match client.apiserver_version().await {
            Ok(info) => return info.git_version,
            Err(e) => tracing::warn!(error = %e, "the API server does not answer"),
        }
        tokio::select! {
            () = stop.cancelled() => return String::new(),
            () = tokio::time::sleep(FIRST) => {}
        }
    }
}

/// The objects of a control plane as they are applied, without what is made of
/// the cluster: content of Secrets, owners, replicas that were scaled.
pub(crate) fn rendered(plane: &ControlPlane, kube_version: &str) -> Result<Vec<Value>, Error> {
    let all = target::render(plane, kube_version)?;
    let declared = values::by_cert_manager(&plane.spec);
    let kept = |o: &Value| declared || !certificates::is_declaration(o);
    Ok(all.into_iter().filter(kept).collect())
}

/// See [`crate::watch`].
pub(crate) async fn reconcile(
    plane: Arc<ControlPlane>,
    context: Arc<Context>,
) -> Result<Action, Error> {
    let begun = Instant::now();
    let api: Api<ControlPlane> = Api::namespaced(
        context.client.clone(),
        &plane.namespace().unwrap_or_default(),
    );
    let done = finalizer(&api, FINALIZER, Arc::clone(&plane), |wanted| {
        let context = Arc::clone(&context);
        let api = api.clone();
        async move {
            match wanted {
                Wanted::Apply(plane) => look(&api, &plane, &context).await,
                Wanted::Cleanup(plane) => cleanup::run(plane, context).await,
            }
        }
    });
    let done = match Box::pin(done).await.map_err(plain) {
        Err(Error::Remains(what)) => {
            tracing::debug!(name = plane.name_any(), what, "a control plane ends");
            Ok(Action::requeue(cleanup::AGAIN))
        }
        done => done,
    };
    let result = done.as_ref().map_or_else(Error::reason, |_| "ok");
    metrics::reconciled(result, begun.elapsed());
    if done.is_ok() {
        context.failures(&plane, false);
    }
    done
}

fn plain(e: FinalizerError<Error>) -> Error {
    let finalizer = |source| Error::Api {
        what: "finalizer".to_owned(),
        source,
    };
    match e {
        FinalizerError::ApplyFailed(e) | FinalizerError::CleanupFailed(e) => e,
        FinalizerError::AddFinalizer(e) | FinalizerError::RemoveFinalizer(e) => finalizer(e),
        other => Error::Internal(other.to_string()),
    }
}

/// What is done about a failure.
pub(crate) fn again(plane: Arc<ControlPlane>, e: &Error, context: Arc<Context>) -> Action {
    let name = plane.name_any();
    let namespace = plane.namespace().unwrap_or_default();
    tracing::warn!(namespace, name, error = %e, "a control plane is not as it should be");
    let times = context.failures(&plane, true).min(7);
    let pause = FIRST.saturating_mul(1 << times.saturating_sub(1));
    Action::requeue(pause.min(LONGEST))
}

/// Applies, and tells what there is: also of what failed.
async fn look(
    api: &Api<ControlPlane>,
    plane: &ControlPlane,
    context: &Context,
) -> Result<Action, Error> {
    let old = plane.status.clone().unwrap_or_default();
    let mut status = old.clone();
    let done = Box::pin(apply::run(plane, context, &mut status)).await;
    if let Err(e) = &done {
        let (reason, message) = (e.reason(), e.to_string());
        let generation = plane.metadata.generation;
        let all = &mut status.conditions;
        conditions::set(
            all,
            generation,
            conditions::DEGRADED,
            true,
            reason,
            &message,
        );
    }
    status.observed_generation = plane.metadata.generation;
    write(api, plane, &old, &status).await?;
    for event in events::between(&old, &status) {
        context.tell(plane, &event).await;
    }
    if let Some(namespace) = plane.namespace() {
        metrics::told(&namespace, &plane.name_any(), &status);
    }
    done
}

async fn write(
    api: &Api<ControlPlane>,
    plane: &ControlPlane,
    old: &ControlPlaneStatus,
    status: &ControlPlaneStatus,
) -> Result<(), Error> {
    if old == status {
        return Ok(());
    }
    let patch = Patch::Apply(json!({
        "apiVersion": ControlPlane::api_version(&()),
        "kind": ControlPlane::kind(&()),
        // A control plane of the name that was made meanwhile is another one.
        "metadata": {"uid": plane.uid()},
        "status": status,
    }));
    let params = PatchParams::apply(MANAGER).force();
    let name = plane.name_any();
    let patched = api.patch_status(&name, &params, &patch).await;
    patched.of("status").map(drop)
}
