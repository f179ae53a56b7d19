//! Ingress: `ValidateIngress*`.

use catena_objects::{
    Value,
    field::{Error, Errors, Path},
    names,
};
use catena_registry::{Context, Strategy};

use super::ingress_class::reference;
use crate::steps::{complaints, is_set, kube_finalizers, strings};

const CLASS_ANNOTATION: &str = "kubernetes.io/ingress.class";
const BAD_SEQUENCES: [&str; 5] = ["//", "/./", "/../", "%2f", "%2F"];
const BAD_SUFFIXES: [&str; 2] = ["/..", "/."];

#[derive(Debug)]
pub struct Ingress;

impl Strategy for Ingress {
    fn default(&self, object: &mut Value) {
        object.set_default(&["status", "loadBalancer"], Value::object());
    }

    fn prepare_create(&self, _ctx: &Context, object: &mut Value) {
        object.set(&["status"], Value::object());
        object.set(&["status", "loadBalancer"], Value::object());
    }

    fn has_generation(&self) -> bool {
        true
    }

    fn validate(&self, _ctx: &Context, object: &Value) -> Errors {
        let mut errors = spec(object);
        let class = object.str_at(&["spec", "ingressClassName"]);
        if let Some(annotation) = object.at(&["metadata", "annotations", CLASS_ANNOTATION])
            && is_set(object, &["spec", "ingressClassName"])
            && annotation.as_str() != Some(class)
        {
            let path = Path::new("annotations").child(CLASS_ANNOTATION);
            let text = "must match `ingressClassName` when both are specified";
            errors.push(Error::invalid(&path, annotation.clone(), text));
        }
        errors
    }

    fn validate_update(&self, ctx: &Context, object: &Value, _old: &Value) -> Errors {
        if ctx.subresource == "status" {
            status(object)
        } else {
            spec(object)
        }
    }

    fn warnings(&self, ctx: &Context, object: &Value, old: Option<&Value>) -> Vec<String> {
        let annotated = object
            .at(&["metadata", "annotations", CLASS_ANNOTATION])
            .is_some();
        if ctx.subresource.is_empty() && old.is_none() && annotated {
            return vec![format!(
                "annotation {CLASS_ANNOTATION:?} is deprecated, please use 'spec.ingressClassName' instead"
            )];
        }
        Vec::new()
    }
}

fn spec(object: &Value) -> Errors {
    let mut errors = kube_finalizers(object);
    let path = Path::new("spec");
    let rules = object.items_at(&["spec", "rules"]);
    let default = object
        .at(&["spec", "defaultBackend"])
        .filter(|v| !v.is_null());
    if rules.is_empty() && default.is_none() {
        let value = object.at(&["spec", "rules"]).cloned().unwrap_or_default();
        let text = "either `defaultBackend` or `rules` must be specified";
        errors.push(Error::invalid(&path, value, text));
    }
    if let Some(b) = default {
        backend(&mut errors, &path.child("defaultBackend"), b);
    }
    for (i, r) in rules.iter().enumerate() {
        rule(&mut errors, &path.child("rules").index(i), r);
    }
    for (i, entry) in object.items_at(&["spec", "tls"]).iter().enumerate() {
        tls(&mut errors, &path.child("tls").index(i), entry);
    }
    if is_set(object, &["spec", "ingressClassName"]) {
        let class = object.str_at(&["spec", "ingressClassName"]);
        let at = path.child("ingressClassName");
        complaints(
            &mut errors,
            &at,
            class,
            names::dns1123_subdomain(class, false),
        );
    }
    errors
}

/// A host, with or without a wildcard.
fn host_name(errors: &mut Errors, path: &Path, host: &str) {
    let texts = if host.contains('*') {
        names::wildcard_dns1123_subdomain(host)
    } else {
        names::dns1123_subdomain(host, false)
    };
    complaints(errors, path, host, texts);
}

fn tls(errors: &mut Errors, path: &Path, entry: &Value) {
    for (i, host) in strings(entry, &["hosts"]).into_iter().enumerate() {
        host_name(errors, &path.child("hosts").index(i), host);
    }
    let secret = entry.str_at(&["secretName"]);
    if !secret.is_empty() {
        complaints(
            errors,
            &path.child("secretName"),
            secret,
            names::dns1123_subdomain(secret, false),
        );
    }
}

fn rule(errors: &mut Errors, path: &Path, rule: &Value) {
    let host = rule.str_at(&["host"]);
    if !host.is_empty() {
        if names::parse_ip_sloppy(host).is_some() {
            let text = "must be a DNS name, not an IP address";
            errors.push(Error::invalid(&path.child("host"), host, text));
        }
        host_name(errors, &path.child("host"), host);
    }
    if !is_set(rule, &["http"]) {
        return;
    }
    let root = path.child("http").child("paths");
    let paths = rule.items_at(&["http", "paths"]);
    if paths.is_empty() {
        errors.push(Error::required(&root, ""));
    }
    for (i, p) in paths.iter().enumerate() {
        http_path(errors, &root.index(i), p);
    }
}

fn http_path(errors: &mut Errors, path: &Path, p: &Value) {
    if !is_set(p, &["pathType"]) {
        errors.push(Error::required(
            &path.child("pathType"),
            "pathType must be specified",
        ));
        return;
    }
    let text = p.str_at(&["path"]);
    let at = path.child("path");
    let ty = p.str_at(&["pathType"]);
    match ty {
        "Exact" | "Prefix" => {
            if !text.starts_with('/') {
                errors.push(Error::invalid(&at, text, "must be an absolute path"));
            }
            for bad in BAD_SEQUENCES.iter().filter(|b| text.contains(**b)) {
                errors.push(Error::invalid(
                    &at,
                    text,
                    format!("must not contain '{bad}'"),
                ));
            }
            for bad in BAD_SUFFIXES.iter().filter(|b| text.ends_with(**b)) {
                errors.push(Error::invalid(
                    &at,
                    text,
                    format!("cannot end with '{bad}'"),
                ));
            }
        }
        "ImplementationSpecific" => {
            if !text.is_empty() && !text.starts_with('/') {
                errors.push(Error::invalid(&at, text, "must be an absolute path"));
            }
        }
        other => {
            let known = ["Exact", "ImplementationSpecific", "Prefix"];
            errors.push(Error::not_supported(&path.child("pathType"), other, &known));
        }
    }
    backend(
        errors,
        &path.child("backend"),
        p.get("backend").unwrap_or(&Value::Null),
    );
}

fn backend(errors: &mut Errors, path: &Path, b: &Value) {
    let service = b.get("service").filter(|v| !v.is_null());
    match (b.get("resource").filter(|v| !v.is_null()), service) {
        (Some(_), Some(_)) => {
            let text = "cannot set both resource and service backends";
            errors.push(Error::invalid(path, "", text));
        }
        (Some(resource), None) => reference(errors, &path.child("resource"), resource),
        (None, Some(service)) => service_backend(errors, path, service),
        (None, None) => {
            errors.push(Error::invalid(
                path,
                "",
                "resource or service backend is required",
            ));
        }
    }
}

fn service_backend(errors: &mut Errors, path: &Path, service: &Value) {
    let root = path.child("service");
    let name = service.str_at(&["name"]);
    if name.is_empty() {
        errors.push(Error::required(&root.child("name"), ""));
    } else {
        complaints(
            errors,
            &root.child("name"),
            name,
            names::dns1123_label(name, false),
        );
    }
    let port = service.str_at(&["port", "name"]);
    let number = service.i64_at(&["port", "number"]).unwrap_or(0);
    match (port.is_empty(), number) {
        (false, 0) => complaints(
            errors,
            &root.children(&["port", "name"]),
            port,
            names::port_name(port),
        ),
        (false, _) => {
            errors.push(Error::invalid(
                path,
                "",
                "cannot set both port name & port number",
            ));
        }
        (true, 0) => errors.push(Error::required(path, "port name or number is required")),
        (true, number) => {
            for text in names::port_num(number) {
                errors.push(Error::invalid(
                    &root.children(&["port", "number"]),
                    number,
                    text,
                ));
            }
        }
    }
}

fn status(object: &Value) -> Errors {
    let mut errors = Errors::new();
    let root = Path::new("status").children(&["loadBalancer", "ingress"]);
    for (i, ingress) in object
        .items_at(&["status", "loadBalancer", "ingress"])
        .iter()
        .enumerate()
    {
        let ip = ingress.str_at(&["ip"]);
        if !ip.is_empty() {
            errors.extend(names::valid_ip_legacy(&root.index(i).child("ip"), ip, &[]));
        }
        let host = ingress.str_at(&["hostname"]);
        let at = root.index(i).child("hostname");
        if !host.is_empty() {
            complaints(
                &mut errors,
                &at,
                host,
                names::dns1123_subdomain(host, false),
            );
            if names::parse_ip_sloppy(host).is_some() {
                errors.push(Error::invalid(
                    &at,
                    host,
                    "must be a DNS name, not an IP address",
                ));
            }
        }
    }
    errors
}
