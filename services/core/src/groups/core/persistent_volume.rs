//! PersistentVolume: `ValidatePersistentVolume*`.

use catena_objects::{
    Value,
    field::{Error, Errors, Path},
    names, obj,
};
use catena_registry::{Context, Strategy};

use crate::steps::{complaints, immutable, is_set, keep, kube_finalizers, one_of, same, strings};

/// Volume types, by member name.
const SOURCES: [&str; 22] = [
    "hostPath",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "glusterfs",
    "flocker",
    "nfs",
    "rbd",
    "quobyte",
    "cephfs",
    "iscsi",
    "cinder",
    "fc",
    "flexVolume",
    "azureFile",
    "vsphereVolume",
    "photonPersistentDisk",
    "portworxVolume",
    "azureDisk",
    "scaleIO",
    "local",
    "storageos",
    "csi",
];
const MODES: [&str; 4] = [
    "ReadOnlyMany",
    "ReadWriteMany",
    "ReadWriteOnce",
    "ReadWriteOncePod",
];
const CSI_DRIVER_MAX: usize = 63;

#[derive(Debug)]
pub struct PersistentVolume;

impl Strategy for PersistentVolume {
    fn default(&self, object: &mut Value) {
        if object.str_at(&["status", "phase"]).is_empty() {
            object.set(&["status", "phase"], "Pending");
        }
        if object
            .str_at(&["spec", "persistentVolumeReclaimPolicy"])
            .is_empty()
        {
            object.set(&["spec", "persistentVolumeReclaimPolicy"], "Retain");
        }
        object.set_default(&["spec", "volumeMode"], "Filesystem");
        if is_set(object, &["spec", "hostPath"]) {
            object.set_default(&["spec", "hostPath", "type"], "");
        }
    }

    fn prepare_create(&self, ctx: &Context, object: &mut Value) {
        object.set(&["status"], Value::object());
        object.set(&["status", "phase"], "Pending");
        object.set(&["status", "lastPhaseTransitionTime"], ctx.now.as_str());
    }

    fn prepare_update(&self, ctx: &Context, object: &mut Value, old: &Value) {
        if ctx.subresource != "status" {
            keep(object, old, &["status"]);
            return;
        }
        keep(object, old, &["spec"]);
        let phase = ["status", "phase"];
        let time = ["status", "lastPhaseTransitionTime"];
        if old.str_at(&phase) != object.str_at(&phase) && object.at(&time) == old.at(&time) {
            object.set(&time, ctx.now.as_str());
        }
    }

    fn validate(&self, _ctx: &Context, object: &Value) -> Errors {
        let mut errors = kube_finalizers(object);
        let spec = Path::new("spec");
        access_modes(&mut errors, &spec, object, "");
        capacity(&mut errors, &spec, object);
        let policies = ["Delete", "Recycle", "Retain"];
        let policy = object.str_at(&["spec", "persistentVolumeReclaimPolicy"]);
        if !policy.is_empty() {
            one_of(
                &mut errors,
                &spec.child("persistentVolumeReclaimPolicy"),
                policy,
                &policies,
            );
        }
        node_affinity(&mut errors, object);
        sources(&mut errors, &spec, object);
        class_names(&mut errors, &spec, object);
        errors
    }

    fn validate_update(&self, ctx: &Context, object: &Value, old: &Value) -> Errors {
        if ctx.subresource == "status" {
            return Errors::new();
        }
        // The strategy and `ValidatePersistentVolumeUpdate` both check it whole.
        let mut errors = self.validate(ctx, object);
        errors.extend(self.validate(ctx, object));
        if SOURCES
            .iter()
            .any(|s| !same(object.at(&["spec", s]), old.at(&["spec", s])))
        {
            let path = Path::new("spec").child("persistentvolumesource");
            let null = Value::Null;
            let diff = crate::rules::internal::diff(
                "PersistentVolumeSource",
                old.get("spec").unwrap_or(&null),
                object.get("spec").unwrap_or(&null),
            );
            let text = format!("spec.persistentvolumesource is immutable after creation\n{diff}");
            errors.push(Error::forbidden(&path, text));
        }
        let mode = ["spec", "volumeMode"];
        immutable(
            &mut errors,
            &Path::new("volumeMode"),
            object.at(&mode),
            old.at(&mode),
        );
        let affinity = ["spec", "nodeAffinity"];
        let (new, was) = (object.at(&affinity), old.at(&affinity));
        if is_set(old, &affinity) && !same(new, without_beta(new, was).as_ref()) {
            let value = go_affinity(object.at(&affinity));
            let text = "field is immutable, except for updating from beta label to GA";
            errors.push(Error::invalid(&Path::new("nodeAffinity"), value, text));
        }
        errors
    }
}

/// Access modes of a volume or a claim; `required` is the text when there are none.
pub(super) fn access_modes(errors: &mut Errors, spec: &Path, object: &Value, required: &str) {
    let modes = strings(object, &["spec", "accessModes"]);
    let path = spec.child("accessModes");
    if modes.is_empty() {
        errors.push(Error::required(&path, required));
    }
    for mode in &modes {
        one_of(errors, &path, mode, &MODES);
    }
    let others = modes
        .iter()
        .any(|m| *m != "ReadWriteOncePod" && MODES.contains(m));
    if modes.contains(&"ReadWriteOncePod") && others {
        let text = "may not use ReadWriteOncePod with other access modes";
        errors.push(Error::forbidden(&path, text));
    }
}

fn capacity(errors: &mut Errors, spec: &Path, object: &Value) {
    let path = spec.child("capacity");
    let all = object.at(&["spec", "capacity"]);
    let count = all.and_then(Value::as_object).map_or(0, |m| m.len());
    if count == 0 {
        errors.push(Error::required(&path, ""));
    }
    if !is_set(object, &["spec", "capacity", "storage"]) || count > 1 {
        let value = all.cloned().unwrap_or_default();
        errors.push(Error::not_supported(&path, value, &["storage"]));
    }
}

fn node_affinity(errors: &mut Errors, object: &Value) {
    if !is_set(object, &["spec", "nodeAffinity"]) {
        return;
    }
    let path = Path::new("spec").child("nodeAffinity").child("required");
    if !is_set(object, &["spec", "nodeAffinity", "required"]) {
        errors.push(Error::required(
            &path,
            "must specify required node constraints",
        ));
        return;
    }
    let terms = object.items_at(&["spec", "nodeAffinity", "required", "nodeSelectorTerms"]);
    let path = path.child("nodeSelectorTerms");
    if terms.is_empty() {
        errors.push(Error::required(
            &path,
            "must have at least one node selector term",
        ));
    }
    for (i, term) in terms.iter().enumerate() {
        for (j, requirement) in term.items_at(&["matchExpressions"]).iter().enumerate() {
            let at = path.index(i).child("matchExpressions").index(j);
            selector_requirement(errors, &at, requirement);
        }
    }
}

/// `ValidateNodeSelectorRequirement`.
fn selector_requirement(errors: &mut Errors, path: &Path, requirement: &Value) {
    let values = strings(requirement, &["values"]);
    let at = path.child("values");
    match requirement.str_at(&["operator"]) {
        "In" | "NotIn" => {
            if values.is_empty() {
                let text = "must be specified when `operator` is 'In' or 'NotIn'";
                errors.push(Error::required(&at, text));
            }
        }
        "Exists" | "DoesNotExist" => {
            if !values.is_empty() {
                let text = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
                errors.push(Error::forbidden(&at, text));
            }
        }
        "Gt" | "Lt" => {
            if values.len() != 1 {
                let text = "must be specified single value when `operator` is 'Lt' or 'Gt'";
                errors.push(Error::required(&at, text));
            }
        }
        other => {
            let text = "not a valid selector operator";
            errors.push(Error::invalid(&path.child("operator"), other, text));
        }
    }
    let key = requirement.str_at(&["key"]);
    complaints(errors, &path.child("key"), key, names::qualified_name(key));
}

fn sources(errors: &mut Errors, spec: &Path, object: &Value) {
    let found: Vec<&str> = SOURCES
        .into_iter()
        .filter(|s| is_set(object, &["spec", s]))
        .collect();
    for extra in found.iter().skip(1) {
        errors.push(Error::forbidden(
            &spec.child(extra),
            "may not specify more than 1 volume type",
        ));
    }
    match found.first() {
        None => errors.push(Error::required(spec, "must specify a volume type")),
        Some(&"csi") => csi(errors, &spec.child("csi"), object),
        Some(source) => source_rules(errors, &spec.child(source), source, object),
    }
}

/// What the types without a driver require.
fn source_rules(errors: &mut Errors, path: &Path, source: &str, object: &Value) {
    let required: &[&str] = match source {
        "hostPath" | "local" => &["path"],
        "nfs" => &["server", "path"],
        _ => &[],
    };
    for field in required {
        if object.str_at(&["spec", source, field]).is_empty() {
            errors.push(Error::required(&path.child(field), ""));
        }
    }
    let at = object.str_at(&["spec", source, "path"]);
    if matches!(source, "hostPath" | "local") && at.split('/').any(|part| part == "..") {
        errors.push(Error::invalid(
            &path.child("path"),
            at,
            "must not contain '..'",
        ));
    }
    if source == "nfs" && !at.is_empty() && !at.starts_with('/') {
        errors.push(Error::invalid(
            &path.child("path"),
            at,
            "must be an absolute path",
        ));
    }
    if source == "local" && !is_set(object, &["spec", "nodeAffinity"]) {
        let at = Path::new("metadata").child("annotations");
        errors.push(Error::required(&at, "Local volume requires node affinity"));
    }
}

fn csi(errors: &mut Errors, path: &Path, object: &Value) {
    let driver = object.str_at(&["spec", "csi", "driver"]);
    csi_driver(errors, &path.child("driver"), driver);
    if object.str_at(&["spec", "csi", "volumeHandle"]).is_empty() {
        errors.push(Error::required(&path.child("volumeHandle"), ""));
    }
}

/// `ValidateCSIDriverName`.
fn csi_driver(errors: &mut Errors, path: &Path, driver: &str) {
    if driver.is_empty() {
        errors.push(Error::required(path, ""));
        return;
    }
    if driver.len() > CSI_DRIVER_MAX {
        errors.push(Error::too_long(path, CSI_DRIVER_MAX));
    }
    let lower = driver.to_lowercase();
    complaints(
        errors,
        path,
        driver,
        names::dns1123_subdomain(&lower, false),
    );
}

/// Class names and volume mode.
pub(super) fn class_names(errors: &mut Errors, spec: &Path, object: &Value) {
    let class = object.str_at(&["spec", "storageClassName"]);
    if !class.is_empty() {
        complaints(
            errors,
            &spec.child("storageClassName"),
            class,
            names::dns1123_subdomain(class, false),
        );
    }
    if is_set(object, &["spec", "volumeMode"]) {
        let mode = object.str_at(&["spec", "volumeMode"]);
        one_of(
            errors,
            &spec.child("volumeMode"),
            mode,
            &["Block", "Filesystem"],
        );
    }
    let class = object.str_at(&["spec", "volumeAttributesClassName"]);
    if !class.is_empty() {
        let path = spec.child("volumeAttributesClassName");
        complaints(errors, &path, class, names::dns1123_subdomain(class, false));
    }
}

/// Labels of nodes that had a name before the one they have.
const BETA: [(&str, &str); 5] = [
    (
        "failure-domain.beta.kubernetes.io/zone",
        "topology.kubernetes.io/zone",
    ),
    (
        "failure-domain.beta.kubernetes.io/region",
        "topology.kubernetes.io/region",
    ),
    (
        "beta.kubernetes.io/instance-type",
        "node.kubernetes.io/instance-type",
    ),
    ("beta.kubernetes.io/os", "kubernetes.io/os"),
    ("beta.kubernetes.io/arch", "kubernetes.io/arch"),
];

/// The old affinity with the keys that the new one has where these are the later
/// names of its own. Of a key without one, that is the empty key: Go looks it up
/// in a map.
fn without_beta(new: Option<&Value>, old: Option<&Value>) -> Option<Value> {
    const TERMS: [&str; 2] = ["required", "nodeSelectorTerms"];
    let mut out = old?.clone();
    let new = new?;
    let terms = out.at_mut(&TERMS).and_then(Value::as_array_mut);
    for (i, term) in terms.into_iter().flatten().enumerate() {
        let theirs = new.items_at(&TERMS).get(i);
        let all = term
            .at_mut(&["matchExpressions"])
            .and_then(Value::as_array_mut);
        for (j, requirement) in all.into_iter().flatten().enumerate() {
            let theirs = theirs.and_then(|t| t.items_at(&["matchExpressions"]).get(j));
            let Some(theirs) = theirs else {
                continue;
            };
            let own = requirement.str_at(&["key"]);
            let later = BETA.iter().find(|(beta, _)| *beta == own);
            if theirs.str_at(&["key"]) == later.map_or("", |(_, ga)| ga) {
                match theirs.get("key") {
                    Some(key) => requirement.set(&["key"], key.clone()),
                    None => drop(requirement.unset(&["key"])),
                }
            }
        }
    }
    Some(out)
}

/// The affinity as Go prints its internal struct.
fn go_affinity(affinity: Option<&Value>) -> Value {
    let Some(affinity) = affinity else {
        return Value::Null;
    };
    let Some(required) = affinity.get("required").filter(|v| !v.is_null()) else {
        return obj!({"Required": null});
    };
    let list = |items: &[Value]| -> Value {
        if items.is_empty() {
            return Value::Null;
        }
        let shown: Vec<Value> = items
            .iter()
            .map(|r| {
                obj!({
                    "Key": (r.str_at(&["key"])), "Operator": (r.str_at(&["operator"])),
                    "Values": (r.get("values").cloned().unwrap_or_default())
                })
            })
            .collect();
        shown.into()
    };
    let terms: Vec<Value> = required
        .items_at(&["nodeSelectorTerms"])
        .iter()
        .map(|t| {
            obj!({
                "MatchExpressions": (list(t.items_at(&["matchExpressions"]))),
                "MatchFields": (list(t.items_at(&["matchFields"])))
            })
        })
        .collect();
    let terms = if terms.is_empty() {
        Value::Null
    } else {
        terms.into()
    };
    obj!({"Required": {"NodeSelectorTerms": terms}})
}
