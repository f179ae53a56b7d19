//! Every built-in resource that core serves, from the facts.

use std::{collections::HashMap, sync::Arc};

use catena_facts::ResourceFact;
use catena_registry::{
    Admission, Connect, Connector, Handler, Hooks, Resource, Version,
    hooks::NoHooks,
    resource::{Conversion, MetadataChecks, Scale},
};

use crate::groups;

/// Groups of other servers of the chain.
const FOREIGN: [&str; 2] = ["apiextensions.k8s.io", "apiregistration.k8s.io"];

/// What resources are joined with: (group, plural) or (group, plural, subresource) as keys.
#[derive(Default)]
pub struct Wiring {
    pub admission: Arc<Vec<Arc<dyn Admission>>>,
    pub hooks: HashMap<(&'static str, &'static str), Arc<dyn Hooks>>,
    pub handlers: HashMap<(&'static str, &'static str, &'static str), Arc<dyn Handler>>,
    /// Answers log, exec and the like.
    pub connector: Option<Arc<dyn Connector>>,
}

/// One [`Resource`] for each resource of a served group version; the versions of
/// a group share it. In the order of the facts, which is that of discovery.
pub fn registrations(wiring: &Wiring) -> Vec<Arc<Resource>> {
    let mut order: Vec<(&str, &str)> = Vec::new();
    let mut found: HashMap<(&str, &str), Vec<&'static ResourceFact>> = HashMap::new();
    for fact in catena_facts::resources().iter().filter(|f| is_served(f)) {
        let key = (fact.group, fact.plural);
        let facts = found.entry(key).or_default();
        if facts.is_empty() {
            order.push(key);
        }
        facts.push(fact);
    }
    order
        .into_iter()
        .filter_map(|key| Some(Arc::new(resource(found.get(&key)?, wiring)?)))
        .collect()
}

/// Only stable versions are on by default in 1.36.
fn is_served(fact: &ResourceFact) -> bool {
    let stable = fact
        .version
        .strip_prefix('v')
        .is_some_and(|n| !n.is_empty() && n.bytes().all(|c| c.is_ascii_digit()));
    stable && !FOREIGN.contains(&fact.group)
}

fn resource(facts: &[&'static ResourceFact], wiring: &Wiring) -> Option<Resource> {
    let versions = served_versions(facts);
    let newest = *versions.first()?;
    let main = *facts
        .iter()
        .find(|f| f.subresource.is_empty() && f.version == newest)?;
    let (group, plural) = (main.group, main.plural);
    let views: Vec<&str> = facts
        .iter()
        .filter(|f| f.version == newest && is_view(f.subresource))
        .map(|f| f.subresource)
        .collect();
    let scales = facts
        .iter()
        .any(|f| f.version == newest && f.subresource == "scale");
    let handlers = wiring
        .handlers
        .iter()
        .filter(|((g, p, _), _)| *g == group && *p == plural)
        .map(|((_, _, sub), handler)| ((*sub).to_owned(), handler.clone()))
        .collect();
    Some(Resource {
        group: group.to_owned(),
        plural: plural.to_owned(),
        singular: main.singular.to_owned(),
        kind: main.kind.to_owned(),
        list_kind: format!("{}List", main.kind),
        short_names: main.short_names.iter().map(|s| (*s).to_owned()).collect(),
        categories: main.categories.iter().map(|s| (*s).to_owned()).collect(),
        namespaced: main.namespaced,
        verbs: main.verbs.iter().map(|s| (*s).to_owned()).collect(),
        versions: versions
            .iter()
            .map(|v| version(group, v, plural, main.kind))
            .collect(),
        storage_version: 0,
        key_prefix: key_prefix(group, plural),
        selectable_fields: selectable_fields(group, plural),
        subresources: views.iter().map(|s| (*s).to_owned()).collect(),
        handlers,
        connects: connects(facts, newest, wiring),
        scale: scales.then(scale),
        strategy: groups::strategy_for(group, newest, plural),
        hooks: wiring
            .hooks
            .get(&(group, plural))
            .cloned()
            .unwrap_or_else(|| Arc::new(NoHooks)),
        admission: wiring.admission.clone(),
        custom: false,
        unconditional_update: unconditional_update(group, plural),
        metadata_checks: metadata_checks(group, plural),
        returns_deleted: returns_deleted(group, plural),
    })
}

/// Subresources that lead to a node, where something can be asked about it.
fn connects(facts: &[&'static ResourceFact], version: &str, wiring: &Wiring) -> Vec<Connect> {
    const NAMES: [&str; 5] = ["log", "exec", "attach", "portforward", "proxy"];
    let Some(connector) = &wiring.connector else {
        return Vec::new();
    };
    facts
        .iter()
        .filter(|f| f.version == version && NAMES.contains(&f.subresource))
        .map(|f| Connect {
            name: f.subresource.to_owned(),
            kind: f.kind.to_owned(),
            verbs: f.verbs.iter().map(|v| (*v).to_owned()).collect(),
            connector: connector.clone(),
        })
        .collect()
}

/// Subresources that are the object itself; the others have handlers of their own.
fn is_view(subresource: &str) -> bool {
    [
        "status",
        "finalize",
        "approval",
        "ephemeralcontainers",
        "resize",
    ]
    .contains(&subresource)
}

/// Versions of a resource, preferred (and stored) one first.
fn served_versions(facts: &[&'static ResourceFact]) -> Vec<&'static str> {
    let mut versions: Vec<&'static str> = facts
        .iter()
        .filter(|f| f.subresource.is_empty())
        .map(|f| f.version)
        .collect();
    let number = |v: &str| v[1..].parse::<u32>().unwrap_or(0);
    versions.sort_by_key(|v| std::cmp::Reverse(number(v)));
    versions.dedup();
    versions
}

fn version(group: &str, version: &str, plural: &str, kind: &str) -> Version {
    Version {
        name: version.to_owned(),
        schema: schema(group, version, kind),
        conversion: conversion(group, version, plural),
        printer: catena_printers::builtin(group, version, plural),
        own_annotations: own_annotations(group, version, plural),
        deprecation_warning: deprecation(group, version, plural),
    }
}

/// The schema of a kind; kinds that the facts lack take anything.
fn schema(group: &str, version: &str, kind: &str) -> Arc<catena_schema::Node> {
    catena_schema::builtin(group, version, kind)
        .unwrap_or_else(|| Arc::new(catena_schema::Node::of(catena_schema::Type::Any)))
}

fn conversion(group: &str, version: &str, plural: &str) -> Option<Arc<dyn Conversion>> {
    match (group, plural) {
        ("events.k8s.io", "events") => Some(Arc::new(groups::events::EventConversion)),
        ("autoscaling", _) => groups::autoscaling::conversion(plural, version),
        _ => None,
    }
}

/// See [`Version::own_annotations`].
fn own_annotations(group: &str, version: &str, plural: &str) -> &'static [&'static str] {
    match (group, version, plural) {
        ("apps", "v1", "daemonsets") => &[groups::apps::daemonset::GENERATION],
        _ => &[],
    }
}

/// Kinds that the API deprecates without another version of them.
fn deprecation(group: &str, version: &str, plural: &str) -> Option<String> {
    match (group, version, plural) {
        ("", "v1", "componentstatuses") => {
            Some("v1 ComponentStatus is deprecated in v1.19+".into())
        }
        ("", "v1", "endpoints") => Some(
            "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice".into(),
        ),
        _ => None,
    }
}

/// Where kube-apiserver keeps the objects of a resource: the plural, but for a
/// few old names (`SpecialDefaultResourcePrefixes`).
pub fn key_prefix(group: &str, plural: &str) -> String {
    let name = match (group, plural) {
        ("", "replicationcontrollers") => "controllers",
        ("", "endpoints") => "services/endpoints",
        ("", "nodes") => "minions",
        ("", "services") => "services/specs",
        ("networking.k8s.io", "ingresses") => "ingress",
        _ => plural,
    };
    format!("/registry/{name}")
}

/// Fields of field selectors, in the order in which the strategies give them.
fn selectable_fields(group: &str, plural: &str) -> Vec<String> {
    let fields: &[&str] = match (group, plural) {
        ("", "namespaces") => &["status.phase"],
        ("", "secrets") => &["type"],
        ("", "services") => &["spec.clusterIP", "spec.type"],
        ("", "nodes") => &["spec.unschedulable"],
        ("", "events") => &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
        ("events.k8s.io", "events") => &[
            "regarding.kind",
            "regarding.namespace",
            "regarding.name",
            "regarding.uid",
            "regarding.apiVersion",
            "regarding.resourceVersion",
            "regarding.fieldPath",
            "reason",
            "reportingController",
            "source",
            "type",
        ],
        ("", "pods") => &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.podIPs",
            "status.nominatedNodeName",
        ],
        ("", "replicationcontrollers") => &["status.replicas"],
        ("batch", "jobs") => &["status.successful"],
        ("certificates.k8s.io", "certificatesigningrequests") => &["spec.signerName"],
        ("resource.k8s.io", "resourceslices") => &["spec.nodeName", "spec.driver"],
        _ => &[],
    };
    fields.iter().map(|f| (*f).to_owned()).collect()
}

fn scale() -> Scale {
    let path = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect();
    Scale {
        spec_replicas: path(&["spec", "replicas"]),
        status_replicas: path(&["status", "replicas"]),
        selector: path(&["spec", "selector"]),
    }
}

fn unconditional_update(group: &str, plural: &str) -> bool {
    match group {
        "admissionregistration.k8s.io" | "coordination.k8s.io" | "node.k8s.io" | "policy" => false,
        "certificates.k8s.io" => plural == "certificatesigningrequests",
        "storage.k8s.io" => matches!(plural, "storageclasses" | "volumeattributesclasses"),
        _ => true,
    }
}

/// Most kinds look at what changed; some at all of it instead, or at both.
fn metadata_checks(group: &str, plural: &str) -> MetadataChecks {
    const BOTH: [(&str, &str); 18] = [
        ("", "configmaps"),
        ("", "endpoints"),
        ("", "nodes"),
        ("", "persistentvolumeclaims"),
        ("", "pods"),
        ("", "secrets"),
        ("", "serviceaccounts"),
        ("apps", "controllerrevisions"),
        ("batch", "jobs"),
        ("networking.k8s.io", "ingressclasses"),
        ("networking.k8s.io", "ingresses"),
        ("node.k8s.io", "runtimeclasses"),
        ("resource.k8s.io", "deviceclasses"),
        ("resource.k8s.io", "resourceclaims"),
        ("resource.k8s.io", "resourceclaimtemplates"),
        ("storage.k8s.io", "csistoragecapacities"),
        ("storage.k8s.io", "storageclasses"),
        ("storage.k8s.io", "volumeattributesclasses"),
    ];
    const WHOLE: [(&str, &str); 4] = [
        ("", "limitranges"),
        ("discovery.k8s.io", "endpointslices"),
        ("storage.k8s.io", "csinodes"),
        ("storage.k8s.io", "volumeattachments"),
    ];
    let checks = |whole, changes| MetadataChecks { whole, changes };
    match (group, plural) {
        ("", "events") | ("policy", "poddisruptionbudgets") => checks(0, 0),
        ("", "persistentvolumes") => checks(2, 0),
        ("admissionregistration.k8s.io" | "flowcontrol.apiserver.k8s.io", _) => checks(1, 0),
        ("rbac.authorization.k8s.io", _) => checks(1, 1),
        one if BOTH.contains(&one) => checks(1, 1),
        one if WHOLE.contains(&one) => checks(1, 0),
        _ => MetadataChecks::default(),
    }
}

/// Resources whose store returns the deleted object (`ReturnDeletedObject`).
fn returns_deleted(group: &str, plural: &str) -> bool {
    match group {
        "" => matches!(
            plural,
            "namespaces"
                | "persistentvolumeclaims"
                | "persistentvolumes"
                | "pods"
                | "podtemplates"
                | "resourcequotas"
                | "serviceaccounts"
                | "services"
        ),
        "storage.k8s.io" => plural != "csistoragecapacities",
        "resource.k8s.io" => true,
        _ => false,
    }
}
