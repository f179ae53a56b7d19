//! Cluster roles that are the sum of others: admin, edit and view are
//! (`pkg/controller/clusterroleaggregation`).

use std::collections::BTreeMap;

use futures_util::StreamExt as _;
use k8s_openapi::{
    api::rbac::v1::{ClusterRole, PolicyRule},
    apimachinery::pkg::apis::meta::v1::LabelSelector,
};
use kube::{
    Api, Client, ResourceExt as _,
    api::{Patch, PatchParams},
    runtime::{WatchStreamExt as _, reflector, watcher},
};
use serde_json::json;

const MANAGER: &str = "clusterrole-aggregation-controller";

/// Keeps the rules of aggregated roles.
///
/// # Errors
/// When the watch ends for good.
pub(crate) async fn run(client: Client) -> anyhow::Result<()> {
    let roles = Api::<ClusterRole>::all(client);
    let (reader, writer) = reflector::store();
    let stream = watcher(roles.clone(), watcher::Config::default())
        .default_backoff()
        .reflect(writer);
    tokio::pin!(stream);
    let mut complete = false;
    while let Some(event) = stream.next().await {
        match event {
            Ok(watcher::Event::InitDone) => complete = true,
            Ok(watcher::Event::Apply(_) | watcher::Event::Delete(_)) => {}
            Ok(_) => continue,
            Err(e) => {
                tracing::debug!(error = %e, "watch of cluster roles is interrupted");
                tokio::time::sleep(crate::namespace::AGAIN).await;
                continue;
            }
        }
        if complete {
            let all: Vec<ClusterRole> = reader.state().iter().map(|r| (**r).clone()).collect();
            reconcile(&roles, &all).await;
        }
    }
    anyhow::bail!("watch of cluster roles ended")
}

async fn reconcile(roles: &Api<ClusterRole>, all: &[ClusterRole]) {
    let aggregated = all.iter().filter(|r| r.aggregation_rule.is_some());
    let wanted = aggregated
        .filter_map(|r| Some((r, sum(r, all)?)))
        .filter(|(r, rules)| r.rules.as_deref().unwrap_or_default() != rules.as_slice());
    let done: Vec<kube::Result<()>> = futures_util::stream::iter(wanted)
        .then(|(role, rules)| apply(roles, role, rules))
        .collect()
        .await;
    for e in done.into_iter().filter_map(Result::err) {
        tracing::warn!(error = %e, "an aggregated cluster role is not up to date");
    }
}

async fn apply(
    roles: &Api<ClusterRole>,
    role: &ClusterRole,
    rules: Vec<PolicyRule>,
) -> kube::Result<()> {
    let name = role.name_any();
    let patch = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": { "name": name },
        "rules": rules
    });
    let params = PatchParams::apply(MANAGER).force();
    roles
        .patch(&name, &params, &Patch::Apply(patch))
        .await
        .map(drop)
}

/// Rules of all roles that the selectors match, in the order of their names,
/// each rule once.
fn sum(role: &ClusterRole, all: &[ClusterRole]) -> Option<Vec<PolicyRule>> {
    let selectors = role
        .aggregation_rule
        .as_ref()?
        .cluster_role_selectors
        .as_ref()?;
    let mut out: Vec<PolicyRule> = Vec::new();
    for selector in selectors {
        let mut matching: Vec<&ClusterRole> = all
            .iter()
            .filter(|r| r.name_any() != role.name_any() && matches(selector, r.labels()))
            .collect();
        matching.sort_by_key(|r| r.name_any());
        for rule in matching.into_iter().flat_map(|r| r.rules.iter().flatten()) {
            if !out.contains(rule) {
                out.push(rule.clone());
            }
        }
    }
    Some(out)
}

fn matches(selector: &LabelSelector, labels: &BTreeMap<String, String>) -> bool {
    let equal = selector.match_labels.iter().flatten();
    let terms = selector.match_expressions.iter().flatten();
    equal.into_iter().all(|(k, v)| labels.get(k) == Some(v))
        && terms.into_iter().all(|t| {
            let value = labels.get(&t.key);
            let among = || value.is_some_and(|v| t.values.iter().flatten().any(|w| w == v));
            match t.operator.as_str() {
                "In" => among(),
                "NotIn" => !among(),
                "Exists" => value.is_some(),
                "DoesNotExist" => value.is_none(),
                _ => false,
            }
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(v: serde_json::Value) -> ClusterRole {
        serde_json::from_value(v).expect("a role")
    }

    #[test]
    fn rules_of_matching_roles_are_joined_once() {
        let rule = json!({"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]});
        let all = [
            role(json!({"metadata": {"name": "b", "labels": {"to": "view"}}, "rules": [rule]})),
            role(json!({"metadata": {"name": "a", "labels": {"to": "view"}}, "rules": [rule]})),
            role(
                json!({"metadata": {"name": "c", "labels": {"to": "edit"}}, "rules": [
                    {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}
                ]}),
            ),
            role(json!({"metadata": {"name": "view"}, "aggregationRule": {
                "clusterRoleSelectors": [{"matchLabels": {"to": "view"}}]
            }})),
        ];
        let rules = sum(&all[3], &all).expect("an aggregated role");
        assert_eq!(rules.len(), 1);
        assert_eq!(
            rules[0].resources.as_deref(),
            Some(&["pods".to_owned()][..])
        );
        assert!(sum(&all[0], &all).is_none());
    }
}
