//! Every active namespace has a service account `default` and, where the root CA
//! is known, a config map `kube-root-ca.crt`.

use std::collections::BTreeMap;

use futures_util::TryStreamExt;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, ServiceAccount};
use kube::{
    Api, Client, ResourceExt,
    api::{ObjectMeta, PostParams},
    runtime::watcher,
};

use crate::api::code;

const CONFIG_MAP: &str = "kube-root-ca.crt";
const DESCRIPTION: &str = "kubernetes.io/description";
const EXPLANATION: &str = "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.";

/// Follows namespaces, and the deletion of what they must have.
///
/// # Errors
/// When a watch ends for good.
pub(crate) async fn run(client: Client, root_ca: Option<String>) -> anyhow::Result<()> {
    let named = |name: &str| watcher::Config::default().fields(&format!("metadata.name={name}"));
    let namespaces = watcher(
        Api::<Namespace>::all(client.clone()),
        watcher::Config::default(),
    );
    let accounts = watcher(Api::<ServiceAccount>::all(client.clone()), named("default"));
    let maps = watcher(Api::<ConfigMap>::all(client.clone()), named(CONFIG_MAP));
    tokio::pin!(namespaces, accounts, maps);
    loop {
        let namespace = tokio::select! {
            e = namespaces.try_next() => match e {
                Ok(Some(watcher::Event::Apply(n) | watcher::Event::InitApply(n))) => Some(n.name_any()),
                Ok(None) => anyhow::bail!("watch of namespaces ended"),
                other => retry(other).await,
            },
            e = accounts.try_next() => match e {
                Ok(Some(watcher::Event::Delete(a))) => a.namespace(),
                other => retry(other).await,
            },
            e = maps.try_next() => match e {
                Ok(Some(watcher::Event::Delete(m) | watcher::Event::Apply(m))) => m.namespace(),
                other => retry(other).await,
            },
        };
        if let Some(ns) = namespace
            && let Err(e) = ensure(&client, &ns, root_ca.as_deref()).await
        {
            tracing::warn!(namespace = ns, error = %e, "default objects of a namespace are missing");
        }
    }
}

/// Watchers reconnect by themselves, at once: an error is noted, and waits.
async fn retry<T>(event: Result<Option<watcher::Event<T>>, watcher::Error>) -> Option<String> {
    if let Err(e) = event {
        tracing::debug!(error = %e, "watch is interrupted");
        tokio::time::sleep(crate::namespace::AGAIN).await;
    }
    None
}

async fn ensure(client: &Client, namespace: &str, root_ca: Option<&str>) -> kube::Result<()> {
    let live = Api::<Namespace>::all(client.clone())
        .get_opt(namespace)
        .await?;
    if live.is_none_or(|n| n.metadata.deletion_timestamp.is_some()) {
        return Ok(());
    }
    let accounts = Api::<ServiceAccount>::namespaced(client.clone(), namespace);
    if accounts.get_opt("default").await?.is_none() {
        let account = ServiceAccount {
            metadata: ObjectMeta {
                name: Some("default".to_owned()),
                ..ObjectMeta::default()
            },
            ..ServiceAccount::default()
        };
        tolerate_existing(accounts.create(&PostParams::default(), &account).await)?;
    }
    let Some(ca) = root_ca else {
        return Ok(());
    };
    let maps = Api::<ConfigMap>::namespaced(client.clone(), namespace);
    let data = BTreeMap::from([("ca.crt".to_owned(), ca.to_owned())]);
    match maps.get_opt(CONFIG_MAP).await? {
        Some(map) if map.data.as_ref() == Some(&data) => Ok(()),
        Some(mut map) => {
            map.data = Some(data);
            maps.replace(CONFIG_MAP, &PostParams::default(), &map)
                .await
                .map(drop)
        }
        None => {
            let map = ConfigMap {
                metadata: ObjectMeta {
                    name: Some(CONFIG_MAP.to_owned()),
                    annotations: Some(BTreeMap::from([(
                        DESCRIPTION.to_owned(),
                        EXPLANATION.to_owned(),
                    )])),
                    ..ObjectMeta::default()
                },
                data: Some(data),
                ..ConfigMap::default()
            };
            tolerate_existing(maps.create(&PostParams::default(), &map).await)
        }
    }
}

/// Somebody else was faster, or the namespace is going: both are fine.
fn tolerate_existing<T>(r: kube::Result<T>) -> kube::Result<()> {
    match r {
        Ok(_) => Ok(()),
        Err(e) if matches!(code(&e), Some(409 | 403 | 404)) => Ok(()),
        Err(e) => Err(e),
    }
}
