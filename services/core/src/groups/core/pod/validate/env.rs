//! Environment variables.

use catena_objects::{
    field::{Error, Errors},
    names,
};

use super::volumes::no_backsteps;
use crate::rules::{At, quantity};

const FIELDS: [&str; 9] = [
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];
const RESOURCES: [&str; 6] = [
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
];
const HUGE: [&str; 2] = ["limits.hugepages-", "requests.hugepages-"];
const DIVISORS: [&str; 13] = [
    "1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei",
];

/// `ValidateEnv`.
pub fn env(at: &At, e: &mut Errors) {
    for v in at.items() {
        let name = v.child("name");
        if name.str().is_empty() {
            name.required(e, "");
        } else {
            name.complain(e, names::relaxed_env_var_name(name.str()));
        }
        if let Some(from) = v.some("valueFrom") {
            value_from(&from, !v.text("value").is_empty(), e);
        }
    }
}

fn value_from(at: &At, has_value: bool, e: &mut Errors) {
    let mut sources = 0;
    let mut take = |name: &str| {
        let s = at.some(name);
        sources += usize::from(s.is_some());
        s
    };
    let (field, resource, map, secret, file) = (
        take("fieldRef"),
        take("resourceFieldRef"),
        take("configMapKeyRef"),
        take("secretKeyRef"),
        take("fileKeyRef"),
    );
    if let Some(f) = field {
        object_field(&f, &FIELDS, e);
    }
    if let Some(f) = resource {
        resource_field(&f, false, e);
    }
    for f in [map, secret].into_iter().flatten() {
        let name = f.child("name");
        name.complain(e, names::dns1123_subdomain(name.str(), false));
        let key = f.child("key");
        if key.str().is_empty() {
            key.required(e, "");
        } else {
            key.complain(e, names::config_map_key(key.str()));
        }
    }
    if let Some(f) = file {
        file_key(&f, e);
    }
    if sources == 0 {
        at.bad_value(e, "", "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`");
    } else if has_value {
        at.bad_value(e, "", "may not be specified when `value` is not empty");
    } else if sources > 1 {
        at.bad_value(
            e,
            "",
            "may not have more than one field specified at a time",
        );
    }
}

fn file_key(at: &At, e: &mut Errors) {
    let key = at.child("key");
    if key.str().is_empty() {
        key.required(e, "");
    } else {
        key.complain(e, names::relaxed_env_var_name(key.str()));
    }
    let volume = at.child("volumeName");
    if volume.str().is_empty() {
        volume.required(e, "");
    } else {
        volume.complain(e, names::dns1123_label(volume.str(), false));
    }
    let path = at.child("path");
    if path.str().is_empty() {
        path.required(e, "");
    } else {
        no_backsteps(&path, e);
    }
}

/// `metadata.labels['key']` split.
fn subscript(path: &str) -> Option<(&str, &str)> {
    let (head, key) = path.strip_suffix("']")?.split_once("['")?;
    (!head.is_empty()).then_some((head, key))
}

/// `ConvertDownwardAPIFieldLabel`.
fn convert<'a>(version: &str, path: &'a str) -> Result<&'a str, String> {
    if version != "v1" {
        return Err(format!("unsupported pod version: {version}"));
    }
    if let Some((head, _)) = subscript(path) {
        return match head {
            "metadata.annotations" | "metadata.labels" => Ok(path),
            _ => Err(format!("field label does not support subscript: {path}")),
        };
    }
    match path {
        "metadata.annotations"
        | "metadata.labels"
        | "metadata.name"
        | "metadata.namespace"
        | "metadata.uid"
        | "spec.nodeName"
        | "spec.restartPolicy"
        | "spec.serviceAccountName"
        | "spec.schedulerName"
        | "status.phase"
        | "status.hostIP"
        | "status.hostIPs"
        | "status.podIP"
        | "status.podIPs" => Ok(path),
        "spec.host" => Ok("spec.nodeName"),
        _ => Err(format!("field label not supported: {path}")),
    }
}

/// `validateObjectFieldSelector`.
pub fn object_field(at: &At, supported: &[&str], e: &mut Errors) {
    let path = at.child("fieldPath");
    if at.text("apiVersion").is_empty() {
        at.child("apiVersion").required(e, "");
        return;
    }
    if path.str().is_empty() {
        path.required(e, "");
        return;
    }
    let internal = match convert(at.text("apiVersion"), path.str()) {
        Ok(p) => p,
        Err(why) => {
            path.bad_text(e, format!("error converting fieldPath: {why}"));
            return;
        }
    };
    match subscript(internal) {
        Some((head, key)) => {
            let key = if head == "metadata.annotations" {
                key.to_lowercase()
            } else {
                key.to_owned()
            };
            for why in names::qualified_name(&key) {
                at.bad_value(e, key.as_str(), why);
            }
        }
        None if !supported.contains(&internal) => {
            e.push(Error::not_supported(&path.path, internal, supported));
        }
        None => {}
    }
}

/// `validateContainerResourceFieldSelector`.
pub fn resource_field(at: &At, in_volume: bool, e: &mut Errors) {
    let resource = at.child("resource");
    let huge = HUGE.iter().any(|p| resource.str().starts_with(p));
    if in_volume && at.text("containerName").is_empty() {
        at.child("containerName").required(e, "");
    } else if resource.str().is_empty() {
        resource.required(e, "");
    } else if !RESOURCES.contains(&resource.str()) && !huge {
        resource.unsupported(e, &RESOURCES);
    }
    let divisor = at.child("divisor");
    if quantity::sign(divisor.v) == 0 {
        return;
    }
    let text = quantity::text(divisor.v);
    let (supported, list, noun): (&[&str], &str, &str) = match resource.str() {
        "limits.cpu" | "requests.cpu" => (&["1m", "1"], "1m and 1", "cpu"),
        "limits.memory" | "requests.memory" => (&DIVISORS, "", "memory"),
        "limits.ephemeral-storage" | "requests.ephemeral-storage" => {
            (&DIVISORS, "", "local ephemeral storage")
        }
        _ if huge => (&DIVISORS, "", "hugepages"),
        _ => return,
    };
    if !supported.contains(&text.as_str()) {
        let list = if list.is_empty() {
            DIVISORS.join(", ")
        } else {
            list.to_owned()
        };
        let why = format!("only divisor's values {list} are supported with the {noun} resource");
        divisor.bad_value(e, resource.str(), why);
    }
}

/// `ValidateEnvFrom`.
pub fn env_from(at: &At, e: &mut Errors) {
    for v in at.items() {
        let prefix = v.child("prefix");
        if !prefix.str().is_empty() {
            prefix.complain(e, names::relaxed_env_var_name(prefix.str()));
        }
        let mut sources = 0;
        for source in ["configMapRef", "secretRef"] {
            if let Some(s) = v.some(source) {
                sources += 1;
                let name = s.child("name");
                if name.str().is_empty() {
                    name.required(e, "");
                } else {
                    name.complain(e, names::dns1123_subdomain(name.str(), true));
                }
            }
        }
        match sources {
            0 => at.bad_value(e, "", "must specify one of: `configMapRef` or `secretRef`"),
            1 => {}
            _ => at.bad_value(
                e,
                "",
                "may not have more than one field specified at a time",
            ),
        }
    }
}
