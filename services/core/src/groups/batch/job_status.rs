//! The status of a job.

use catena_objects::{Value, field::Errors};

use super::job_policy::count_indexes;
use crate::rules::{At, invalid_without_value};

fn is_true(job: &Value, kind: &str) -> bool {
    job.items_at(&["status", "conditions"])
        .iter()
        .any(|c| c.str_at(&["type"]) == kind && c.str_at(&["status"]) == "True")
}

/// `ValidateJobStatusUpdate`, for changes that current rules judge.
pub fn validate(job: &Value, old: &Value) -> Errors {
    let mut e = Errors::new();
    let at = At::root(job, "status");
    for name in ["active", "succeeded", "failed", "ready", "terminating"] {
        at.child(name).non_negative(&mut e);
    }
    conditions(&at, job, old, &mut e);
    let finished = is_true(job, "Complete") || is_true(job, "Failed");
    if finished && at.num("active") > 0 {
        at.child("active")
            .bad_num(&mut e, "active>0 is invalid for finished job");
    }
    if finished && !at.child("startTime").has() {
        at.child("startTime")
            .required(&mut e, "startTime is required for finished job");
    }
    if finished && at.num("terminating") > 0 {
        at.child("terminating")
            .bad_num(&mut e, "terminating>0 is invalid for finished job");
    }
    if at.num("ready") > at.num("active") {
        at.child("ready")
            .bad_num(&mut e, "cannot set more ready pods than active");
    }
    let completions = job.i64_at(&["spec", "completions"]);
    for name in ["completedIndexes", "failedIndexes"] {
        let f = at.child(name);
        if let (Some(n), false) = (completions, f.str().is_empty())
            && let Err(why) = count_indexes(f.str(), n)
        {
            f.bad_text(&mut e, format!("error parsing {name}: {why}"));
        }
    }
    for name in ["failed", "succeeded"] {
        if at.num(name) < old.i64_at(&["status", name]).unwrap_or(0) {
            at.child(name)
                .bad_num(&mut e, format!("cannot decrease the {name} counter"));
        }
    }
    e
}

fn conditions(at: &At, job: &Value, old: &Value, e: &mut Errors) {
    let path = at.path.child("conditions");
    let mut deny = |why: &str| e.push(invalid_without_value(&path, why));
    let now = |kind| is_true(job, kind);
    if now("Complete") && now("Failed") {
        deny("cannot set Complete=True and Failed=true conditions");
    }
    if now("Complete") && now("FailureTarget") {
        deny("cannot set Complete=True and FailureTarget=true conditions");
    }
    if now("Failed") && !now("FailureTarget") && !is_true(old, "Failed") {
        deny("cannot set Failed=True condition without the FailureTarget=true condition");
    }
    if now("Complete") && !now("SuccessCriteriaMet") && !is_true(old, "Complete") {
        deny("cannot set Complete=True condition without the SuccessCriteriaMet=true condition");
    }
    if now("SuccessCriteriaMet") && now("Failed") {
        deny("cannot set SuccessCriteriaMet=True and Failed=true conditions");
    }
    if now("SuccessCriteriaMet") && now("FailureTarget") {
        deny("cannot set SuccessCriteriaMet=True and FailureTarget=true conditions");
    }
    for kind in ["Failed", "Complete", "FailureTarget"] {
        if is_true(old, kind) && !now(kind) {
            deny(&format!(
                "cannot disable the terminal {kind}=True condition"
            ));
        }
    }
    let time = at.child("completionTime");
    if time.has() && !now("Complete") {
        time.bad_text(
            e,
            "cannot set completionTime when there is no Complete=True condition",
        );
    }
    if !time.has() && now("Complete") {
        time.required(e, "completionTime is required for Complete jobs");
    }
}
