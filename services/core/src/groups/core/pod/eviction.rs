//! Eviction: what a pod and its disruption budgets allow, without IO.

use catena_objects::{Reason, Status, Value};

use super::binding;
use crate::rules::labels;

/// Most pods that a budget remembers as being disrupted (`MaxDisruptedPodSize`).
const DISRUPTED_MAX: usize = 2000;

/// What to do with a pod that is to be evicted.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// Delete it; no budget has a say.
    Delete,
    /// As well, but only if it is still as it was: it is not ready.
    DeleteAsItIs,
    /// Write this budget, then delete the pod.
    Spend(Box<Value>),
}

/// Whether a pod can go whatever the budgets say (`canIgnorePDB`).
pub fn ignores_budgets(pod: &Value) -> bool {
    matches!(
        pod.str_at(&["status", "phase"]),
        "Succeeded" | "Failed" | "Pending"
    ) || pod.at(&["metadata", "deletionTimestamp"]).is_some()
}

/// The condition that tells why the pod goes.
pub fn set_disrupted(pod: &mut Value, now: &str) {
    let why = ["EvictionByEvictionAPI", "Eviction API: evicting"];
    binding::set_condition(pod, "DisruptionTarget", "True", Some(why), now);
}

/// Decides over a running pod, given the budgets of its namespace.
pub fn decide(pod: &Value, budgets: &[Value], now: &str) -> Result<Decision, Status> {
    if ignores_budgets(pod) {
        let pending = pod.str_at(&["status", "phase"]) == "Pending"
            && pod.at(&["metadata", "deletionTimestamp"]).is_none();
        return Ok(match pending {
            true => Decision::DeleteAsItIs,
            false => Decision::Delete,
        });
    }
    let null = Value::Null;
    let pod_labels = pod.at(&["metadata", "labels"]).unwrap_or(&null);
    let mut mine = budgets
        .iter()
        .filter(|b| labels::matches(b.at(&["spec", "selector"]).unwrap_or(&null), pod_labels));
    let Some(budget) = mine.next() else {
        return Ok(Decision::Delete);
    };
    if mine.next().is_some() {
        return Err(Status::internal(
            "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
        ));
    }
    let ready = pod
        .items_at(&["status", "conditions"])
        .iter()
        .any(|c| c.str_at(&["type"]) == "Ready" && c.str_at(&["status"]) == "True");
    let status = |name: &str| budget.i64_at(&["status", name]).unwrap_or(0);
    if !ready {
        let always = budget.str_at(&["spec", "unhealthyPodEvictionPolicy"]) == "AlwaysAllow";
        let healthy =
            status("currentHealthy") >= status("desiredHealthy") && status("desiredHealthy") > 0;
        if always || healthy {
            return Ok(Decision::DeleteAsItIs);
        }
    }
    spend(pod, budget, now).map(|b| Decision::Spend(Box::new(b)))
}

fn spend(pod: &Value, budget: &Value, now: &str) -> Result<Value, Status> {
    let name = budget.str_at(&["metadata", "name"]);
    let status = |field: &str| budget.i64_at(&["status", field]).unwrap_or(0);
    let refuse = |why: String, cause: String, retry: u32| {
        let mut s = Status::new(Reason::TooManyRequests, why);
        if retry > 0 {
            s = s.retry_after(retry);
        }
        let details = s.details.get_or_insert_default();
        details.causes = vec![catena_objects::status::Cause {
            reason: "DisruptionBudget".into(),
            message: cause,
            field: String::new(),
        }];
        s
    };
    const CANNOT: &str = "Cannot evict pod as it would violate the pod's disruption budget.";
    let generation = budget.i64_at(&["metadata", "generation"]).unwrap_or(0);
    if status("observedGeneration") < generation {
        let cause = format!("The disruption budget {name} is still being processed by the server.");
        return Err(refuse(CANNOT.into(), cause, 10));
    }
    let allowed = status("disruptionsAllowed");
    if allowed < 0 {
        return Err(Status::forbidden(
            "policy",
            "poddisruptionbudgets",
            name,
            "pdb disruptions allowed is negative",
        ));
    }
    let disrupted = budget
        .at(&["status", "disruptedPods"])
        .and_then(Value::as_object)
        .map_or(0, |m| m.len());
    if disrupted > DISRUPTED_MAX {
        return Err(Status::forbidden(
            "policy",
            "poddisruptionbudgets",
            name,
            "DisruptedPods map too big - too many evictions not confirmed by PDB controller",
        ));
    }
    if allowed == 0 {
        let cause = format!(
            "The disruption budget {name} needs {} healthy pods and has {} currently",
            status("desiredHealthy"),
            status("currentHealthy")
        );
        return Err(refuse(CANNOT.into(), cause, 0));
    }
    let mut out = budget.clone();
    out.set(&["status", "disruptionsAllowed"], allowed - 1);
    out.set(
        &["status", "disruptedPods", pod.str_at(&["metadata", "name"])],
        now,
    );
    Ok(out)
}
