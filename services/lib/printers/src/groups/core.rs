//! Cells of the core group, but for pods and services.

use catena_objects::Value;

use crate::text::{age, containers, int, join, name, or, or_none, pairs, since, strings, text};

fn size(o: &Value, key: &str) -> i64 {
    o.get(key)
        .and_then(Value::as_object)
        .map_or(0, |m| m.len() as i64)
}

pub(crate) fn config_map(o: &Value, now: &str) -> Vec<Value> {
    let n = size(o, "data") + size(o, "binaryData");
    vec![name(o), n.into(), age(o, now)]
}

pub(crate) fn secret(o: &Value, now: &str) -> Vec<Value> {
    vec![
        name(o),
        text(o, &["type"]).into(),
        size(o, "data").into(),
        age(o, now),
    ]
}

pub(crate) fn name_and_age(o: &Value, now: &str) -> Vec<Value> {
    vec![name(o), age(o, now)]
}

pub(crate) fn pod_template(o: &Value, _now: &str) -> Vec<Value> {
    let [names, images] = containers(o, &["template", "spec"]);
    let labels = pairs(o.at(&["template", "metadata", "labels"]));
    vec![name(o), names, images, labels.into()]
}

pub(crate) fn namespace(o: &Value, now: &str) -> Vec<Value> {
    vec![name(o), text(o, &["status", "phase"]).into(), age(o, now)]
}

pub(crate) fn endpoints(o: &Value, now: &str) -> Vec<Value> {
    const MOST: usize = 3;
    let mut list = Vec::new();
    let mut count = 0usize;
    for subset in o.items_at(&["subsets"]) {
        let ports = subset.items_at(&["ports"]);
        for address in subset.items_at(&["addresses"]) {
            let ip = address.str_at(&["ip"]);
            if ports.is_empty() {
                count += 1;
                list.push(ip.to_owned());
            }
            for port in ports {
                count += 1;
                list.push(format!("{ip}:{}", port.i64_at(&["port"]).unwrap_or(0)));
            }
        }
    }
    list.truncate(MOST);
    let mut shown = list.join(",");
    if count > MOST {
        shown.push_str(&format!(" + {} more...", count - MOST));
    }
    vec![name(o), or_none(&shown), age(o, now)]
}

pub(crate) fn node(o: &Value, now: &str) -> Vec<Value> {
    let mut status = match crate::text::condition(o, "Ready") {
        "True" => "Ready".to_owned(),
        "" => "Unknown".to_owned(),
        _ => "NotReady".to_owned(),
    };
    if o.bool_at(&["spec", "unschedulable"]) == Some(true) {
        status.push_str(",SchedulingDisabled");
    }
    let address = |ty: &str| {
        o.items_at(&["status", "addresses"])
            .iter()
            .find(|a| a.str_at(&["type"]) == ty)
            .map_or("", |a| a.str_at(&["address"]))
    };
    let info = |key: &str| text(o, &["status", "nodeInfo", key]);
    vec![
        name(o),
        status.into(),
        roles(o),
        age(o, now),
        info("kubeletVersion").into(),
        or_none(address("InternalIP")),
        or_none(address("ExternalIP")),
        or(info("osImage"), "<unknown>"),
        or(info("kernelVersion"), "<unknown>"),
        or(info("containerRuntimeVersion"), "<unknown>"),
    ]
}

fn roles(o: &Value) -> Value {
    let mut roles: Vec<&str> = o
        .at(&["metadata", "labels"])
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter_map(|(k, v)| match k.strip_prefix("node-role.kubernetes.io/") {
            Some(role) if !role.is_empty() => Some(role),
            _ if k == "kubernetes.io/role" => v.as_str().filter(|r| !r.is_empty()),
            _ => None,
        })
        .collect();
    roles.sort_unstable();
    roles.dedup();
    or_none(&roles.join(","))
}

fn access_modes(items: &[Value]) -> String {
    join(items, |m| {
        match m.as_str().unwrap_or_default() {
            "ReadWriteOnce" => "RWO",
            "ReadOnlyMany" => "ROX",
            "ReadWriteMany" => "RWX",
            "ReadWriteOncePod" => "RWOP",
            _ => "",
        }
        .to_owned()
    })
}

fn unset(text: &str) -> Value {
    or(text, "<unset>")
}

pub(crate) fn persistent_volume(o: &Value, now: &str) -> Vec<Value> {
    let claim = match o.at(&["spec", "claimRef"]) {
        Some(c) => format!("{}/{}", c.str_at(&["namespace"]), c.str_at(&["name"])),
        None => String::new(),
    };
    let phase = if o.at(&["metadata", "deletionTimestamp"]).is_some() {
        "Terminating"
    } else {
        text(o, &["status", "phase"])
    };
    vec![
        name(o),
        text(o, &["spec", "capacity", "storage"]).into(),
        access_modes(o.items_at(&["spec", "accessModes"])).into(),
        text(o, &["spec", "persistentVolumeReclaimPolicy"]).into(),
        phase.into(),
        claim.into(),
        text(o, &["spec", "storageClassName"]).into(),
        unset(text(o, &["spec", "volumeAttributesClassName"])),
        text(o, &["status", "reason"]).into(),
        age(o, now),
        unset(text(o, &["spec", "volumeMode"])),
    ]
}

pub(crate) fn persistent_volume_claim(o: &Value, now: &str) -> Vec<Value> {
    let bound = !text(o, &["spec", "volumeName"]).is_empty();
    let capacity = if bound {
        text(o, &["status", "capacity", "storage"])
    } else {
        ""
    };
    let modes = if bound {
        access_modes(o.items_at(&["status", "accessModes"]))
    } else {
        String::new()
    };
    let phase = if o.at(&["metadata", "deletionTimestamp"]).is_some() {
        "Terminating"
    } else {
        text(o, &["status", "phase"])
    };
    vec![
        name(o),
        phase.into(),
        text(o, &["spec", "volumeName"]).into(),
        capacity.into(),
        modes.into(),
        text(o, &["spec", "storageClassName"]).into(),
        unset(text(o, &["spec", "volumeAttributesClassName"])),
        age(o, now),
        unset(text(o, &["spec", "volumeMode"])),
    ]
}

pub(crate) fn resource_quota(o: &Value, now: &str) -> Vec<Value> {
    let (mut requests, mut limits) = (Vec::new(), Vec::new());
    let hard = o.at(&["status", "hard"]).and_then(Value::as_object);
    let mut keys: Vec<_> = hard.into_iter().flatten().collect();
    keys.sort_by(|a, b| a.0.cmp(b.0));
    for (key, amount) in keys {
        let used = o.str_at(&["status", "used", key]);
        let used = if used.is_empty() { "0" } else { used };
        let entry = format!("{key}: {used}/{}", amount.as_str().unwrap_or_default());
        if key.starts_with("limits") {
            limits.push(entry);
        } else {
            requests.push(entry);
        }
    }
    vec![
        name(o),
        requests.join(", ").into(),
        limits.join(", ").into(),
        age(o, now),
    ]
}

/// Events of both groups; the storage form is that of the core group.
pub(crate) fn event(o: &Value, now: &str) -> Vec<Value> {
    let first_of = |paths: &[&[&str]]| {
        paths
            .iter()
            .map(|p| text(o, p))
            .find(|t| !t.is_empty())
            .unwrap_or_default()
            .to_owned()
    };
    let event_time = text(o, &["eventTime"]);
    let first = first_of(&[&["firstTimestamp"], &["deprecatedFirstTimestamp"]]);
    let first = if first.is_empty() {
        event_time.to_owned()
    } else {
        first
    };
    let last = first_of(&[
        &["series", "lastObservedTime"],
        &["lastTimestamp"],
        &["deprecatedLastTimestamp"],
    ]);
    let last = if last.is_empty() { first.clone() } else { last };
    let subject = o.get("involvedObject").or_else(|| o.get("regarding"));
    let part = |key: &str| subject.map_or("", |s| s.str_at(&[key]));
    let target = match (part("kind"), part("name")) {
        ("", "") => String::new(),
        (kind, "") => kind.to_lowercase(),
        (kind, n) => format!("{}/{n}", kind.to_lowercase()),
    };
    let component = first_of(&[
        &["source", "component"],
        &["deprecatedSource", "component"],
        &["reportingComponent"],
        &["reportingController"],
    ]);
    let host = first_of(&[
        &["source", "host"],
        &["deprecatedSource", "host"],
        &["reportingInstance"],
    ]);
    let source: Vec<String> = [component, host]
        .into_iter()
        .filter(|s| !s.is_empty())
        .collect();
    let count = o
        .i64_at(&["series", "count"])
        .or_else(|| o.i64_at(&["count"]))
        .or_else(|| o.i64_at(&["deprecatedCount"]))
        .unwrap_or(0)
        .max(1);
    let message = first_of(&[&["message"], &["note"]]);
    vec![
        since(&last, now),
        text(o, &["type"]).into(),
        text(o, &["reason"]).into(),
        target.into(),
        part("fieldPath").into(),
        source.join(", ").into(),
        message.trim().into(),
        since(&first, now),
        count.into(),
        name(o),
    ]
}

pub(crate) fn lease(o: &Value, now: &str) -> Vec<Value> {
    vec![
        name(o),
        text(o, &["spec", "holderIdentity"]).into(),
        age(o, now),
    ]
}

pub(crate) fn priority_class(o: &Value, now: &str) -> Vec<Value> {
    vec![
        name(o),
        int(o, &["value"]),
        o.bool_at(&["globalDefault"]).unwrap_or(false).into(),
        age(o, now),
        text(o, &["preemptionPolicy"]).into(),
    ]
}

/// Name and creation time, for kinds without cells of their own.
pub(crate) fn created_at(o: &Value, _now: &str) -> Vec<Value> {
    vec![name(o), text(o, &["metadata", "creationTimestamp"]).into()]
}

pub(crate) fn role_binding(o: &Value, now: &str) -> Vec<Value> {
    let role = format!(
        "{}/{}",
        o.str_at(&["roleRef", "kind"]),
        o.str_at(&["roleRef", "name"])
    );
    let subjects = |kind: &str| {
        let list: Vec<Value> = o
            .items_at(&["subjects"])
            .iter()
            .filter(|s| s.str_at(&["kind"]) == kind)
            .map(|s| match (kind, s.str_at(&["namespace"])) {
                ("ServiceAccount", ns) if !ns.is_empty() => {
                    format!("{ns}/{}", s.str_at(&["name"])).into()
                }
                _ => s.str_at(&["name"]).into(),
            })
            .collect();
        list.iter()
            .filter_map(Value::as_str)
            .collect::<Vec<_>>()
            .join(", ")
    };
    vec![
        name(o),
        role.into(),
        age(o, now),
        subjects("User").into(),
        subjects("Group").into(),
        subjects("ServiceAccount").into(),
    ]
}

pub(crate) fn strings_or_none(items: &[Value]) -> Value {
    or_none(&strings(items))
}
