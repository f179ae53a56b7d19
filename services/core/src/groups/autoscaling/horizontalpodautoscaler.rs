//! Horizontal pod autoscalers, in version v2.

use catena_objects::{Value, field::Errors, names, obj};
use catena_registry::{Context, Strategy};

use crate::{
    groups::core::pod::defaults::present,
    rules::{At, NOT_NEGATIVE, meta, quantity, resource_names},
};

#[derive(Debug)]
pub struct HorizontalPodAutoscaler;

impl Strategy for HorizontalPodAutoscaler {
    fn default(&self, object: &mut Value) {
        object.set_default(&["spec", "minReplicas"], 1i64);
        if object.items_at(&["spec", "metrics"]).is_empty() {
            let cpu = obj!({"type": "Resource", "resource": {
                "name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80i64},
            }});
            object.set(&["spec", "metrics"], vec![cpu]);
        }
        let policy = |kind: &str, n: i64| obj!({"type": kind, "value": n, "periodSeconds": 15i64});
        if let Some(b) = object
            .at_mut(&["spec"])
            .and_then(|s| present(s, "behavior"))
        {
            b.set_default(&["scaleUp", "stabilizationWindowSeconds"], 0i64);
            b.set_default(&["scaleUp", "selectPolicy"], "Max");
            b.set_default(
                &["scaleUp", "policies"],
                vec![policy("Pods", 4), policy("Percent", 100)],
            );
            b.set_default(&["scaleDown", "selectPolicy"], "Max");
            b.set_default(&["scaleDown", "policies"], vec![policy("Percent", 100)]);
        }
    }

    fn prepare_create(&self, _ctx: &Context, object: &mut Value) {
        object.set(&["status"], Value::object());
    }

    fn validate(&self, _ctx: &Context, object: &Value) -> Errors {
        let mut e = meta::finalizers(object);
        spec(&At::root(object, "spec"), None, &mut e);
        e
    }

    fn validate_update(&self, ctx: &Context, object: &Value, old: &Value) -> Errors {
        let mut e = meta::finalizers(object);
        if ctx.subresource == "status" {
            let at = At::root(object, "status");
            at.child("currentReplicas").non_negative(&mut e);
            at.child("desiredReplicas").non_negative(&mut e);
            return e;
        }
        spec(&At::root(object, "spec"), Some(old), &mut e);
        e
    }
}

/// `validateHorizontalPodAutoscalerSpec`.
fn spec(at: &At, old: Option<&Value>, e: &mut Errors) {
    let allow_zero = old.and_then(|o| o.i64_at(&["spec", "minReplicas"])) == Some(0);
    let (min, max) = (at.child("minReplicas"), at.child("maxReplicas"));
    let lowest = i64::from(!allow_zero);
    if min.int().is_some_and(|m| m < lowest) {
        min.bad_num(e, format!("must be greater than or equal to {lowest}"));
    }
    match max.int().unwrap_or(0) {
        0 => max.required(e, "must be set and greater than 0"),
        n if n < 0 => max.bad_num(e, "must be greater than or equal to 1"),
        _ => {}
    }
    if min.int().is_some_and(|m| max.int().unwrap_or(0) < m) {
        max.bad_num(e, "must be greater than or equal to `minReplicas`");
    }
    let target = at.child("scaleTargetRef");
    let kept = old
        .and_then(|o| o.at(&["spec", "scaleTargetRef"]))
        .is_some_and(|o| {
            ["apiVersion", "kind"]
                .iter()
                .all(|f| o.str_at(&[f]) == target.text(f))
        });
    reference(&target, e);
    if !kept {
        api_version(&target, target.text("kind") == "ReplicationController", e);
    }
    let metrics = at.child("metrics");
    for m in metrics.items() {
        metric(&m, e);
    }
    let external = metrics
        .items()
        .any(|m| matches!(m.text("type"), "Object" | "External"));
    if min.int() == Some(0) && !external {
        metrics.forbidden(e, "must specify at least one Object or External metric to support scaling to zero replicas");
    }
    let behavior = at.child("behavior");
    for name in ["scaleUp", "scaleDown"] {
        if let Some(r) = behavior.some(name) {
            rules(&r, e);
        }
    }
}

/// `ValidateCrossVersionObjectReference`.
fn reference(at: &At, e: &mut Errors) {
    for name in ["kind", "name"] {
        let f = at.child(name);
        if f.str().is_empty() {
            f.required(e, "");
        } else {
            f.complain(e, names::path_segment(f.str(), false));
        }
    }
}

/// `ValidateAPIVersion`; only kinds of the core group may leave the group out.
fn api_version(at: &At, allow_core: bool, e: &mut Errors) {
    let version = at.child("apiVersion");
    let slashes = version.str().matches('/').count();
    if slashes > 1 {
        version.bad_text(
            e,
            format!("unexpected GroupVersion string: {}", version.str()),
        );
    } else if !allow_core && (slashes == 0 || version.str().starts_with('/')) {
        version.bad_text(e, "apiVersion must specify API group");
    }
}

fn rules(at: &At, e: &mut Errors) {
    let window = at.child("stabilizationWindowSeconds");
    match window.int().unwrap_or(0) {
        n if n < 0 => window.bad_num(e, "must be greater than or equal to zero"),
        n if n > 3600 => window.bad_num(e, "must be less than or equal to 3600"),
        _ => {}
    }
    if let Some(s) = at.some("selectPolicy") {
        s.one_of(e, &["Disabled", "Max", "Min"]);
    }
    let policies = at.child("policies");
    if policies.is_empty() {
        policies.required(e, "must specify at least one Policy");
    }
    for p in policies.items() {
        p.child("type").one_of(e, &["Percent", "Pods"]);
        p.child("value").positive(e);
        let period = p.child("periodSeconds");
        period.positive(e);
        if period.int().is_some_and(|n| n > 1800) {
            period.bad_num(e, "must be less than or equal to 1800");
        }
    }
    let tolerance = at.child("tolerance");
    if quantity::sign(tolerance.v) < 0 {
        tolerance.bad_value(e, quantity::text(tolerance.v), NOT_NEGATIVE);
    }
}

const TYPES: [&str; 5] = [
    "ContainerResource",
    "External",
    "Object",
    "Pods",
    "Resource",
];

/// `validateMetricSpec`.
fn metric(at: &At, e: &mut Errors) {
    let kind = at.child("type");
    if kind.str().is_empty() {
        kind.required(e, "must specify a metric source type");
    }
    kind.one_of(e, &TYPES);
    let present: Vec<At> = [
        "object",
        "external",
        "pods",
        "resource",
        "containerResource",
    ]
    .iter()
    .filter_map(|n| at.some(n))
    .collect();
    if let Some(first) = present.first() {
        source(first, e);
    }
    let expected = match kind.str() {
        "Object" => "object",
        "Pods" => "pods",
        "Resource" => "resource",
        "External" => "external",
        "ContainerResource" => "containerResource",
        _ => "",
    };
    if expected.is_empty() {
        kind.unsupported(e, &TYPES);
    } else if !at.child(expected).has() {
        at.child(expected)
            .required(e, "must populate information for the given metric source");
    }
    if present.len() != 1 {
        let mine = at.path.child(expected);
        for p in present.iter().filter(|p| p.path != mine) {
            p.forbidden(e, "must populate the given metric source only");
        }
    }
}

fn source(at: &At, e: &mut Errors) {
    let target = at.child("target");
    let (value, average, utilization) = (
        target.child("value"),
        target.child("averageValue"),
        target.child("averageUtilization"),
    );
    let kind = at
        .path
        .as_str()
        .rsplit('.')
        .next()
        .unwrap_or_default()
        .to_owned();
    match kind.as_str() {
        "object" => {
            reference(&at.child("describedObject"), e);
            api_version(&at.child("describedObject"), true, e);
            identifier(&at.child("metric"), e);
        }
        "external" | "pods" => identifier(&at.child("metric"), e),
        _ => resource(at, kind == "containerResource", e),
    }
    metric_target(&target, e);
    match kind.as_str() {
        "object" if !value.has() && !average.has() => {
            average.required(e, "must set either a target value or averageValue");
        }
        "external" if !value.has() && !average.has() => {
            average.required(
                e,
                "must set either a target value for metric or a per-pod target",
            );
        }
        "external" if value.has() && average.has() => {
            value.forbidden(
                e,
                "may not set both a target value for metric and a per-pod target",
            );
        }
        "pods" if !average.has() => {
            average.required(e, "must specify a positive target averageValue")
        }
        "resource" | "containerResource" if !utilization.has() && !average.has() => {
            utilization.required(
                e,
                "must set either a target raw value or a target utilization",
            );
        }
        "resource" | "containerResource" if utilization.has() && average.has() => {
            average.forbidden(
                e,
                "may not set both a target raw value and a target utilization",
            );
        }
        _ => {}
    }
}

fn resource(at: &At, in_container: bool, e: &mut Errors) {
    let name = at.child("name");
    if name.str().is_empty() {
        name.required(e, "must specify a resource name");
    } else if in_container {
        resource_names::container(&name, name.str(), e);
    }
    if in_container {
        let container = at.child("container");
        if container.str().is_empty() {
            container.required(e, "must specify a container");
        } else {
            container.complain(e, names::dns1123_label(container.str(), false));
        }
    }
}

fn identifier(at: &At, e: &mut Errors) {
    let name = at.child("name");
    if name.str().is_empty() {
        name.required(e, "must specify a metric name");
    } else {
        name.complain(e, names::path_segment(name.str(), false));
    }
}

/// `validateMetricTarget`.
fn metric_target(at: &At, e: &mut Errors) {
    let kind = at.child("type");
    if kind.str().is_empty() {
        kind.required(e, "must specify a metric target type");
    }
    if !matches!(kind.str(), "Utilization" | "Value" | "AverageValue") {
        kind.bad_text(e, "must be either Utilization, Value, or AverageValue");
    }
    for name in ["value", "averageValue"] {
        if let Some(q) = at.some(name)
            && quantity::sign(q.v) <= 0
        {
            q.bad_value(e, quantity::text(q.v), "must be positive");
        }
    }
    let utilization = at.child("averageUtilization");
    if utilization.int().is_some_and(|n| n < 1) {
        utilization.bad_num(e, "must be greater than 0");
    }
}
