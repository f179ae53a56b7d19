//! Cells of pods.

use catena_objects::Value;

use crate::text::{age, name, or_none, since};

/// Ready count, status reason and restarts of a pod (`printPod`).
struct Summary {
    ready: usize,
    total: usize,
    restarts: i64,
    last_restart: String,
    reason: String,
}

pub(crate) fn pod(o: &Value, now: &str) -> Vec<Value> {
    let s = summary(o);
    let restarts = if s.restarts > 0 && !s.last_restart.is_empty() {
        let ago = since(&s.last_restart, now);
        format!("{} ({} ago)", s.restarts, ago.as_str().unwrap_or_default())
    } else {
        s.restarts.to_string()
    };
    let ip = o
        .items_at(&["status", "podIPs"])
        .first()
        .map_or("", |i| i.str_at(&["ip"]));
    vec![
        name(o),
        format!("{}/{}", s.ready, s.total).into(),
        s.reason.as_str().into(),
        restarts.into(),
        age(o, now),
        or_none(ip),
        or_none(o.str_at(&["spec", "nodeName"])),
        or_none(o.str_at(&["status", "nominatedNodeName"])),
        readiness_gates(o),
    ]
}

fn readiness_gates(o: &Value) -> Value {
    let gates = o.items_at(&["spec", "readinessGates"]);
    if gates.is_empty() {
        return "<none>".into();
    }
    let met = gates
        .iter()
        .filter(|g| crate::text::condition(o, g.str_at(&["conditionType"])) == "True")
        .count();
    format!("{met}/{}", gates.len()).into()
}

fn restartable(c: &Value) -> bool {
    c.str_at(&["restartPolicy"]) == "Always"
}

fn summary(o: &Value) -> Summary {
    let phase = o.str_at(&["status", "phase"]);
    let given = o.str_at(&["status", "reason"]);
    let mut s = Summary {
        ready: 0,
        total: o.items_at(&["spec", "containers"]).len(),
        restarts: 0,
        last_restart: String::new(),
        reason: if given.is_empty() { phase } else { given }.to_owned(),
    };
    let scheduling_gated = o.items_at(&["status", "conditions"]).iter().any(|c| {
        c.str_at(&["type"]) == "PodScheduled" && c.str_at(&["reason"]) == "SchedulingGated"
    });
    if scheduling_gated {
        s.reason = "SchedulingGated".to_owned();
    }
    let initializing = init_containers(o, &mut s);
    if !initializing || crate::text::condition(o, "Initialized") == "True" {
        containers(o, &mut s);
    }
    if o.at(&["metadata", "deletionTimestamp"]).is_some() {
        let finished = matches!(phase, "Succeeded" | "Failed");
        if given == "NodeLost" {
            s.reason = "Unknown".to_owned();
        } else if !finished {
            s.reason = "Terminating".to_owned();
        }
    }
    s
}

fn note_restart(s: &mut Summary, status: &Value) {
    s.restarts += status.i64_at(&["restartCount"]).unwrap_or(0);
    let at = status.str_at(&["lastState", "terminated", "finishedAt"]);
    if at > s.last_restart.as_str() {
        at.clone_into(&mut s.last_restart);
    }
}

/// Reason of a terminated container, from its signal or exit code when it gives none.
fn terminated(t: &Value, prefix: &str) -> String {
    let reason = t.str_at(&["reason"]);
    if !reason.is_empty() {
        return format!("{prefix}{reason}");
    }
    match t.i64_at(&["signal"]).unwrap_or(0) {
        0 => format!("{prefix}ExitCode:{}", t.i64_at(&["exitCode"]).unwrap_or(0)),
        signal => format!("{prefix}Signal:{signal}"),
    }
}

fn init_containers(o: &Value, s: &mut Summary) -> bool {
    let specs = o.items_at(&["spec", "initContainers"]);
    s.total += specs.iter().filter(|c| restartable(c)).count();
    for (i, status) in o
        .items_at(&["status", "initContainerStatuses"])
        .iter()
        .enumerate()
    {
        note_restart(s, status);
        let sidecar = specs
            .iter()
            .find(|c| c.str_at(&["name"]) == status.str_at(&["name"]))
            .is_some_and(restartable);
        let ended = status.at(&["state", "terminated"]);
        if ended.is_some_and(|t| t.i64_at(&["exitCode"]).unwrap_or(0) == 0) {
            continue;
        }
        if sidecar && status.bool_at(&["started"]).unwrap_or(false) {
            s.ready += usize::from(status.bool_at(&["ready"]).unwrap_or(false));
            continue;
        }
        let waiting = status.str_at(&["state", "waiting", "reason"]);
        s.reason = match ended {
            Some(t) => terminated(t, "Init:"),
            None if !waiting.is_empty() && waiting != "PodInitializing" => {
                format!("Init:{waiting}")
            }
            None => format!("Init:{i}/{}", specs.len()),
        };
        return true;
    }
    false
}

fn containers(o: &Value, s: &mut Summary) {
    let mut running = false;
    for status in o.items_at(&["status", "containerStatuses"]).iter().rev() {
        note_restart(s, status);
        let waiting = status.str_at(&["state", "waiting", "reason"]);
        if !waiting.is_empty() {
            waiting.clone_into(&mut s.reason);
        } else if let Some(t) = status.at(&["state", "terminated"]) {
            s.reason = terminated(t, "");
        } else if status.bool_at(&["ready"]).unwrap_or(false)
            && status.at(&["state", "running"]).is_some()
        {
            running = true;
            s.ready += 1;
        }
    }
    if s.reason == "Completed" && running {
        let ready = crate::text::condition(o, "Ready") == "True";
        s.reason = if ready { "Running" } else { "NotReady" }.to_owned();
    }
}
