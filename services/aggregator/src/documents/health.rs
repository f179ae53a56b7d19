//! `/healthz`, `/livez`, `/readyz` and each check by its name
//! (`k8s.io/apiserver/pkg/server/healthz`).

use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use catena_delegate::Response;
use catena_endpoints::query::Query;
use catena_objects::Status;

use crate::{Front, call::Call, metrics};

/// Bound on the question to storage.
const STORAGE: Duration = Duration::from_secs(2);

/// A check: name, and why it fails (empty when it passes).
struct Check {
    name: String,
    failure: String,
    /// Which of the three ask it.
    live: bool,
}

/// Names of all checks that there are now, for the index.
pub(super) fn names(front: &Front) -> Vec<String> {
    let mut out: Vec<String> = [
        "ping",
        "log",
        "etcd",
        "poststarthook/apiservice-registration-controller",
        "autoregister-completion",
    ]
    .map(str::to_owned)
    .to_vec();
    out.extend(delegate_checks(front).into_iter().map(|c| c.name));
    out
}

pub(super) async fn answer(front: &Arc<Front>, call: &Call) -> Result<Response, Status> {
    let mut parts = call.path.trim_matches('/').splitn(2, '/');
    let kind = parts.next().unwrap_or_default();
    let only = parts.next().unwrap_or_default();
    let query = Query::parse(&call.query);
    let mut checks = checks(front, kind).await;
    if !only.is_empty() {
        let Some(check) = checks.into_iter().find(|c| c.name == only) else {
            return Ok(crate::route::no_such_path());
        };
        if check.failure.is_empty() {
            return Ok(text(200, "ok".to_owned()));
        }
        let message = format!("internal server error: {}\n", check.failure);
        return Ok(text(500, message));
    }
    let excluded: Vec<String> = query
        .all("exclude")
        .iter()
        .map(|e| (*e).to_owned())
        .collect();
    let unknown: Vec<String> = excluded
        .iter()
        .filter(|e| !checks.iter().any(|c| &c.name == *e))
        .map(|e| format!("{e:?}"))
        .collect();
    let mut out = String::new();
    let mut failed = Vec::new();
    checks.retain(|c| {
        let skip = excluded.contains(&c.name);
        if skip {
            out.push_str(&format!("[+]{} excluded: ok\n", c.name));
        }
        !skip
    });
    for check in &checks {
        metrics::health(kind, &check.name, check.failure.is_empty());
        if check.failure.is_empty() {
            out.push_str(&format!("[+]{} ok\n", check.name));
        } else {
            tracing::info!(
                check = check.name,
                why = check.failure,
                "{kind} check failed"
            );
            failed.push(check.name.as_str());
            out.push_str(&format!("[-]{} failed: reason withheld\n", check.name));
        }
    }
    if !unknown.is_empty() {
        let list = unknown.join(", ");
        out.push_str(&format!(
            "warn: some health checks cannot be excluded: no matches for {list}\n"
        ));
    }
    if !failed.is_empty() {
        out.push_str(&format!("{kind} check failed\n"));
        return Ok(text(500, out));
    }
    if query.get("verbose").is_none() {
        return Ok(text(200, "ok".to_owned()));
    }
    out.push_str(&format!("{kind} check passed\n"));
    Ok(text(200, out))
}

fn text(status: u16, body: String) -> Response {
    let mut answer = Response::new(status, "text/plain; charset=utf-8", body);
    answer.headers.insert(
        http::header::X_CONTENT_TYPE_OPTIONS,
        http::HeaderValue::from_static("nosniff"),
    );
    answer
}

async fn checks(front: &Arc<Front>, kind: &str) -> Vec<Check> {
    let check = |name: &str, failure: String, live: bool| Check {
        name: name.to_owned(),
        failure,
        live,
    };
    let mut out = vec![
        check("ping", String::new(), true),
        check("log", String::new(), true),
        check("etcd", storage(front).await, true),
    ];
    let synced = |yes: bool| {
        if yes {
            String::new()
        } else {
            "not finished".to_owned()
        }
    };
    let registration = "poststarthook/apiservice-registration-controller";
    out.push(check(registration, synced(front.views.synced()), true));
    out.push(check(
        "autoregister-completion",
        synced(registered(front)),
        false,
    ));
    out.extend(delegate_checks(front));
    if kind == "readyz" {
        let failure = if front.draining() {
            "process is shutting down".to_owned()
        } else {
            String::new()
        };
        out.push(check("shutdown", failure, false));
    }
    // Liveness never depends on delegates: restarting the front would not help them.
    out.retain(|c| kind != "livez" || c.live);
    out
}

async fn storage(front: &Front) -> String {
    match tokio::time::timeout(STORAGE, front.storage.status()).await {
        Ok(Ok(_)) => String::new(),
        Ok(Err(e)) => e.to_string(),
        Err(_) => "timed out".to_owned(),
    }
}

/// Whether every group version that the chain announced had its APIService once:
/// what comes later does not make the server less ready.
fn registered(front: &Front) -> bool {
    if front.registered.load(Relaxed) {
        return true;
    }
    let all = all_registered(front);
    front.registered.store(all, Relaxed);
    all
}

fn all_registered(front: &Front) -> bool {
    let view = front.views.get();
    front.links.iter().all(|link| {
        link.state().description.is_some_and(|d| {
            d.groups
                .iter()
                .all(|g| view.find(&g.group, &g.version).is_some())
        })
    })
}

fn delegate_checks(front: &Front) -> Vec<Check> {
    let mut out = Vec::new();
    for link in &front.links {
        let state = link.state();
        let failure = match &state.description {
            Some(d) if state.reachable && d.ready => String::new(),
            Some(_) if state.reachable => "not ready".to_owned(),
            _ => "not reachable".to_owned(),
        };
        out.push(Check {
            name: format!("delegate/{}", link.name),
            failure,
            live: false,
        });
        for (name, failure) in state.description.iter().flat_map(|d| &d.checks) {
            if !out.iter().any(|c| &c.name == name) {
                out.push(Check {
                    name: name.clone(),
                    failure: failure.clone(),
                    live: false,
                });
            }
        }
    }
    out
}
