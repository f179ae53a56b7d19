//! Autoscalers in version v1: one target for CPU, the rest in annotations.

use catena_objects::{Map, Value, json, map::Key, obj};
use catena_registry::resource::Conversion;

const METRICS: &str = "autoscaling.alpha.kubernetes.io/metrics";
const CURRENT: &str = "autoscaling.alpha.kubernetes.io/current-metrics";
const CONDITIONS: &str = "autoscaling.alpha.kubernetes.io/conditions";
const BEHAVIOR: &str = "autoscaling.alpha.kubernetes.io/behavior";

#[derive(Debug)]
pub struct V1;

impl Conversion for V1 {
    fn to_storage(&self, mut object: Value) -> Value {
        object.set(&["apiVersion"], "autoscaling/v2");
        let cpu = object.unset(&["spec", "targetCPUUtilizationPercentage"]);
        let mut metrics = Vec::new();
        if let Some(Value::Array(list)) = annotation(&mut object, METRICS) {
            metrics.extend(list.iter().map(|m| reshape(m, &TARGETS)));
        }
        if let Some(n) = cpu {
            metrics.push(cpu_metric(n));
        }
        if !metrics.is_empty() {
            object.set(&["spec", "metrics"], metrics);
        }
        if let Some(b) = annotation(&mut object, BEHAVIOR) {
            object.set(&["spec", "behavior"], renamed(&b, false));
        }
        status_to_storage(&mut object);
        object
    }

    fn from_storage(&self, mut object: Value) -> Value {
        object.set(&["apiVersion"], "autoscaling/v1");
        let metrics = object.unset(&["spec", "metrics"]).unwrap_or_default();
        let mut others = Vec::new();
        for m in metrics.as_array().unwrap_or_default() {
            let percent = cpu_percent(m, "target");
            match percent {
                Some(n)
                    if object
                        .at(&["spec", "targetCPUUtilizationPercentage"])
                        .is_none() =>
                {
                    object.set(&["spec", "targetCPUUtilizationPercentage"], n);
                }
                _ => others.push(flatten(m, "target", &TARGETS)),
            }
        }
        annotate(&mut object, METRICS, others);
        if let Some(b) = object.unset(&["spec", "behavior"]) {
            object.set(
                &["metadata", "annotations", BEHAVIOR],
                json::to_string(&internal_behavior(&b)),
            );
        }
        status_from_storage(&mut object);
        object
    }
}

/// The behavior as Go writes its internal type: capital names, nothing left out.
fn internal_behavior(behavior: &Value) -> Value {
    const RULES: [&str; 4] = [
        "stabilizationWindowSeconds",
        "selectPolicy",
        "policies",
        "tolerance",
    ];
    let complete = |v: &Value, names: &[&str]| -> Value {
        let member = |n: &&str| (capital(n), renamed(v.get(n).unwrap_or(&Value::Null), true));
        names.iter().map(member).collect::<Map>().into()
    };
    let rules = |direction: &str| match behavior.get(direction) {
        Some(v @ Value::Object(_)) => complete(v, &RULES),
        _ => Value::Null,
    };
    let (up, down) = (rules("scaleUp"), rules("scaleDown"));
    obj!({"ScaleUp": up, "ScaleDown": down})
}

fn capital(name: &str) -> Key {
    let (first, rest) = name.split_at(name.len().min(1));
    format!("{}{rest}", first.to_uppercase()).as_str().into()
}

/// With the first letter of every member's name large or small; what is null goes
/// with the small ones.
fn renamed(v: &Value, large: bool) -> Value {
    match v {
        Value::Object(members) => members
            .iter()
            .filter(|(_, v)| large || !v.is_null())
            .map(|(name, v)| {
                let (first, rest) = name.split_at(name.len().min(1));
                let small = || format!("{}{rest}", first.to_lowercase()).as_str().into();
                (
                    if large { capital(name) } else { small() },
                    renamed(v, large),
                )
            })
            .collect::<Map>()
            .into(),
        Value::Array(items) => {
            let items: Vec<Value> = items.iter().map(|i| renamed(i, large)).collect();
            items.into()
        }
        other => other.clone(),
    }
}

fn cpu_metric(percent: Value) -> Value {
    obj!({"type": "Resource", "resource": {
        "name": "cpu", "target": {"type": "Utilization", "averageUtilization": percent},
    }})
}

fn cpu_percent(metric: &Value, part: &str) -> Option<i64> {
    let is_cpu =
        metric.str_at(&["type"]) == "Resource" && metric.str_at(&["resource", "name"]) == "cpu";
    is_cpu.then(|| metric.i64_at(&["resource", part, "averageUtilization"]))?
}

/// Takes an annotation that holds JSON.
fn annotation(object: &mut Value, name: &str) -> Option<Value> {
    let text = object.str_at(&["metadata", "annotations", name]).to_owned();
    let parsed = json::parse(text.as_bytes()).ok()?;
    object.unset(&["metadata", "annotations", name]);
    Some(parsed)
}

fn annotate(object: &mut Value, name: &str, list: Vec<Value>) {
    if !list.is_empty() {
        object.set(
            &["metadata", "annotations", name],
            json::to_string(&list.into()),
        );
    }
}

/// Flat member of v1 for a member of a target, by the kind of metric.
const TARGETS: [(&str, &str, &str); 9] = [
    ("object", "value", "targetValue"),
    ("object", "averageValue", "averageValue"),
    ("pods", "averageValue", "targetAverageValue"),
    ("resource", "averageUtilization", "targetAverageUtilization"),
    ("resource", "averageValue", "targetAverageValue"),
    (
        "containerResource",
        "averageUtilization",
        "targetAverageUtilization",
    ),
    ("containerResource", "averageValue", "targetAverageValue"),
    ("external", "value", "targetValue"),
    ("external", "averageValue", "targetAverageValue"),
];

/// A metric of v2 as v1 writes it into its annotation.
fn flatten(metric: &Value, part: &str, table: &[(&str, &str, &str)]) -> Value {
    let mut out = Map::new();
    out.insert("type", metric.str_at(&["type"]));
    for kind in [
        "object",
        "pods",
        "resource",
        "containerResource",
        "external",
    ] {
        let Some(m) = metric.get(kind).filter(|m| m.as_object().is_some()) else {
            continue;
        };
        let mut flat = Map::new();
        if let Some(t) = m.get("describedObject") {
            flat.insert("target", t.clone());
        }
        let name = if kind == "resource" || kind == "containerResource" {
            m.get("name")
        } else {
            m.at(&["metric", "name"])
        };
        let name_as = if kind.ends_with("esource") {
            "name"
        } else {
            "metricName"
        };
        if let Some(n) = name {
            flat.insert(name_as, n.clone());
        }
        if let Some(s) = m.at(&["metric", "selector"]) {
            flat.insert(
                if kind == "external" {
                    "metricSelector"
                } else {
                    "selector"
                },
                s.clone(),
            );
        }
        if let Some(c) = m.get("container") {
            flat.insert("container", c.clone());
        }
        for (_, member, as_) in table.iter().filter(|(k, ..)| *k == kind) {
            if let Some(v) = m.at(&[part, member]) {
                flat.insert(*as_, v.clone());
            }
        }
        out.insert(kind, Value::from(flat));
    }
    out.into()
}

/// A metric of the annotation as v2 has it.
fn reshape(metric: &Value, table: &[(&str, &str, &str)]) -> Value {
    let mut out = obj!({"type": (metric.str_at(&["type"]))});
    for kind in [
        "object",
        "pods",
        "resource",
        "containerResource",
        "external",
    ] {
        let Some(m) = metric.get(kind).filter(|m| m.as_object().is_some()) else {
            continue;
        };
        let mut target = None;
        for (_, member, as_) in table.iter().filter(|(k, ..)| *k == kind) {
            if let Some(v) = m.get(as_) {
                out.set(&[kind, "target", member], v.clone());
                target = Some(match *member {
                    "averageUtilization" => "Utilization",
                    "averageValue" => "AverageValue",
                    _ => "Value",
                });
            }
        }
        if let Some(t) = target {
            out.set(&[kind, "target", "type"], t);
        }
        for (from, to) in [
            ("target", "describedObject"),
            ("name", "name"),
            ("container", "container"),
        ] {
            if let Some(v) = m.get(from) {
                out.set(&[kind, to], v.clone());
            }
        }
        for (from, to) in [
            ("metricName", "name"),
            ("selector", "selector"),
            ("metricSelector", "selector"),
        ] {
            if let Some(v) = m.get(from) {
                out.set(&[kind, "metric", to], v.clone());
            }
        }
    }
    out
}

fn status_to_storage(object: &mut Value) {
    let cpu = object.unset(&["status", "currentCPUUtilizationPercentage"]);
    if let Some(n) = cpu {
        let metric = obj!({"type": "Resource", "resource": {
            "name": "cpu", "current": {"averageUtilization": n},
        }});
        object.set(&["status", "currentMetrics"], vec![metric]);
    }
    if let Some(c) = annotation(object, CONDITIONS) {
        object.set(&["status", "conditions"], c);
    }
    annotation(object, CURRENT);
}

fn status_from_storage(object: &mut Value) {
    let current = object
        .unset(&["status", "currentMetrics"])
        .unwrap_or_default();
    for m in current.as_array().unwrap_or_default() {
        if let Some(n) = cpu_percent(m, "current") {
            object.set(&["status", "currentCPUUtilizationPercentage"], n);
        }
    }
    if let Some(Value::Array(c)) = object.unset(&["status", "conditions"])
        && !c.is_empty()
    {
        annotate(object, CONDITIONS, c.to_vec());
    }
}
