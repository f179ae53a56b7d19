//! The declaration of the definitions themselves.

use std::sync::Arc;

use catena_registry::{Resource, Version, hooks::NoHooks};
use catena_schema::{Node, Type};

use super::{Definition, GROUP, KIND, PLURAL, VERSION};
use crate::custom::VERBS;

pub(crate) fn resource() -> Resource {
    let schema = catena_schema::builtin(GROUP, VERSION, KIND)
        .unwrap_or_else(|| Arc::new(Node::of(Type::Any)));
    Resource {
        group: GROUP.to_owned(),
        plural: PLURAL.to_owned(),
        singular: KIND.to_lowercase(),
        kind: KIND.to_owned(),
        list_kind: format!("{KIND}List"),
        short_names: vec!["crd".to_owned(), "crds".to_owned()],
        categories: vec!["api-extensions".to_owned()],
        namespaced: false,
        verbs: VERBS.iter().map(|v| (*v).to_owned()).collect(),
        versions: vec![Version {
            name: VERSION.to_owned(),
            schema,
            conversion: None,
            printer: catena_printers::builtin(GROUP, VERSION, PLURAL),
            own_annotations: &[],
            deprecation_warning: None,
        }],
        storage_version: 0,
        key_prefix: format!("/registry/{GROUP}/{PLURAL}"),
        selectable_fields: Vec::new(),
        subresources: vec!["status".to_owned()],
        handlers: Vec::new(),
        scale: None,
        strategy: Arc::new(Definition),
        hooks: Arc::new(NoHooks),
        admission: Arc::default(),
        custom: false,
        connects: Vec::new(),
        unconditional_update: false,
        metadata_checks: Default::default(),
        returns_deleted: false,
    }
}
