//! Affinity.

use catena_objects::{
    field::{Error, Errors},
    names,
};

use super::{Opts, scheduling};
use crate::rules::{At, labels};

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";

/// `validateAffinity`.
pub fn affinity(at: &At, opts: Opts, e: &mut Errors) {
    if let Some(node) = at.some("nodeAffinity") {
        if let Some(r) = node.some(REQUIRED) {
            node_selector(&r, opts.bad_node_affinity_values, e);
        }
        for term in node.child(PREFERRED).items() {
            weight(&term, e);
            node_selector_term(&term.child("preference"), true, e);
        }
    }
    for name in ["podAffinity", "podAntiAffinity"] {
        let pods = at.child(name);
        for term in pods.child(REQUIRED).items() {
            pod_term(&term, opts, e);
        }
        for term in pods.child(PREFERRED).items() {
            weight(&term, e);
            pod_term(&term.child("podAffinityTerm"), opts, e);
        }
    }
}

fn weight(term: &At, e: &mut Errors) {
    if !(1..=100).contains(&term.num("weight")) {
        term.child("weight")
            .bad_num(e, "must be in the range 1-100");
    }
}

/// `ValidateNodeSelector`.
pub fn node_selector(at: &At, allow_bad_values: bool, e: &mut Errors) {
    let terms = at.child("nodeSelectorTerms");
    if terms.is_empty() {
        terms.required(e, "must have at least one node selector term");
    }
    for term in terms.items() {
        node_selector_term(&term, allow_bad_values, e);
    }
}

fn node_selector_term(at: &At, allow_bad_values: bool, e: &mut Errors) {
    for r in at.child("matchExpressions").items() {
        let values = r.child("values");
        match r.text("operator") {
            "In" | "NotIn" if values.is_empty() => {
                values.required(e, "must be specified when `operator` is 'In' or 'NotIn'");
            }
            "Exists" | "DoesNotExist" if !values.is_empty() => {
                values.forbidden(
                    e,
                    "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
                );
            }
            "Gt" | "Lt" if values.len() != 1 => {
                values.required(
                    e,
                    "must be specified single value when `operator` is 'Lt' or 'Gt'",
                );
            }
            "In" | "NotIn" | "Exists" | "DoesNotExist" | "Gt" | "Lt" => {}
            _ => r
                .child("operator")
                .bad_text(e, "not a valid selector operator"),
        }
        labels::key(&r.child("key"), r.text("key"), e);
        if !allow_bad_values {
            for v in values.items() {
                v.complain(e, names::label_value(v.str()));
            }
        }
    }
    for r in at.child("matchFields").items() {
        let values = r.child("values");
        match r.text("operator") {
            "In" | "NotIn" if values.len() != 1 => {
                values.required(e, "must be only one value when `operator` is 'In' or 'NotIn' for node field selector");
            }
            "In" | "NotIn" => {}
            _ => r
                .child("operator")
                .bad_text(e, "not a valid selector operator"),
        }
        if r.text("key") == "metadata.name" {
            for v in values.items() {
                v.complain(e, names::dns1123_subdomain(v.str(), false));
            }
        } else {
            r.child("key").bad_text(e, "not a valid field selector key");
        }
    }
}

fn pod_term(at: &At, opts: Opts, e: &mut Errors) {
    labels::selector(&at.child("labelSelector"), opts.bad_selector_values, e);
    labels::selector(&at.child("namespaceSelector"), opts.bad_selector_values, e);
    for name in at.child("namespaces").items() {
        for why in names::dns1123_label(name.str(), false) {
            e.push(Error::invalid(&at.path.child("namespace"), name.str(), why));
        }
    }
    scheduling::label_keys(at, e);
    let key = at.child("topologyKey");
    if key.str().is_empty() {
        key.required(e, "can not be empty");
    }
    labels::key(&key, key.str(), e);
}
