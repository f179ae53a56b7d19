//! Cells of workloads: apps and batch.

use catena_objects::{Value, time};

use crate::text::{age, containers, int, name, or_none, pairs, selector, since};

const TEMPLATE: [&str; 3] = ["spec", "template", "spec"];

fn with_template(mut cells: Vec<Value>, o: &Value) -> Vec<Value> {
    cells.extend(containers(o, &TEMPLATE));
    cells
}

fn with_selector(cells: Vec<Value>, o: &Value) -> Vec<Value> {
    let mut cells = with_template(cells, o);
    cells.push(selector(o.at(&["spec", "selector"])).into());
    cells
}

fn ratio(o: &Value, part: &[&str], whole: &[&str]) -> Value {
    let part = o.i64_at(part).unwrap_or(0);
    format!("{part}/{}", o.i64_at(whole).unwrap_or(0)).into()
}

pub(crate) fn deployment(o: &Value, now: &str) -> Vec<Value> {
    let cells = vec![
        name(o),
        ratio(o, &["status", "readyReplicas"], &["spec", "replicas"]),
        int(o, &["status", "updatedReplicas"]),
        int(o, &["status", "availableReplicas"]),
        age(o, now),
    ];
    with_selector(cells, o)
}

fn replica_counts(o: &Value, now: &str) -> Vec<Value> {
    vec![
        name(o),
        int(o, &["spec", "replicas"]),
        int(o, &["status", "replicas"]),
        int(o, &["status", "readyReplicas"]),
        age(o, now),
    ]
}

pub(crate) fn replica_set(o: &Value, now: &str) -> Vec<Value> {
    with_selector(replica_counts(o, now), o)
}

pub(crate) fn replication_controller(o: &Value, now: &str) -> Vec<Value> {
    let mut cells = with_template(replica_counts(o, now), o);
    cells.push(pairs(o.at(&["spec", "selector"])).into());
    cells
}

pub(crate) fn stateful_set(o: &Value, now: &str) -> Vec<Value> {
    let ready = ratio(o, &["status", "readyReplicas"], &["spec", "replicas"]);
    with_template(vec![name(o), ready, age(o, now)], o)
}

pub(crate) fn daemon_set(o: &Value, now: &str) -> Vec<Value> {
    let status = |key: &str| int(o, &["status", key]);
    let cells = vec![
        name(o),
        status("desiredNumberScheduled"),
        status("currentNumberScheduled"),
        status("numberReady"),
        status("updatedNumberScheduled"),
        status("numberAvailable"),
        pairs(o.at(&["spec", "template", "spec", "nodeSelector"])).into(),
        age(o, now),
    ];
    with_selector(cells, o)
}

pub(crate) fn controller_revision(o: &Value, now: &str) -> Vec<Value> {
    let owner = o
        .items_at(&["metadata", "ownerReferences"])
        .iter()
        .find(|r| r.bool_at(&["controller"]) == Some(true))
        .map(|r| {
            let api = r.str_at(&["apiVersion"]);
            let group = api.split_once('/').map_or("", |(g, _)| g);
            let kind = r.str_at(&["kind"]).to_lowercase();
            let dot = if group.is_empty() { "" } else { "." };
            format!("{kind}{dot}{group}/{}", r.str_at(&["name"]))
        });
    vec![
        name(o),
        or_none(&owner.unwrap_or_default()),
        int(o, &["revision"]),
        age(o, now),
    ]
}

pub(crate) fn job(o: &Value, now: &str) -> Vec<Value> {
    let done = o.i64_at(&["status", "succeeded"]).unwrap_or(0);
    let completions = match (
        o.i64_at(&["spec", "completions"]),
        o.i64_at(&["spec", "parallelism"]),
    ) {
        (Some(c), _) => format!("{done}/{c}"),
        (None, Some(p)) if p > 1 => format!("{done}/1 of {p}"),
        (None, _) => format!("{done}/1"),
    };
    let start = o.str_at(&["status", "startTime"]);
    let end = o.str_at(&["status", "completionTime"]);
    let duration: Value = match (start.is_empty(), end.is_empty()) {
        (true, _) => "".into(),
        (false, true) => since(start, now),
        (false, false) => time::age_at(start, end).into(),
    };
    let cells = vec![
        name(o),
        job_status(o).into(),
        completions.into(),
        duration,
        age(o, now),
    ];
    with_selector(cells, o)
}

fn job_status(o: &Value) -> &'static str {
    let is = |ty: &str| crate::text::condition(o, ty) == "True";
    if is("Complete") {
        "Complete"
    } else if is("Failed") {
        "Failed"
    } else if o.at(&["metadata", "deletionTimestamp"]).is_some() {
        "Terminating"
    } else if is("Suspended") {
        "Suspended"
    } else if is("FailureTarget") {
        "FailureTarget"
    } else if is("SuccessCriteriaMet") {
        "SuccessCriteriaMet"
    } else {
        "Running"
    }
}

pub(crate) fn cron_job(o: &Value, now: &str) -> Vec<Value> {
    let last = o.str_at(&["status", "lastScheduleTime"]);
    let suspend = if o.bool_at(&["spec", "suspend"]) == Some(true) {
        "True"
    } else {
        "False"
    };
    let mut cells = vec![
        name(o),
        o.str_at(&["spec", "schedule"]).into(),
        or_none(o.str_at(&["spec", "timeZone"])),
        suspend.into(),
        (o.items_at(&["status", "active"]).len() as i64).into(),
        if last.is_empty() {
            "<none>".into()
        } else {
            since(last, now)
        },
        age(o, now),
    ];
    cells.extend(containers(
        o,
        &["spec", "jobTemplate", "spec", "template", "spec"],
    ));
    cells.push(selector(o.at(&["spec", "jobTemplate", "spec", "selector"])).into());
    cells
}
