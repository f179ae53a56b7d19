//! Whether remote API servers answer, as condition `Available`
//! (`kube-aggregator/pkg/controllers/status/remote`). Each is asked by a task of
//! its own: a dead one holds up nobody.

use std::{collections::HashMap, sync::Arc, time::Duration};

use catena_objects::{Status, Value, json, obj, time, user::User};
use catena_registry::{Context, Store};
use http_body_util::{BodyExt as _, Empty, Limited};
use tokio_util::sync::CancellationToken;

use super::{Entry, Views};
use crate::{Front, metrics, proxy, resolve};

const EVERY: Duration = Duration::from_secs(30);
/// Pause after a failure, doubled up to [`EVERY`].
const AGAIN: Duration = Duration::from_millis(500);
const PROBE: Duration = Duration::from_secs(5);
/// Bound on the discovery document of a remote server.
const MAX_DOCUMENT: usize = 8 << 20;

/// Keeps a task for every remote APIService until `stop`.
pub(crate) async fn watch_remote(
    front: Arc<Front>,
    views: Views,
    store: Store,
    stop: CancellationToken,
) {
    let mut tasks: HashMap<String, (Value, CancellationToken)> = HashMap::new();
    let mut changes = views.changes();
    loop {
        let view = views.get();
        tasks.retain(|name, (spec, token)| {
            let same = view
                .by_name
                .get(name)
                .is_some_and(|e| e.object.get("spec") == Some(spec));
            if !same {
                token.cancel();
                front.forget_discovery(name);
            }
            same
        });
        for (name, entry) in &view.by_name {
            if entry.service.is_none() || tasks.contains_key(name) {
                continue;
            }
            let token = stop.child_token();
            let spec = entry.object.get("spec").cloned().unwrap_or_default();
            tasks.insert(name.clone(), (spec, token.clone()));
            let work = follow(front.clone(), entry.clone(), store.clone());
            tokio::spawn(async move { token.run_until_cancelled(work).await });
        }
        tokio::select! {
            () = stop.cancelled() => return,
            changed = changes.changed() => if changed.is_err() { return },
        }
    }
}

async fn follow(front: Arc<Front>, entry: Arc<Entry>, store: Store) {
    let mut pause = AGAIN;
    loop {
        let (status, reason, message) = match probe(&front, &entry).await {
            Ok(()) => ("True", "Passed", "all checks passed".to_owned()),
            Err((reason, message)) => ("False", reason, message),
        };
        metrics::available(&entry.name, status == "True");
        if let Err(e) = publish(&store, &entry.name, status, reason, &message).await {
            tracing::debug!(name = entry.name, error = %e.message, "condition was not written");
        }
        pause = if status == "True" {
            EVERY
        } else {
            (pause * 2).min(EVERY)
        };
        tokio::time::sleep(pause).await;
    }
}

type Failure = (&'static str, String);

async fn probe(front: &Front, entry: &Entry) -> Result<(), Failure> {
    let Some(service) = &entry.service else {
        return Ok(());
    };
    let failed = |why: String| {
        let url = format!(
            "https://{}/apis/{}/{}",
            proxy::host(entry),
            entry.group,
            entry.version
        );
        let message = format!("failing or missing response from {url}: {why}");
        ("FailedDiscoveryCheck", message)
    };
    match resolve::check(&*front.storage, service).await {
        Err(why) => return Err(failed(why)),
        Ok(Err(missing)) => return Err((missing.reason, missing.message)),
        Ok(Ok(_)) => {}
    }
    let document = tokio::time::timeout(PROBE, ask(front, entry))
        .await
        .map_err(|_| failed("context deadline exceeded".to_owned()))?
        .map_err(failed)?;
    front.remember_discovery(&entry.name, &document);
    Ok(())
}

/// The resources of the group version, as its server lists them.
async fn ask(front: &Front, entry: &Entry) -> Result<Value, String> {
    let mut sender = front.proxy.connect(entry).await.map_err(|e| e.message)?;
    let empty = Empty::new().map_err(|e| match e {}).boxed_unsync();
    let mut request = http::Request::new(empty);
    let path = format!("/apis/{}/{}", entry.group, entry.version);
    *request.uri_mut() = path.parse().map_err(|e| format!("{path}: {e}"))?;
    let aggregator = User {
        name: "system:kube-aggregator".to_owned(),
        groups: vec!["system:masters".to_owned()],
        ..User::default()
    };
    proxy::name_user(request.headers_mut(), &aggregator);
    if let Ok(host) = proxy::host(entry).parse() {
        request.headers_mut().insert("host", host);
    }
    let answer = sender
        .send_request(request)
        .await
        .map_err(|e| e.to_string())?;
    if !answer.status().is_success() {
        return Err(format!(
            "bad status from {path}: {}",
            answer.status().as_u16()
        ));
    }
    let body = Limited::new(answer.into_body(), MAX_DOCUMENT)
        .collect()
        .await
        .map_err(|e| e.to_string())?
        .to_bytes();
    json::parse(&body).map_err(|e| e.to_string())
}

/// Writes the condition where it says something new.
async fn publish(
    store: &Store,
    name: &str,
    status: &str,
    reason: &str,
    message: &str,
) -> Result<(), Status> {
    let ctx = Context {
        version: "v1".to_owned(),
        subresource: "status".to_owned(),
        now: time::now(),
        ..Context::default()
    };
    let old = store.get("", name).await?;
    if is_said(&old, status, reason, message) {
        return Ok(());
    }
    let change = |live: &Value| {
        let mut next = live.clone();
        let before = next
            .items_at(&["status", "conditions"])
            .iter()
            .find(|c| c.str_at(&["type"]) == "Available")
            .filter(|c| c.str_at(&["status"]) == status)
            .map(|c| c.str_at(&["lastTransitionTime"]).to_owned());
        let since = before.unwrap_or_else(|| ctx.now.clone());
        let condition = obj!({
            "type": "Available",
            "status": status,
            "lastTransitionTime": since,
            "reason": reason,
            "message": message
        });
        let mut all: Vec<Value> = next
            .items_at(&["status", "conditions"])
            .iter()
            .filter(|c| c.str_at(&["type"]) != "Available")
            .cloned()
            .collect();
        all.push(condition);
        next.set(&["status", "conditions"], all);
        next
    };
    super::resource::update(store, &ctx, name, change).await
}

fn is_said(object: &Value, status: &str, reason: &str, message: &str) -> bool {
    object.items_at(&["status", "conditions"]).iter().any(|c| {
        c.str_at(&["type"]) == "Available"
            && c.str_at(&["status"]) == status
            && c.str_at(&["reason"]) == reason
            && c.str_at(&["message"]) == message
    })
}
