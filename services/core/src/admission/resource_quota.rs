//! ResourceQuota: a create counts against every quota of the namespace that fits.

use std::sync::Arc;

use async_trait::async_trait;
use catena_objects::{Status, Value, meta, quantity::Quantity};
use catena_registry::{Admission, Attributes, Operation};

use super::forbidden;
use crate::{
    reader::ObjectReader,
    steps::{is_set, members, strings},
    usage::{self, Usage},
};

/// Attempts against other creates that count at the same time.
const ATTEMPTS: usize = 16;
const COMPUTE: [&str; 6] = [
    "cpu",
    "memory",
    "requests.cpu",
    "requests.memory",
    "limits.cpu",
    "limits.memory",
];

pub(super) struct ResourceQuota {
    pub(super) reader: Arc<dyn ObjectReader>,
}

#[async_trait]
impl Admission for ResourceQuota {
    fn handles(&self, operation: Operation, group: &str, resource: &str, sub: &str) -> bool {
        operation == Operation::Create
            && sub.is_empty()
            && !(group.is_empty() && matches!(resource, "namespaces" | "events"))
    }

    async fn validate(&self, a: &Attributes<'_>) -> Result<(), Status> {
        if !a.resource.namespaced {
            return Ok(());
        }
        let Some(object) = a.object.as_deref() else {
            return Ok(());
        };
        let namespace = &a.ctx.namespace;
        for attempt in 0..ATTEMPTS {
            let quotas = match attempt {
                0 => {
                    self.reader
                        .list_known("", "resourcequotas", namespace)
                        .await?
                }
                _ => self.reader.list("", "resourcequotas", namespace).await?,
            };
            if quotas.is_empty() {
                return Ok(());
            }
            let used = usage::of(&a.resource.group, &a.resource.plural, object);
            let charged = charge(a, object, &quotas, &used)?;
            if a.ctx.dry_run || self.write(&charged).await? {
                return Ok(());
            }
        }
        let why = "Internal error occurred: quota usage changed too often; please try again";
        Err(Status::conflict("", "resourcequotas", "", why))
    }
}

impl ResourceQuota {
    /// False when a quota changed in between. What was counted in others stays
    /// counted: the quota controller corrects it.
    async fn write(&self, quotas: &[Value]) -> Result<bool, Status> {
        for quota in quotas {
            if !self.reader.replace("", "resourcequotas", quota).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// The quotas whose usage grows, with their new usage; an error if one is exceeded.
fn charge(
    a: &Attributes<'_>,
    object: &Value,
    quotas: &[Value],
    used: &Usage,
) -> Result<Vec<Value>, Status> {
    let is_pod = a.resource.group.is_empty() && a.resource.plural == "pods";
    let mut charged = Vec::new();
    for quota in quotas.iter().filter(|q| matches(q, object, is_pod)) {
        let hard = usage::amounts(quota, &["status", "hard"]);
        if is_pod {
            must_specify(a, object, quota, &hard)?;
        }
        let before = usage::amounts(quota, &["status", "used"]);
        let mut grown = quota.clone();
        let mut over = Vec::new();
        let mut counts = false;
        for (name, limit) in &hard {
            let Some(more) = used.get(name).filter(|q| !q.is_zero()) else {
                continue;
            };
            // Without a usage the quota has not been computed yet.
            let Some(now) = before.get(name) else {
                let why = format!(
                    "status unknown for quota: {}, resources: {name}",
                    meta::name(quota)
                );
                return Err(forbidden(a, &why));
            };
            let sum = now.add(more);
            if sum > *limit {
                over.push((name, more, now, limit));
            }
            grown.set(&["status", "used", name], sum.to_string());
            counts = true;
        }
        if !over.is_empty() {
            return Err(forbidden(a, &exceeded(meta::name(quota), &over)));
        }
        if counts {
            charged.push(owned(a, quota, grown)?);
        }
    }
    Ok(charged)
}

/// The server owns the usage that it counts.
fn owned(a: &Attributes<'_>, old: &Value, new: Value) -> Result<Value, Status> {
    let Some(node) = catena_schema::builtin("", "v1", "ResourceQuota") else {
        return Ok(new);
    };
    let request = catena_apply::Request {
        node: &node,
        group_version: "v1".to_owned(),
        manager: crate::MANAGER,
        time: &a.ctx.now,
        subresource: "status",
        force: false,
        reset_fields: &[&["spec"]],
    };
    catena_apply::track_update(Some(old), new, &request)
}

fn exceeded(name: &str, over: &[(&String, &Quantity, &Quantity, &Quantity)]) -> String {
    let list = |pick: fn(&(&String, &Quantity, &Quantity, &Quantity)) -> String| {
        over.iter()
            .map(|o| format!("{}={}", o.0, pick(o)))
            .collect::<Vec<_>>()
            .join(",")
    };
    format!(
        "exceeded quota: {name}, requested: {}, used: {}, limited: {}",
        list(|o| o.1.to_string()),
        list(|o| o.2.to_string()),
        list(|o| o.3.to_string())
    )
}

/// A quota on compute resources wants every container to name them.
fn must_specify(
    a: &Attributes<'_>,
    pod: &Value,
    quota: &Value,
    hard: &Usage,
) -> Result<(), Status> {
    let mut missing: Vec<String> = Vec::new();
    for name in COMPUTE.iter().filter(|n| hard.contains_key(**n)) {
        let (list, resource) = match name.split_once('.') {
            Some(("limits", r)) => ("limits", r),
            Some((_, r)) => ("requests", r),
            None => ("requests", *name),
        };
        let lacking: Vec<&str> = ["containers", "initContainers"]
            .iter()
            .flat_map(|l| pod.items_at(&["spec", l]))
            .filter(|c| c.at(&["resources", list, resource]).is_none())
            .map(|c| c.str_at(&["name"]))
            .collect();
        if !lacking.is_empty() {
            missing.push(format!("{name} for: {}", lacking.join(",")));
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let why = format!(
        "failed quota: {}: must specify {}",
        meta::name(quota),
        missing.join("; ")
    );
    Err(forbidden(a, &why))
}

/// Whether the scopes of a quota take the object in.
fn matches(quota: &Value, object: &Value, is_pod: bool) -> bool {
    let scopes = strings(quota, &["spec", "scopes"]);
    let terms = quota.items_at(&["spec", "scopeSelector", "matchExpressions"]);
    if scopes.is_empty() && terms.is_empty() {
        return true;
    }
    is_pod
        && scopes.iter().all(|s| in_scope(s, "Exists", &[], object))
        && terms.iter().all(|t| {
            let values = strings(t, &["values"]);
            in_scope(
                t.str_at(&["scopeName"]),
                t.str_at(&["operator"]),
                &values,
                object,
            )
        })
}

fn in_scope(scope: &str, operator: &str, values: &[&str], pod: &Value) -> bool {
    let terminating = is_set(pod, &["spec", "activeDeadlineSeconds"]);
    let best_effort = || {
        ["containers", "initContainers"]
            .iter()
            .flat_map(|l| pod.items_at(&["spec", l]))
            .all(|c| {
                members(c, &["resources", "requests"]).next().is_none()
                    && members(c, &["resources", "limits"]).next().is_none()
            })
    };
    match scope {
        "Terminating" => terminating,
        "NotTerminating" => !terminating,
        "BestEffort" => best_effort(),
        "NotBestEffort" => !best_effort(),
        "PriorityClass" => {
            let class = pod.str_at(&["spec", "priorityClassName"]);
            match operator {
                "In" => values.contains(&class),
                "NotIn" => !values.contains(&class),
                "DoesNotExist" => class.is_empty(),
                _ => !class.is_empty(),
            }
        }
        _ => false,
    }
}
