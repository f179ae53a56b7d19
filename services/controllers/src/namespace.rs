//! Deletes the content of terminating namespaces, then lets them go.

use std::{sync::Arc, time::Duration};

use futures_util::TryStreamExt;
use k8s_openapi::{
    api::core::v1::{Namespace, NamespaceCondition},
    apimachinery::pkg::apis::meta::v1::Time,
    jiff::Timestamp,
};
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, ListParams, PostParams},
    discovery::verbs,
    runtime::watcher,
};

use crate::api::{Catalog, Resource, code};

const FINALIZER: &str = "kubernetes";
/// Pause before content that does not go is looked at again.
pub(crate) const AGAIN: Duration = Duration::from_millis(500);
/// Namespaces that are emptied at the same time.
const WORKERS: usize = 8;

/// What is left in a namespace and what went wrong.
#[derive(Default)]
struct Remains {
    discovery_error: Option<String>,
    deletion_errors: Vec<String>,
    /// Resource and how many of it are left.
    objects: Vec<(String, usize)>,
    /// Finalizer and in how many objects it stands.
    finalizers: Vec<(String, usize)>,
}

/// # Errors
/// When the watch of namespaces ends for good.
pub(crate) async fn run(client: Client, catalog: Arc<Catalog>) -> anyhow::Result<()> {
    let all = Api::<Namespace>::all(client.clone());
    let events = watcher(all, watcher::Config::default());
    let slots = Arc::new(tokio::sync::Semaphore::new(WORKERS));
    let busy = Arc::new(tokio::sync::Mutex::new(std::collections::HashSet::new()));
    tokio::pin!(events);
    loop {
        let namespace = match events.try_next().await {
            Ok(Some(watcher::Event::Apply(n) | watcher::Event::InitApply(n))) => n,
            Ok(Some(_)) => continue,
            Ok(None) => anyhow::bail!("watch of namespaces ended"),
            Err(e) => {
                tracing::debug!(error = %e, "watch of namespaces is interrupted");
                tokio::time::sleep(AGAIN).await;
                continue;
            }
        };
        let name = namespace.name_any();
        if namespace.metadata.deletion_timestamp.is_none()
            || !held(&namespace)
            || !busy.lock().await.insert(name.clone())
        {
            continue;
        }
        let slot = Arc::clone(&slots).acquire_owned().await?;
        let (client, catalog, busy) = (client.clone(), Arc::clone(&catalog), Arc::clone(&busy));
        tokio::spawn(async move {
            empty(&client, &catalog, &name).await;
            busy.lock().await.remove(&name);
            drop(slot);
        });
    }
}

fn held(namespace: &Namespace) -> bool {
    namespace
        .spec
        .as_ref()
        .and_then(|s| s.finalizers.as_ref())
        .is_some_and(|f| f.iter().any(|f| f == FINALIZER))
}

/// Works on one namespace until it is gone.
async fn empty(client: &Client, catalog: &Catalog, name: &str) {
    let all = Api::<Namespace>::all(client.clone());
    loop {
        let live = match all.get_opt(name).await {
            Ok(Some(n)) if n.metadata.deletion_timestamp.is_some() && held(&n) => n,
            Ok(_) => return,
            Err(e) => {
                tracing::warn!(namespace = name, error = %e, "namespace cannot be read");
                tokio::time::sleep(AGAIN).await;
                continue;
            }
        };
        let remains = delete_content(client, catalog, name).await;
        let done = remains.objects.is_empty()
            && remains.discovery_error.is_none()
            && remains.deletion_errors.is_empty();
        let result = if done {
            finalize(client, live).await
        } else {
            report(&all, live, &remains).await
        };
        match result {
            Ok(()) if done => return,
            Ok(()) => {}
            Err(e) if matches!(code(&e), Some(404 | 409)) => {}
            Err(e) => tracing::warn!(namespace = name, error = %e, "namespace is not finalized"),
        }
        tokio::time::sleep(AGAIN).await;
    }
}

async fn delete_content(client: &Client, catalog: &Catalog, namespace: &str) -> Remains {
    let mut remains = Remains::default();
    let resources = match catalog.preferred().await {
        Ok(list) => list,
        Err(e) => {
            remains.discovery_error = Some(e.to_string());
            return remains;
        }
    };
    for resource in resources
        .iter()
        .filter(|r| r.namespaced && r.can(verbs::LIST))
    {
        if !resource.can(verbs::DELETE_COLLECTION) && !resource.can(verbs::DELETE) {
            continue;
        }
        if let Err(e) = delete_all(client, resource, namespace, &mut remains).await {
            let r = &resource.api;
            remains
                .deletion_errors
                .push(format!("{}.{}: {e}", r.plural, r.group));
        }
    }
    remains
}

/// Deletes all objects of a resource and counts what stays.
async fn delete_all(
    client: &Client,
    resource: &Resource,
    namespace: &str,
    remains: &mut Remains,
) -> kube::Result<()> {
    let objects = resource.objects(client, Some(namespace));
    let first = objects.list_metadata(&ListParams::default()).await?;
    if first.items.is_empty() {
        return Ok(());
    }
    let options = DeleteParams::background();
    if resource.can(verbs::DELETE_COLLECTION) {
        objects
            .delete_collection(&options, &ListParams::default())
            .await?;
    } else {
        for o in &first.items {
            match objects.delete(&o.name_any(), &options).await {
                Err(e) if code(&e) != Some(404) => return Err(e),
                _ => {}
            }
        }
    }
    let left = objects.list_metadata(&ListParams::default()).await?;
    if left.items.is_empty() {
        return Ok(());
    }
    let r = &resource.api;
    let name = if r.group.is_empty() {
        format!("{}.", r.plural)
    } else {
        format!("{}.{}", r.plural, r.group)
    };
    remains.objects.push((name, left.items.len()));
    for finalizer in left.items.iter().flat_map(|o| o.finalizers()) {
        match remains.finalizers.iter_mut().find(|(f, _)| f == finalizer) {
            Some((_, n)) => *n += 1,
            None => remains.finalizers.push((finalizer.clone(), 1)),
        }
    }
    Ok(())
}

/// Takes our finalizer off; the API server removes the namespace with the last one.
async fn finalize(client: &Client, mut namespace: Namespace) -> kube::Result<()> {
    let name = namespace.name_any();
    if let Some(f) = namespace.spec.as_mut().and_then(|s| s.finalizers.as_mut()) {
        f.retain(|f| f != FINALIZER);
    }
    let body = serde_json::to_vec(&namespace).map_err(kube::Error::SerdeError)?;
    let request = http::Request::put(format!("/api/v1/namespaces/{name}/finalize"))
        .header("content-type", "application/json")
        .body(body)
        .map_err(kube::Error::HttpError)?;
    client.request::<Namespace>(request).await.map(drop)
}

/// Says in the conditions why the namespace is still there.
async fn report(
    all: &Api<Namespace>,
    mut namespace: Namespace,
    remains: &Remains,
) -> kube::Result<()> {
    let wanted = conditions(remains);
    let status = namespace.status.get_or_insert_default();
    let current = status.conditions.get_or_insert_default();
    let mut changed = false;
    for new in wanted {
        match current.iter_mut().find(|c| c.type_ == new.type_) {
            Some(old) if old.status == new.status && old.message == new.message => {}
            Some(old) => {
                changed = true;
                *old = new;
            }
            None => {
                changed = true;
                current.push(new);
            }
        }
    }
    if !changed {
        return Ok(());
    }
    let name = namespace.name_any();
    all.replace_status(&name, &PostParams::default(), &namespace)
        .await
        .map(drop)
}

fn conditions(remains: &Remains) -> Vec<NamespaceCondition> {
    let count = |list: &[(String, usize)], what: &dyn Fn(&str, usize) -> String| {
        let mut parts: Vec<String> = list.iter().map(|(n, c)| what(n, *c)).collect();
        parts.sort();
        parts.join(", ")
    };
    let objects = count(&remains.objects, &|n, c| {
        format!("{n} has {c} resource instances")
    });
    let finalizers = count(&remains.finalizers, &|n, c| {
        format!("{n} in {c} resource instances")
    });
    vec![
        condition(
            "NamespaceDeletionDiscoveryFailure",
            remains.discovery_error.clone(),
            (
                "ResourcesDiscovered",
                "All resources successfully discovered",
            ),
            "DiscoveryFailed",
        ),
        condition(
            "NamespaceDeletionContentFailure",
            (!remains.deletion_errors.is_empty()).then(|| {
                format!(
                    "Failed to delete all resource types, {} remaining: {}",
                    remains.deletion_errors.len(),
                    remains.deletion_errors.join(", ")
                )
            }),
            (
                "ContentDeleted",
                "All content successfully deleted, may be waiting on finalization",
            ),
            "ContentDeletionFailed",
        ),
        condition(
            "NamespaceContentRemaining",
            (!objects.is_empty()).then(|| format!("Some resources are remaining: {objects}")),
            ("ContentRemoved", "All content successfully removed"),
            "SomeResourcesRemain",
        ),
        condition(
            "NamespaceFinalizersRemaining",
            (!finalizers.is_empty()).then(|| {
                format!("Some content in the namespace has finalizers remaining: {finalizers}")
            }),
            (
                "ContentHasNoFinalizers",
                "All content-preserving finalizers finished",
            ),
            "SomeFinalizersRemain",
        ),
    ]
}

/// A condition that is True while something is wrong.
fn condition(
    ty: &str,
    problem: Option<String>,
    fine: (&str, &str),
    reason: &str,
) -> NamespaceCondition {
    let bad = problem.is_some();
    NamespaceCondition {
        type_: ty.to_owned(),
        status: if bad { "True" } else { "False" }.to_owned(),
        reason: Some(if bad { reason } else { fine.0 }.to_owned()),
        message: Some(problem.unwrap_or_else(|| fine.1.to_owned())),
        last_transition_time: Some(Time(Timestamp::now())),
    }
}
