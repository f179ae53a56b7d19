//! Sums over the containers of a pod, quality of service, pod-level defaults.

use std::collections::BTreeMap;

use catena_objects::Value;

use crate::rules::{quantity, resource_names as rn};

type Amounts = BTreeMap<String, Value>;

fn add(into: &mut Amounts, list: Option<&Value>) {
    for (k, v) in list
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(|m| m.iter())
    {
        let sum = quantity::add(into.get(k.as_str()).unwrap_or(&Value::Null), v);
        into.insert(k.to_string(), sum);
    }
}

fn raise(into: &mut Amounts, other: &Amounts) {
    for (k, v) in other {
        let most = into
            .get(k)
            .map_or_else(|| v.clone(), |have| quantity::max(have, v));
        into.insert(k.clone(), most);
    }
}

/// `AggregateContainerRequests` (or limits): containers run together, init
/// containers one by one beside the sidecars started before them.
pub fn aggregate(spec: &Value, list: &str) -> Amounts {
    let mut sum = Amounts::new();
    for c in spec.items_at(&["containers"]) {
        add(&mut sum, c.at(&["resources", list]));
    }
    let (mut sidecars, mut init) = (Amounts::new(), Amounts::new());
    for c in spec.items_at(&["initContainers"]) {
        let own = c.at(&["resources", list]);
        if c.str_at(&["restartPolicy"]) == "Always" {
            add(&mut sum, own);
            add(&mut sidecars, own);
            raise(&mut init, &sidecars);
        } else {
            let mut step = sidecars.clone();
            add(&mut step, own);
            raise(&mut init, &step);
        }
    }
    raise(&mut sum, &init);
    sum
}

/// `defaultHugePagePodLimits`, `defaultPodRequests`.
pub fn default_pod_level(spec: &mut Value) {
    let count = |spec: &Value, list: &str| {
        spec.at(&["resources", list])
            .and_then(Value::as_object)
            .map_or(0, |m| m.len())
    };
    if spec
        .get("resources")
        .is_none_or(|r| r.as_object().is_none())
    {
        return;
    }
    if count(spec, "limits") + count(spec, "requests") > 0 {
        for (name, q) in aggregate(spec, "limits") {
            if rn::is_huge_page(&name) && spec.at(&["resources", "requests", &name]).is_none() {
                spec.set_default(&["resources", "limits", &name], q);
            }
        }
    }
    if count(spec, "limits") == 0 {
        return;
    }
    for (name, q) in aggregate(spec, "requests") {
        if matches!(name.as_str(), "cpu" | "memory") {
            spec.set_default(&["resources", "requests", &name], q);
        }
    }
    let limits = spec.at(&["resources", "limits"]).cloned();
    for (name, q) in limits
        .iter()
        .filter_map(Value::as_object)
        .flat_map(|m| m.iter())
    {
        if matches!(name.as_str(), "cpu" | "memory") || rn::is_huge_page(name) {
            spec.set_default(&["resources", "requests", name.as_str()], q.clone());
        }
    }
}

/// `ComputePodQOS`.
pub fn qos_class(spec: &Value) -> &'static str {
    let (mut requests, mut limits) = (Amounts::new(), Amounts::new());
    let mut guaranteed = true;
    let mut take = |owner: &Value, strict: bool| {
        let mut limited = 0;
        for (list, sums) in [("requests", &mut requests), ("limits", &mut limits)] {
            for name in ["cpu", "memory"] {
                let Some(q) = owner
                    .at(&["resources", list, name])
                    .filter(|q| quantity::sign(q) > 0)
                else {
                    continue;
                };
                let sum = quantity::add(sums.get(name).unwrap_or(&Value::Null), q);
                sums.insert(name.to_owned(), sum);
                limited += usize::from(list == "limits");
            }
        }
        let any = owner.at(&["resources", "limits"]).is_some();
        guaranteed &= limited == 2 || !(strict || any);
    };
    if spec
        .get("resources")
        .is_some_and(|r| r.as_object().is_some())
    {
        take(spec, false);
    } else {
        for list in ["containers", "initContainers"] {
            spec.items_at(&[list]).iter().for_each(|c| take(c, true));
        }
    }
    if requests.is_empty() && limits.is_empty() {
        return "BestEffort";
    }
    let equal = requests.len() == limits.len()
        && requests
            .iter()
            .all(|(k, q)| limits.get(k).is_some_and(|l| quantity::cmp(q, l).is_eq()));
    if guaranteed && equal {
        "Guaranteed"
    } else {
        "Burstable"
    }
}

/// Whether a container of a spec has a restart rule with an action.
pub fn any_rule(spec: &Value, action: &str) -> bool {
    ["containers", "initContainers"].iter().any(|list| {
        spec.items_at(&[list]).iter().any(|c| {
            c.items_at(&["restartPolicyRules"])
                .iter()
                .any(|r| r.str_at(&["action"]) == action)
        })
    })
}

/// `ContainerShouldRestart`: rules of the container, its policy, the pod's policy.
pub fn should_restart(container: &Value, spec: &Value, exit_code: i64) -> bool {
    for rule in container.items_at(&["restartPolicyRules"]) {
        let listed = rule
            .items_at(&["exitCodes", "values"])
            .iter()
            .any(|v| v.as_i64() == Some(exit_code));
        let hit = match rule.str_at(&["exitCodes", "operator"]) {
            "In" => listed,
            "NotIn" => !listed,
            _ => false,
        };
        if hit && rule.str_at(&["action"]) == "Restart" {
            return true;
        }
    }
    let own = container.str_at(&["restartPolicy"]);
    match if own.is_empty() {
        spec.str_at(&["restartPolicy"])
    } else {
        own
    } {
        "Never" => false,
        "OnFailure" => exit_code != 0,
        _ => true,
    }
}
