//! Defaults of pods and pod specs (`pkg/apis/core/v1/defaults.go`).

use catena_objects::{Value, quantity::Quantity};

use super::{image, resources};
use crate::rules::quantity;

/// Calls `f` for every item of a list.
pub fn each(v: &mut Value, list: &str, mut f: impl FnMut(&mut Value)) {
    if v.items_at(&[list]).is_empty() {
        return;
    }
    let items = v.at_mut(&[list]).and_then(Value::as_array_mut);
    items.into_iter().flatten().for_each(&mut f);
}

/// Sets a string that is absent or "".
pub fn text(v: &mut Value, path: &[&str], value: &str) {
    if v.str_at(path).is_empty() {
        v.set(path, value);
    }
}

/// Sets a number that is absent or 0.
fn number(v: &mut Value, name: &str, value: i64) {
    if v.i64_at(&[name]).unwrap_or(0) == 0 {
        v.set(&[name], value);
    }
}

/// Defaults that only pods get, not templates.
pub fn pod(object: &mut Value) {
    if object.get("spec").is_none_or(|s| s.as_object().is_none()) {
        object.set(&["spec"], Value::object());
    }
    let Some(spec) = object.at_mut(&["spec"]) else {
        return;
    };
    for list in ["containers", "initContainers"] {
        each(spec, list, requests_from_limits);
    }
    resources::default_pod_level(spec);
    // Not in templates, which keep what they say.
    if spec
        .i64_at(&["terminationGracePeriodSeconds"])
        .is_some_and(|seconds| seconds < 0)
    {
        spec.set(&["terminationGracePeriodSeconds"], 1i64);
    }
    spec.set_default(&["enableServiceLinks"], true);
    if spec.bool_at(&["hostNetwork"]) == Some(true) {
        for list in ["containers", "initContainers"] {
            each(spec, list, host_ports);
        }
    }
    pod_spec(spec);
    resource_list(spec, &["resources"]);
}

fn requests_from_limits(c: &mut Value) {
    let limits = c.at(&["resources", "limits"]).cloned();
    for (name, q) in limits
        .iter()
        .filter_map(Value::as_object)
        .flat_map(|m| m.iter())
    {
        c.set_default(&["resources", "requests", name.as_str()], q.clone());
    }
}

fn host_ports(c: &mut Value) {
    each(c, "ports", |p| {
        let port = p.i64_at(&["containerPort"]).unwrap_or(0);
        number(p, "hostPort", port);
    });
}

/// Defaults of the template inside of a workload: labels are left alone.
pub fn pod_template_spec(template: &mut Value) {
    if template.as_object().is_none() {
        return;
    }
    if template.get("spec").is_none_or(|s| s.as_object().is_none()) {
        template.set(&["spec"], Value::object());
    }
    if let Some(spec) = template.at_mut(&["spec"]) {
        pod_spec(spec);
        resource_list(spec, &["resources"]);
    }
}

/// `SetDefaults_PodSpec` and the defaults of everything below.
fn pod_spec(spec: &mut Value) {
    text(spec, &["dnsPolicy"], "ClusterFirst");
    text(spec, &["restartPolicy"], "Always");
    spec.set_default(&["securityContext"], Value::object());
    spec.set_default(&["terminationGracePeriodSeconds"], 30i64);
    text(spec, &["schedulerName"], "default-scheduler");
    account_alias(spec);
    each(spec, "volumes", volume);
    for list in ["initContainers", "containers", "ephemeralContainers"] {
        each(spec, list, container);
    }
    if let Some(m) = spec.at_mut(&["overhead"]) {
        round_up(m);
    }
}

fn container(c: &mut Value) {
    let tag = image::tag(c.str_at(&["image"])) == "latest";
    text(
        c,
        &["imagePullPolicy"],
        if tag { "Always" } else { "IfNotPresent" },
    );
    text(c, &["terminationMessagePath"], "/dev/termination-log");
    text(c, &["terminationMessagePolicy"], "File");
    each(c, "ports", |p| text(p, &["protocol"], "TCP"));
    each(c, "env", |v| {
        if let Some(from) = v.at_mut(&["valueFrom"]) {
            field_ref(from);
            if let Some(f) = present(from, "fileKeyRef") {
                f.set_default(&["optional"], false);
            }
        }
    });
    resource_list(c, &["resources"]);
    for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(p) = present(c, name) {
            probe(p);
        }
    }
    for hook in ["postStart", "preStop"] {
        if let Some(h) = c.at_mut(&["lifecycle", hook, "httpGet"]) {
            http_get(h);
        }
    }
}

/// A member that is an object, for change.
pub fn present<'a>(v: &'a mut Value, name: &str) -> Option<&'a mut Value> {
    v.get(name)?.as_object()?;
    v.at_mut(&[name])
}

fn field_ref(v: &mut Value) {
    if let Some(f) = present(v, "fieldRef") {
        text(f, &["apiVersion"], "v1");
    }
}

fn probe(p: &mut Value) {
    for (name, value) in [
        ("timeoutSeconds", 1),
        ("periodSeconds", 10),
        ("successThreshold", 1),
        ("failureThreshold", 3),
    ] {
        number(p, name, value);
    }
    if let Some(h) = present(p, "httpGet") {
        http_get(h);
    }
    if let Some(g) = present(p, "grpc") {
        g.set_default(&["service"], "");
    }
}

fn http_get(h: &mut Value) {
    text(h, &["path"], "/");
    text(h, &["scheme"], "HTTP");
}

/// Amounts have at most three digits below one: more is rounded up.
fn resource_list(v: &mut Value, path: &[&str]) {
    for list in ["limits", "requests"] {
        let full: Vec<&str> = path.iter().copied().chain([list]).collect();
        if let Some(m) = v.at_mut(&full) {
            round_up(m);
        }
    }
}

fn round_up(list: &mut Value) {
    let fine = |v: &Value| {
        quantity::of(v).and_then(|q| {
            let milli = q.milli_value();
            let rounded = Quantity::from_milli(milli, q.format());
            (milli != i64::MAX && rounded != q).then(|| rounded.to_string())
        })
    };
    if list
        .as_object()
        .is_none_or(|m| m.values().all(|v| fine(v).is_none()))
    {
        return;
    }
    for (_, v) in list.as_object_mut().into_iter().flat_map(|m| m.iter_mut()) {
        if let Some(text) = fine(v) {
            *v = Value::from(text);
        }
    }
}

fn volume(v: &mut Value) {
    let typed = v
        .as_object()
        .is_some_and(|m| m.iter().any(|(k, x)| k != "name" && !x.is_null()));
    if !typed {
        v.set(&["emptyDir"], Value::object());
    }
    for kind in ["secret", "configMap", "downwardAPI", "projected"] {
        if let Some(s) = present(v, kind) {
            s.set_default(&["defaultMode"], 0o644i64);
        }
    }
    if let Some(i) = present(v, "image") {
        let latest = image::tag(i.str_at(&["reference"])) == "latest";
        text(
            i,
            &["pullPolicy"],
            if latest { "Always" } else { "IfNotPresent" },
        );
    }
    if let Some(h) = present(v, "hostPath") {
        h.set_default(&["type"], "");
    }
    if let Some(d) = present(v, "downwardAPI") {
        each(d, "items", field_ref);
    }
    if let Some(p) = present(v, "projected") {
        each(p, "sources", projected_source);
    }
    if let Some(t) = v.at_mut(&["ephemeral", "volumeClaimTemplate", "spec"]) {
        t.set_default(&["volumeMode"], "Filesystem");
        resource_list(t, &["resources"]);
    }
    old_volume(v);
}

fn projected_source(s: &mut Value) {
    if let Some(d) = present(s, "downwardAPI") {
        each(d, "items", field_ref);
    }
    if let Some(t) = present(s, "serviceAccountToken") {
        t.set_default(&["expirationSeconds"], 3600i64);
    }
}

/// Types that live on in clusters that still have them.
fn old_volume(v: &mut Value) {
    if let Some(i) = present(v, "iscsi") {
        text(i, &["iscsiInterface"], "default");
    }
    if let Some(r) = present(v, "rbd") {
        text(r, &["pool"], "rbd");
        text(r, &["user"], "admin");
        text(r, &["keyring"], "/etc/ceph/keyring");
    }
    if let Some(a) = present(v, "azureDisk") {
        a.set_default(&["cachingMode"], "ReadWrite");
        a.set_default(&["fsType"], "ext4");
        a.set_default(&["readOnly"], false);
        a.set_default(&["kind"], "Shared");
    }
    if let Some(s) = present(v, "scaleIO") {
        text(s, &["storageMode"], "ThinProvisioned");
        text(s, &["fsType"], "xfs");
    }
}

/// `serviceAccount` is the old name of `serviceAccountName` and follows it.
pub fn account_alias(spec: &mut Value) {
    let account = spec.str_at(&["serviceAccountName"]).to_owned();
    if !account.is_empty() {
        spec.set(&["serviceAccount"], account);
        return;
    }
    let old = spec.str_at(&["serviceAccount"]).to_owned();
    if !old.is_empty() {
        spec.set(&["serviceAccountName"], old);
    }
}
