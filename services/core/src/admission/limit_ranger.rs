//! LimitRanger: defaults and bounds of containers, pods and claims.

use std::sync::Arc;

use async_trait::async_trait;
use catena_objects::{Status, Value, quantity::Quantity};
use catena_registry::{Admission, Attributes, Operation};

use super::forbidden;
use crate::{
    reader::ObjectReader,
    steps::{each, members},
    usage::{self, Usage},
};

const ANNOTATION: &str = "kubernetes.io/limit-ranger";

pub(super) struct LimitRanger {
    pub(super) reader: Arc<dyn ObjectReader>,
}

#[async_trait]
impl Admission for LimitRanger {
    fn handles(&self, operation: Operation, group: &str, resource: &str, sub: &str) -> bool {
        group.is_empty()
            && sub.is_empty()
            && match operation {
                Operation::Create => matches!(resource, "pods" | "persistentvolumeclaims"),
                Operation::Update => resource == "persistentvolumeclaims",
                _ => false,
            }
    }

    async fn admit(&self, a: &mut Attributes<'_>) -> Result<(), Status> {
        if a.resource.plural != "pods" {
            return Ok(());
        }
        let ranges = self
            .reader
            .list_known("", "limitranges", &a.ctx.namespace)
            .await?;
        if let Some(pod) = a.object.as_deref_mut() {
            for range in &ranges {
                fill_in(pod, range);
            }
        }
        Ok(())
    }

    async fn validate(&self, a: &Attributes<'_>) -> Result<(), Status> {
        let Some(object) = a.object.as_deref() else {
            return Ok(());
        };
        for range in self
            .reader
            .list_known("", "limitranges", &a.ctx.namespace)
            .await?
        {
            let mut wrong = Vec::new();
            for limit in range.items_at(&["spec", "limits"]) {
                if a.resource.plural == "pods" {
                    pod_limit(&mut wrong, object, limit);
                } else if limit.str_at(&["type"]) == "PersistentVolumeClaim" {
                    claim_limit(&mut wrong, object, limit);
                }
            }
            match wrong.as_slice() {
                [] => {}
                [one] => return Err(forbidden(a, one)),
                many => return Err(forbidden(a, &format!("[{}]", many.join(", ")))),
            }
        }
        Ok(())
    }
}

/// Sets default requests and limits, and says so in an annotation.
fn fill_in(pod: &mut Value, range: &Value) {
    let mut notes = Vec::new();
    for (list, noun) in [
        ("containers", "container"),
        ("initContainers", "init container"),
    ] {
        each(pod, &["spec", list], |c| {
            let name = c.str_at(&["name"]).to_owned();
            for (from, to, word) in [
                ("defaultRequest", "requests", "request"),
                ("default", "limits", "limit"),
            ] {
                let set = merge(c, range, from, to);
                if !set.is_empty() {
                    notes.push(format!("{} {word} for {noun} {name}", set.join(", ")));
                }
            }
        });
    }
    if !notes.is_empty() {
        let text = format!("LimitRanger plugin set: {}", notes.join("; "));
        pod.set(&["metadata", "annotations", ANNOTATION], text);
    }
}

/// Names of what was set, sorted.
fn merge(container: &mut Value, range: &Value, from: &str, to: &str) -> Vec<String> {
    let mut set = Vec::new();
    let limits = range.items_at(&["spec", "limits"]);
    for limit in limits.iter().filter(|l| l.str_at(&["type"]) == "Container") {
        for (name, quantity) in members(limit, &[from]) {
            let path = ["resources", to, name];
            if container.at(&path).is_none() {
                container.set(&path, quantity.clone());
                set.push(name.to_owned());
            }
        }
    }
    set.sort();
    set
}

fn pod_limit(wrong: &mut Vec<String>, pod: &Value, limit: &Value) {
    match limit.str_at(&["type"]) {
        "Container" => {
            for list in ["containers", "initContainers"] {
                for c in pod.items_at(&["spec", list]) {
                    let requests = usage::amounts(c, &["resources", "requests"]);
                    let limits = usage::amounts(c, &["resources", "limits"]);
                    check(wrong, limit, "Container", &requests, &limits);
                }
            }
        }
        "Pod" => {
            let (requests, limits) = (usage::of_pod(pod, "requests"), usage::of_pod(pod, "limits"));
            check(wrong, limit, "Pod", &requests, &limits);
        }
        _ => {}
    }
}

fn claim_limit(wrong: &mut Vec<String>, claim: &Value, limit: &Value) {
    const TYPE: &str = "PersistentVolumeClaim";
    let requests = usage::amounts(claim, &["spec", "resources", "requests"]);
    for (name, min) in usage::amounts(limit, &["min"]) {
        min_rule(wrong, TYPE, &name, &min, requests.get(&name), None);
    }
    for (name, max) in usage::amounts(limit, &["max"]) {
        let head = format!("maximum {name} usage per {TYPE} is {max}");
        match requests.get(&name) {
            None => wrong.push(format!("{head}.  No request is specified")),
            Some(r) if *r > max => wrong.push(format!("{head}, but request is {r}")),
            Some(_) => {}
        }
    }
}

fn check(wrong: &mut Vec<String>, limit: &Value, ty: &str, requests: &Usage, limits: &Usage) {
    for (name, min) in usage::amounts(limit, &["min"]) {
        min_rule(
            wrong,
            ty,
            &name,
            &min,
            requests.get(&name),
            limits.get(&name),
        );
    }
    for (name, max) in usage::amounts(limit, &["max"]) {
        let head = format!("maximum {name} usage per {ty} is {max}");
        match (limits.get(&name), requests.get(&name)) {
            (None, _) => wrong.push(format!("{head}.  No limit is specified")),
            (Some(l), _) if *l > max => wrong.push(format!("{head}, but limit is {l}")),
            (_, Some(r)) if *r > max => wrong.push(format!("{head}, but request is {r}")),
            _ => {}
        }
    }
    for (name, ratio) in usage::amounts(limit, &["maxLimitRequestRatio"]) {
        let head = format!("{name} max limit to request ratio per {ty} is {ratio}");
        let some = |q: Option<&Quantity>| q.filter(|q| !q.is_zero()).cloned();
        match (some(requests.get(&name)), some(limits.get(&name))) {
            (None, _) => wrong.push(format!(
                "{head}, but no request is specified or request is 0"
            )),
            (_, None) => wrong.push(format!("{head}, but no limit is specified or limit is 0")),
            (Some(r), Some(l)) => {
                let observed = l.approximate() / r.approximate();
                if observed > ratio.approximate() {
                    wrong.push(format!("{head}, but provided ratio is {observed:.6}"));
                }
            }
        }
    }
}

fn min_rule(
    wrong: &mut Vec<String>,
    ty: &str,
    name: &str,
    min: &Quantity,
    request: Option<&Quantity>,
    limit: Option<&Quantity>,
) {
    let head = format!("minimum {name} usage per {ty} is {min}");
    match (request, limit) {
        (None, _) => wrong.push(format!("{head}.  No request is specified")),
        (Some(r), _) if r < min => wrong.push(format!("{head}, but request is {r}")),
        (_, Some(l)) if l < min => wrong.push(format!("{head}, but limit is {l}")),
        _ => {}
    }
}
