//! Says of workloads what kube-controller-manager and kubelets would: pods of an
//! image whose tag begins with "broken" are never ready, all others are at once.
//! The only pods that are made are those of StatefulSets, because these are
//! replaced in a way of their own: one that is not ready is never replaced. A
//! claim that is deleted goes when no pod uses it.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use k8s_openapi::api::{
    apps::v1::{Deployment, StatefulSet},
    core::v1::{PersistentVolumeClaim, Pod},
};
use kube::{
    Api, Client, Config, Resource, ResourceExt as _,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams},
    config::{KubeConfigOptions, Kubeconfig},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

const PAUSE: Duration = Duration::from_millis(50);

/// Runs until it is dropped.
pub struct Standin {
    stop: Arc<AtomicBool>,
    seen: Arc<Mutex<Vec<String>>>,
    thread: Option<JoinHandle<()>>,
}

impl Standin {
    /// # Panics
    /// When the kubeconfig is not usable.
    pub fn start(kubeconfig: PathBuf) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (ends, sees) = (Arc::clone(&stop), Arc::clone(&seen));
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async {
                let client = client(&kubeconfig).await;
                while !ends.load(Ordering::Acquire) {
                    // The host may be away: then pods do not change either.
                    let _ = deployments(&client, &sees).await;
                    let _ = stateful_sets(&client, &sees).await;
                    let _ = claims(&client).await;
                    tokio::time::sleep(PAUSE).await;
                }
            });
        });
        Self {
            stop,
            seen,
            thread: Some(thread),
        }
    }

    /// Images whose rollout was seen, as `namespace/workload image`, in their order.
    pub fn rollouts(&self) -> Vec<String> {
        self.seen.lock().expect("no panic before").clone()
    }

    pub(crate) fn stop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Standin {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn client(kubeconfig: &PathBuf) -> Client {
    let config = Kubeconfig::read_from(kubeconfig).expect("a kubeconfig");
    let options = KubeConfigOptions::default();
    let config = Config::from_custom_kubeconfig(config, &options).await;
    Client::try_from(config.expect("usable")).expect("a client")
}

fn image(workload: &Value) -> String {
    let image = &workload["spec"]["template"]["spec"]["containers"][0]["image"];
    image.as_str().unwrap_or_default().to_owned()
}

fn is_broken(image: &str) -> bool {
    image.contains(":broken")
}

fn note(seen: &Mutex<Vec<String>>, workload: &Value) {
    let meta = &workload["metadata"];
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let line = format!(
        "{}/{} {}",
        text(&meta["namespace"]),
        text(&meta["name"]),
        image(workload)
    );
    let mut seen = seen.lock().expect("no panic before");
    if !seen.contains(&line) {
        seen.push(line);
    }
}

async fn tell<K>(api: &Api<K>, name: &str, old: &Value, status: Value) -> kube::Result<()>
where
    K: Clone + std::fmt::Debug + DeserializeOwned,
{
    if *old == status {
        return Ok(());
    }
    let patch = Patch::Merge(json!({"status": status}));
    api.patch_status(name, &PatchParams::default(), &patch)
        .await
        .map(drop)
}

fn value<K: Serialize>(object: &K) -> Value {
    serde_json::to_value(object).expect("JSON")
}

fn scoped<K>(client: &Client, object: &impl kube::ResourceExt) -> Api<K>
where
    K: Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>,
{
    Api::namespaced(client.clone(), &object.namespace().unwrap_or_default())
}

async fn deployments(client: &Client, seen: &Mutex<Vec<String>>) -> kube::Result<()> {
    let all: Api<Deployment> = Api::all(client.clone());
    for deployment in all.list(&ListParams::default()).await? {
        let v = value(&deployment);
        let wanted = v["spec"]["replicas"].as_i64().unwrap_or(1);
        let ready = v["status"]["readyReplicas"].as_i64().unwrap_or(0);
        let mut status = json!({"observedGeneration": v["metadata"]["generation"]});
        let counts = if is_broken(&image(&v)) {
            // One new pod that is not ready, beside the old ones.
            let old = ready.min(wanted);
            [old + 1, 1, old]
        } else {
            note(seen, &v);
            [wanted; 3]
        };
        let fields = ["replicas", "updatedReplicas", "readyReplicas"];
        for (field, n) in fields.into_iter().zip(counts).filter(|(_, n)| *n > 0) {
            status[field] = json!(n);
        }
        for field in fields {
            if status[field].is_null() && !v["status"][field].is_null() {
                status[field] = Value::Null;
            }
        }
        let mut merged = v["status"].clone();
        merge(&mut merged, &status);
        if merged != v["status"] {
            tell(
                &scoped::<Deployment>(client, &deployment),
                &deployment.name_any(),
                &Value::Null,
                status,
            )
            .await?;
        }
    }
    Ok(())
}

fn merge(into: &mut Value, from: &Value) {
    for (key, value) in from.as_object().into_iter().flatten() {
        if value.is_null() {
            if let Some(into) = into.as_object_mut() {
                into.remove(key);
            }
        } else {
            into[key] = value.clone();
        }
    }
}

async fn stateful_sets(client: &Client, seen: &Mutex<Vec<String>>) -> kube::Result<()> {
    let all: Api<StatefulSet> = Api::all(client.clone());
    for set in all.list(&ListParams::default()).await? {
        let v = value(&set);
        let wanted = v["spec"]["replicas"].as_i64().unwrap_or(1);
        let revision = revision(&v["spec"]["template"]);
        if wanted > 0 {
            claim(client, &set, &v).await?;
        }
        let ready = pod(client, &set, &v, &revision, wanted).await?;
        let current = match ready.as_deref() {
            Some(pods) if pods == revision => {
                note(seen, &v);
                revision.clone()
            }
            _ if wanted == 0 => revision.clone(),
            _ => v["status"]["currentRevision"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
        };
        let n = |is: bool| if is { json!(1) } else { json!(0) };
        let status = json!({
            "observedGeneration": v["metadata"]["generation"],
            "replicas": wanted,
            "updatedReplicas": n(ready.as_deref() == Some(&revision)),
            "readyReplicas": n(ready.is_some()),
            "currentRevision": current,
            "updateRevision": revision,
        });
        let mut merged = v["status"].clone();
        merge(&mut merged, &status);
        let zero = |v: &Value| v["readyReplicas"].as_i64().unwrap_or(0);
        if merged != v["status"] || zero(&merged) != zero(&v["status"]) {
            tell(
                &scoped::<StatefulSet>(client, &set),
                &set.name_any(),
                &v["status"],
                status,
            )
            .await?;
        }
    }
    Ok(())
}

fn revision(template: &Value) -> String {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let mut hasher = DefaultHasher::new();
    template.to_string().hash(&mut hasher);
    format!("{:x}", hasher.finish())
}

/// The first pod of a set; the revision of one that is ready.
async fn pod(
    client: &Client,
    set: &StatefulSet,
    v: &Value,
    revision: &str,
    wanted: i64,
) -> kube::Result<Option<String>> {
    let pods: Api<Pod> = scoped(client, set);
    let name = format!("{}-0", set.name_any());
    let now = DeleteParams::default().grace_period(0);
    let Some(pod) = pods.get_opt(&name).await? else {
        if wanted > 0 && set.metadata.deletion_timestamp.is_none() {
            let mut new = v["spec"]["template"].clone();
            new["metadata"]["name"] = json!(name);
            new["metadata"]["labels"]["controller-revision-hash"] = json!(revision);
            for template in v["spec"]["volumeClaimTemplates"]
                .as_array()
                .into_iter()
                .flatten()
            {
                let short = template["metadata"]["name"].as_str().unwrap_or_default();
                let volume = json!({"name": short, "persistentVolumeClaim": {"claimName": format!("{short}-{name}")}});
                let volumes = new["spec"]["volumes"].as_array_mut();
                volumes.expect("volumes").push(volume);
            }
            new["metadata"]["ownerReferences"] = json!([set.controller_owner_ref(&())]);
            let new: Pod = serde_json::from_value(new).expect("a pod");
            pods.create(&PostParams::default(), &new).await?;
        }
        return Ok(None);
    };
    let its = pod
        .labels()
        .get("controller-revision-hash")
        .cloned()
        .unwrap_or_default();
    let p = value(&pod);
    let broken = is_broken(
        p["spec"]["containers"][0]["image"]
            .as_str()
            .unwrap_or_default(),
    );
    let ready = p["status"]["conditions"]
        .as_array()
        .into_iter()
        .flatten()
        .any(|c| c["type"] == "Ready" && c["status"] == "True");
    if wanted == 0 || (its != revision && ready) {
        pods.delete(&name, &now).await?;
        return Ok(None);
    }
    if !broken && !ready {
        let status =
            json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]});
        tell(&pods, &name, &Value::Null, status).await?;
    }
    Ok(ready.then_some(its))
}

async fn claim(client: &Client, set: &StatefulSet, v: &Value) -> kube::Result<()> {
    let claims: Api<PersistentVolumeClaim> = scoped(client, set);
    for template in v["spec"]["volumeClaimTemplates"]
        .as_array()
        .into_iter()
        .flatten()
    {
        let mut claim = template.clone();
        let short = template["metadata"]["name"].as_str().unwrap_or_default();
        let name = format!("{short}-{}-0", set.name_any());
        if claims.get_opt(&name).await?.is_none() {
            claim["metadata"]["name"] = json!(name);
            let policy = &v["spec"]["persistentVolumeClaimRetentionPolicy"];
            if policy["whenDeleted"] == "Delete" {
                claim["metadata"]["ownerReferences"] = json!([set.controller_owner_ref(&())]);
            }
            let claim = serde_json::from_value(claim).expect("a claim");
            claims.create(&PostParams::default(), &claim).await?;
        }
    }
    Ok(())
}

/// Lets claims go that no pod uses.
async fn claims(client: &Client) -> kube::Result<()> {
    let all: Api<PersistentVolumeClaim> = Api::all(client.clone());
    for claim in all.list(&ListParams::default()).await? {
        if claim.metadata.deletion_timestamp.is_none() || claim.finalizers().is_empty() {
            continue;
        }
        let pods: Api<Pod> = scoped(client, &claim);
        let name = claim.name_any();
        let uses = |pod: &Pod| {
            let spec = value(pod)["spec"]["volumes"].clone();
            let mut volumes = spec.as_array().into_iter().flatten();
            volumes.any(|v| v["persistentVolumeClaim"]["claimName"] == name.as_str())
        };
        if !pods.list(&ListParams::default()).await?.iter().any(uses) {
            let patch = Patch::Merge(json!({"metadata": {"finalizers": null}}));
            let claims: Api<PersistentVolumeClaim> = scoped(client, &claim);
            claims.patch(&name, &PatchParams::default(), &patch).await?;
        }
    }
    Ok(())
}
