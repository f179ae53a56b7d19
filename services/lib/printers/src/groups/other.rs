//! Cells of the remaining groups.

use catena_objects::Value;

use super::core::strings_or_none;
use crate::text::{age, flag, int, join, name, or, or_none, selector, text};

fn len(o: &Value, path: &[&str]) -> Value {
    (o.items_at(path).len() as i64).into()
}

/// A whole number or percentage.
fn int_or_string(v: Option<&Value>) -> Value {
    match v {
        Some(Value::Int(i)) => i.to_string().into(),
        Some(Value::String(s)) => s.as_str().into(),
        _ => "N/A".into(),
    }
}

pub(crate) fn pdb(o: &Value, now: &str) -> Vec<Value> {
    vec![
        name(o),
        int_or_string(o.at(&["spec", "minAvailable"])),
        int_or_string(o.at(&["spec", "maxUnavailable"])),
        int(o, &["status", "disruptionsAllowed"]),
        age(o, now),
    ]
}

pub(crate) fn network_policy(o: &Value, now: &str) -> Vec<Value> {
    vec![
        name(o),
        selector(o.at(&["spec", "podSelector"])).into(),
        age(o, now),
    ]
}

pub(crate) fn ingress(o: &Value, now: &str) -> Vec<Value> {
    const MOST: usize = 3;
    let hosts: Vec<&str> = o
        .items_at(&["spec", "rules"])
        .iter()
        .map(|r| r.str_at(&["host"]))
        .filter(|h| !h.is_empty())
        .collect();
    let shown = match hosts.len() {
        0 => "*".to_owned(),
        n if n > MOST => format!("{} + {} more...", hosts[..MOST].join(","), n - MOST),
        _ => hosts.join(","),
    };
    let address = join(o.items_at(&["status", "loadBalancer", "ingress"]), |i| {
        let ip = i.str_at(&["ip"]);
        if ip.is_empty() {
            i.str_at(&["hostname"])
        } else {
            ip
        }
        .to_owned()
    });
    let ports = if o.items_at(&["spec", "tls"]).is_empty() {
        "80"
    } else {
        "80, 443"
    };
    vec![
        name(o),
        or_none(text(o, &["spec", "ingressClassName"])),
        shown.into(),
        address.into(),
        ports.into(),
        age(o, now),
    ]
}

pub(crate) fn ingress_class(o: &Value, now: &str) -> Vec<Value> {
    let parameters = match o.at(&["spec", "parameters"]) {
        Some(p) => {
            let group = p.str_at(&["apiGroup"]);
            let dot = if group.is_empty() { "" } else { "." };
            format!(
                "{}{dot}{group}/{}",
                p.str_at(&["kind"]),
                p.str_at(&["name"])
            )
        }
        None => "<none>".to_owned(),
    };
    vec![
        name(o),
        text(o, &["spec", "controller"]).into(),
        parameters.into(),
        age(o, now),
    ]
}

pub(crate) fn storage_class(o: &Value, now: &str) -> Vec<Value> {
    let default = [
        "storageclass.kubernetes.io/is-default-class",
        "storageclass.beta.kubernetes.io/is-default-class",
    ]
    .iter()
    .any(|a| o.str_at(&["metadata", "annotations", a]) == "true");
    let shown = if default {
        format!("{} (default)", o.str_at(&["metadata", "name"])).into()
    } else {
        name(o)
    };
    vec![
        shown,
        text(o, &["provisioner"]).into(),
        or(text(o, &["reclaimPolicy"]), "Delete"),
        or(text(o, &["volumeBindingMode"]), "Immediate"),
        flag(o, &["allowVolumeExpansion"]),
        age(o, now),
    ]
}

pub(crate) fn csi_driver(o: &Value, now: &str) -> Vec<Value> {
    let requests = join(o.items_at(&["spec", "tokenRequests"]), |t| {
        t.str_at(&["audience"]).to_owned()
    });
    vec![
        name(o),
        o.bool_at(&["spec", "attachRequired"])
            .unwrap_or(true)
            .into(),
        flag(o, &["spec", "podInfoOnMount"]),
        flag(o, &["spec", "storageCapacity"]),
        or(&requests, "<unset>"),
        flag(o, &["spec", "requiresRepublish"]),
        strings_or_none(o.items_at(&["spec", "volumeLifecycleModes"])),
        age(o, now),
    ]
}

pub(crate) fn csi_node(o: &Value, now: &str) -> Vec<Value> {
    vec![name(o), len(o, &["spec", "drivers"]), age(o, now)]
}

pub(crate) fn volume_attachment(o: &Value, now: &str) -> Vec<Value> {
    vec![
        name(o),
        text(o, &["spec", "attacher"]).into(),
        text(o, &["spec", "source", "persistentVolumeName"]).into(),
        text(o, &["spec", "nodeName"]).into(),
        flag(o, &["status", "attached"]),
        age(o, now),
    ]
}

pub(crate) fn endpoint_slice(o: &Value, now: &str) -> Vec<Value> {
    const MOST: usize = 3;
    let more = |mut list: Vec<String>| {
        if list.is_empty() {
            return "<unset>".to_owned();
        }
        let n = list.len();
        list.truncate(MOST);
        let shown = list.join(",");
        if n > MOST {
            format!("{shown} + {} more...", n - MOST)
        } else {
            shown
        }
    };
    let ports = o
        .items_at(&["ports"])
        .iter()
        .map(|p| {
            p.i64_at(&["port"])
                .map_or_else(|| "*".to_owned(), |n| n.to_string())
        })
        .collect();
    let addresses = o
        .items_at(&["endpoints"])
        .iter()
        .flat_map(|e| e.items_at(&["addresses"]))
        .filter_map(|a| a.as_str().map(str::to_owned))
        .collect();
    vec![
        name(o),
        text(o, &["addressType"]).into(),
        more(ports).into(),
        more(addresses).into(),
        age(o, now),
    ]
}

pub(crate) fn runtime_class(o: &Value, now: &str) -> Vec<Value> {
    vec![name(o), text(o, &["handler"]).into(), age(o, now)]
}

pub(crate) fn webhooks(o: &Value, now: &str) -> Vec<Value> {
    vec![name(o), len(o, &["webhooks"]), age(o, now)]
}

pub(crate) fn admission_policy(o: &Value, now: &str) -> Vec<Value> {
    let kind = match o.at(&["spec", "paramKind"]) {
        Some(p) => format!("{}/{}", p.str_at(&["apiVersion"]), p.str_at(&["kind"])),
        None => "<unset>".to_owned(),
    };
    let n = o.items_at(&["spec", "validations"]).len() + o.items_at(&["spec", "mutations"]).len();
    vec![name(o), (n as i64).into(), kind.into(), age(o, now)]
}

pub(crate) fn admission_policy_binding(o: &Value, now: &str) -> Vec<Value> {
    let reference = match o.at(&["spec", "paramRef"]) {
        None => "<unset>".to_owned(),
        Some(p) => match (p.str_at(&["namespace"]), p.str_at(&["name"])) {
            ("", "") => "*".to_owned(),
            ("", n) => format!("*/{n}"),
            (ns, n) => format!("{ns}/{n}"),
        },
    };
    vec![
        name(o),
        text(o, &["spec", "policyName"]).into(),
        reference.into(),
        age(o, now),
    ]
}

pub(crate) fn hpa(o: &Value, now: &str) -> Vec<Value> {
    let target = format!(
        "{}/{}",
        o.str_at(&["spec", "scaleTargetRef", "kind"]),
        o.str_at(&["spec", "scaleTargetRef", "name"])
    );
    let least = o
        .i64_at(&["spec", "minReplicas"])
        .map_or_else(|| "<unset>".to_owned(), |n| n.to_string());
    vec![
        name(o),
        target.into(),
        hpa_metrics(o).into(),
        least.into(),
        int(o, &["spec", "maxReplicas"]),
        int(o, &["status", "currentReplicas"]),
        age(o, now),
    ]
}

fn hpa_metrics(o: &Value) -> String {
    const MOST: usize = 2;
    let specs = o.items_at(&["spec", "metrics"]);
    if specs.is_empty() {
        return "<none>".to_owned();
    }
    let current = o.items_at(&["status", "currentMetrics"]);
    let list: Vec<String> = specs
        .iter()
        .enumerate()
        .map(|(i, m)| hpa_metric(m, current.get(i)))
        .collect();
    if list.len() > MOST {
        return format!(
            "{} + {} more...",
            list[..MOST].join(", "),
            list.len() - MOST
        );
    }
    list.join(", ")
}

fn hpa_metric(m: &Value, current: Option<&Value>) -> String {
    let key = match m.str_at(&["type"]) {
        "Resource" => "resource",
        "ContainerResource" => "containerResource",
        "Pods" => "pods",
        "Object" => "object",
        "External" => "external",
        _ => return "<unknown type>".to_owned(),
    };
    let target = |field: &str| m.at(&[key, "target", field]);
    let now = |field: &str| current.and_then(|c| c.at(&[key, "current", field]));
    let show = |v: Option<&Value>, suffix: &str| match v {
        Some(Value::Int(i)) => format!("{i}{suffix}"),
        Some(Value::String(s)) => format!("{s}{suffix}"),
        _ => "<unknown>".to_owned(),
    };
    let body = if let Some(t) = target("averageUtilization") {
        format!(
            "{}/{}",
            show(now("averageUtilization"), "%"),
            show(Some(t), "%")
        )
    } else if let Some(t) = target("averageValue") {
        let suffix = if matches!(key, "external" | "object") {
            " (avg)"
        } else {
            ""
        };
        format!(
            "{}/{}{suffix}",
            show(now("averageValue"), ""),
            show(Some(t), "")
        )
    } else {
        format!("{}/{}", show(now("value"), ""), show(target("value"), ""))
    };
    match key {
        "resource" | "containerResource" => format!("{}: {body}", m.str_at(&[key, "name"])),
        _ => body,
    }
}

pub(crate) fn flow_schema(o: &Value, now: &str) -> Vec<Value> {
    let missing = match crate::text::condition(o, "Dangling") {
        "" => "?",
        s => s,
    };
    vec![
        name(o),
        text(o, &["spec", "priorityLevelConfiguration", "name"]).into(),
        int(o, &["spec", "matchingPrecedence"]),
        or_none(text(o, &["spec", "distinguisherMethod", "type"])),
        age(o, now),
        missing.into(),
    ]
}

pub(crate) fn priority_level(o: &Value, now: &str) -> Vec<Value> {
    let number =
        |path: &[&str]| -> Value { o.i64_at(path).map_or_else(|| "<none>".into(), Value::from) };
    let queuing = |key: &str| number(&["spec", "limited", "limitResponse", "queuing", key]);
    let shares = if text(o, &["spec", "type"]) == "Exempt" {
        number(&["spec", "exempt", "nominalConcurrencyShares"])
    } else {
        number(&["spec", "limited", "nominalConcurrencyShares"])
    };
    vec![
        name(o),
        text(o, &["spec", "type"]).into(),
        shares,
        queuing("queues"),
        queuing("handSize"),
        queuing("queueLengthLimit"),
        age(o, now),
    ]
}

pub(crate) fn resource_claim(o: &Value, now: &str) -> Vec<Value> {
    let mut states = Vec::new();
    if o.at(&["metadata", "deletionTimestamp"]).is_some() {
        states.push("deleted");
    }
    if o.at(&["status", "allocation"]).is_none() {
        if states.is_empty() {
            states.push("pending");
        }
    } else {
        states.push("allocated");
        if o.items_at(&["status", "reservedFor"]).is_empty() {
        } else {
            states.push("reserved");
        }
    }
    vec![name(o), states.join(",").into(), age(o, now)]
}

pub(crate) fn csr(o: &Value, now: &str) -> Vec<Value> {
    let is = |ty: &str| crate::text::condition(o, ty) == "True";
    let mut status = if is("Approved") {
        "Approved".to_owned()
    } else if is("Denied") {
        "Denied".to_owned()
    } else {
        "Pending".to_owned()
    };
    if is("Failed") {
        status.push_str(",Failed");
    }
    if !text(o, &["status", "certificate"]).is_empty() {
        status.push_str(",Issued");
    }
    let duration = o
        .i64_at(&["spec", "expirationSeconds"])
        .map_or_else(|| "<none>".to_owned(), catena_objects::time::human);
    vec![
        name(o),
        age(o, now),
        text(o, &["spec", "signerName"]).into(),
        text(o, &["spec", "username"]).into(),
        duration.into(),
        status.into(),
    ]
}
