//! kube-rs through the chain: calls, a reflector, a controller.

use std::{sync::Arc, time::Duration};

use catena_tests_it::ControlPlane;
use futures_util::{StreamExt as _, TryStreamExt as _};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::{
    Api, Client, Config, ResourceExt as _,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams},
    config::{KubeConfigOptions, Kubeconfig},
    runtime::{Controller, WatchStreamExt as _, controller::Action, reflector, watcher},
};
use serde_json::json;

const LIMIT: Duration = Duration::from_secs(30);

async fn client(plane: &ControlPlane) -> Client {
    let config = Kubeconfig::read_from(plane.kubeconfig()).expect("a kubeconfig");
    let config = Config::from_custom_kubeconfig(config, &KubeConfigOptions::default())
        .await
        .expect("a configuration");
    Client::try_from(config).expect("a client")
}

fn config_map(name: &str, data: &str) -> ConfigMap {
    serde_json::from_value(json!({
        "metadata": {"name": name, "labels": {"by": "kube-rs"}},
        "data": {"a": data}
    }))
    .expect("a config map")
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_and_watches() {
    let plane = ControlPlane::start(&[]);
    let client = client(&plane).await;
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), "default");
    let made = maps
        .create(&PostParams::default(), &config_map("one", "1"))
        .await
        .expect("created");
    let again = maps
        .create(&PostParams::default(), &config_map("one", "1"))
        .await;
    assert!(matches!(again, Err(kube::Error::Api(e)) if e.code == 409));
    let version = made.resource_version().expect("a version");
    let params = WatchParams::default().labels("by=kube-rs");
    let mut events = maps
        .watch(&params, &version)
        .await
        .expect("a watch")
        .boxed();
    let patch = json!({"data": {"a": "2"}});
    maps.patch("one", &PatchParams::default(), &Patch::Merge(patch))
        .await
        .expect("patched");
    let next = tokio::time::timeout(LIMIT, events.try_next())
        .await
        .expect("in time");
    let Some(WatchEvent::Modified(seen)) = next.expect("no error") else {
        panic!("a change is expected");
    };
    assert_eq!(seen.data.expect("data")["a"], "2");
    let apply = PatchParams::apply("test").force();
    let applied = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one"}, "data": {"b": "3"}
    });
    let done = maps
        .patch("one", &apply, &Patch::Apply(applied))
        .await
        .expect("applied");
    assert_eq!(done.data.expect("data")["b"], "3");
    let listed = maps
        .list(&ListParams::default().limit(1))
        .await
        .expect("a list");
    assert_eq!(listed.items.len(), 1);
    maps.delete("one", &DeleteParams::default())
        .await
        .expect("deleted");
    let missing = maps.get_opt("one").await.expect("an answer");
    assert!(missing.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reflector_sees_everything() {
    let plane = ControlPlane::start(&[]);
    let client = client(&plane).await;
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), "default");
    for i in 0..20 {
        let map = config_map(&format!("early-{i}"), "x");
        maps.create(&PostParams::default(), &map)
            .await
            .expect("created");
    }
    let (reader, writer) = reflector::store();
    let config = watcher::Config::default().labels("by=kube-rs");
    let stream = watcher(maps.clone(), config)
        .default_backoff()
        .reflect(writer);
    let task = tokio::spawn(stream.for_each(|_| async {}));
    tokio::time::timeout(LIMIT, reader.wait_until_ready())
        .await
        .expect("in time")
        .expect("the store is filled");
    for i in 0..20 {
        let map = config_map(&format!("late-{i}"), "x");
        maps.create(&PostParams::default(), &map)
            .await
            .expect("created");
    }
    let all = async {
        while reader.state().len() < 40 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(LIMIT, all)
        .await
        .expect("all are seen");
    task.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_controller_reconciles() {
    let plane = ControlPlane::start(&[]);
    let client = client(&plane).await;
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let reconcile = |ns: Arc<Namespace>, client: Arc<Client>| async move {
        let api: Api<Namespace> = Api::all((*client).clone());
        let patch = json!({"metadata": {"annotations": {"seen": "yes"}}});
        api.patch(
            &ns.name_any(),
            &PatchParams::default(),
            &Patch::Merge(patch),
        )
        .await?;
        Ok::<_, kube::Error>(Action::await_change())
    };
    let controller = Controller::new(namespaces.clone(), watcher::Config::default()).run(
        reconcile,
        |_, _, _| Action::requeue(Duration::from_secs(1)),
        Arc::new(client),
    );
    let task = tokio::spawn(controller.for_each(|_| async {}));
    let done = async {
        loop {
            let all = namespaces
                .list(&ListParams::default())
                .await
                .expect("a list");
            if all.iter().all(|n| n.annotations().get("seen").is_some()) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(LIMIT, done)
        .await
        .expect("all are annotated");
    task.abort();
}
