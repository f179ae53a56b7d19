//! Custom resources: a definition becomes a declaration of a resource.

mod admission;
mod conversion;
mod embedded;
mod printer;
mod scale;
mod schemas;
mod strategy;

use std::sync::Arc;

use catena_registry::{Admission, Resource, Version, hooks::NoHooks};
use catena_schema::{Node, Type};

pub(crate) use schemas::Schemas;

use crate::{entry::Entry, namespaces::Namespaces};

/// Verbs of custom resources; those of a terminating definition lack the writes.
pub(crate) const VERBS: [&str; 8] = [
    "delete",
    "deletecollection",
    "get",
    "list",
    "patch",
    "create",
    "update",
    "watch",
];
const READS: [&str; 5] = ["delete", "deletecollection", "get", "list", "watch"];

/// The resource of a definition with the rules of one of its versions.
pub(crate) fn resource(
    entry: &Entry,
    schemas: &Arc<Schemas>,
    version: usize,
    namespaces: &Arc<Namespaces>,
) -> Resource {
    let own = &schemas.versions[version];
    let versions = schemas
        .versions
        .iter()
        .enumerate()
        .map(|(i, v)| Version {
            name: v.name.clone(),
            schema: v.typed.clone(),
            conversion: conversion::between(entry, schemas, i),
            printer: v.printer.clone(),
            // The delegate warns on every verb, not only on writes.
            own_annotations: &[],
            deprecation_warning: None,
        })
        .collect();
    let plugins: Vec<Arc<dyn Admission>> = vec![
        Arc::new(admission::NotTerminating {
            terminating: entry.terminating,
        }),
        Arc::new(admission::NamespaceLifecycle {
            namespaces: namespaces.clone(),
        }),
    ];
    Resource {
        // The endpoints stay while the definition terminates; discovery hides writes.
        verbs: VERBS.iter().map(|v| (*v).to_owned()).collect(),
        versions,
        selectable_fields: own.selectable.iter().map(|s| s.name.clone()).collect(),
        scale: own.scale.as_ref().map(|s| s.paths.clone()),
        strategy: Arc::new(strategy::Custom {
            schemas: schemas.clone(),
            version,
            group: entry.group.clone(),
            repairs: entry.generation > 1 || entry.versions.len() > 1,
        }),
        admission: Arc::new(plugins),
        ..card(entry, version)
    }
}

/// Names only, for discovery: nothing is compiled.
pub(crate) fn card(entry: &Entry, version: usize) -> Resource {
    let names = &entry.accepted;
    let own = &entry.versions[version];
    let any = Arc::new(Node::of(Type::Any));
    let owned = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect();
    Resource {
        group: entry.group.clone(),
        plural: entry.wanted.plural.clone(),
        singular: names.singular.clone(),
        kind: names.kind.clone(),
        list_kind: names.list_kind.clone(),
        short_names: names.short_names.clone(),
        categories: names.categories.clone(),
        namespaced: entry.namespaced,
        verbs: if entry.terminating {
            owned(&READS)
        } else {
            owned(&VERBS)
        },
        versions: entry
            .versions
            .iter()
            .map(|v| Version {
                name: v.name.clone(),
                schema: any.clone(),
                conversion: None,
                printer: Arc::new(catena_printers::Fallback),
                own_annotations: &[],
                deprecation_warning: None,
            })
            .collect(),
        storage_version: entry.storage(),
        key_prefix: format!("/registry/{}/{}", entry.group, entry.wanted.plural),
        selectable_fields: Vec::new(),
        subresources: if own.status {
            owned(&["status"])
        } else {
            Vec::new()
        },
        handlers: Vec::new(),
        scale: own.scale.then(scale::unknown),
        strategy: Arc::new(catena_registry::strategy::Plain),
        hooks: Arc::new(NoHooks),
        admission: Arc::default(),
        custom: true,
        connects: Vec::new(),
        unconditional_update: false,
        metadata_checks: Default::default(),
        returns_deleted: false,
    }
}
