//! The declaration of APIService.

use std::sync::Arc;

use catena_objects::{Status, Value};
use catena_registry::{Context, Resource, Store, Version, hooks::NoHooks, options::Preconditions};
use catena_schema::{Node, Type};

use super::{GROUP, PLURAL, printer::ApiServicePrinter, strategy::ApiServiceStrategy};

/// The resource as the endpoints serve it.
pub(crate) fn declaration() -> Resource {
    let schema = catena_schema::builtin(GROUP, "v1", "APIService")
        .unwrap_or_else(|| Arc::new(Node::of(Type::Any)));
    let verbs = [
        "create",
        "delete",
        "deletecollection",
        "get",
        "list",
        "patch",
        "update",
        "watch",
    ];
    Resource {
        group: GROUP.to_owned(),
        plural: PLURAL.to_owned(),
        singular: "apiservice".to_owned(),
        kind: "APIService".to_owned(),
        list_kind: "APIServiceList".to_owned(),
        short_names: Vec::new(),
        categories: vec!["api-extensions".to_owned()],
        namespaced: false,
        verbs: verbs.map(str::to_owned).to_vec(),
        versions: vec![Version {
            name: "v1".to_owned(),
            schema,
            conversion: None,
            printer: Arc::new(ApiServicePrinter),
            own_annotations: &[],
            deprecation_warning: None,
        }],
        storage_version: 0,
        key_prefix: format!("/registry/{GROUP}/{PLURAL}"),
        selectable_fields: Vec::new(),
        subresources: vec!["status".to_owned()],
        handlers: Vec::new(),
        scale: None,
        strategy: Arc::new(ApiServiceStrategy),
        hooks: Arc::new(NoHooks),
        admission: Arc::default(),
        custom: false,
        connects: Vec::new(),
        unconditional_update: false,
        metadata_checks: Default::default(),
        returns_deleted: false,
    }
}

/// Changes an APIService in storage.
pub(super) async fn update(
    store: &Store,
    ctx: &Context,
    name: &str,
    change: impl Fn(&Value) -> Value + Send + Sync,
) -> Result<(), Status> {
    let change = |live: Option<&Value>| live.map(&change).ok_or_else(|| store.not_found(name));
    store
        .update(ctx, name, &Preconditions::default(), false, &change)
        .await
        .map(drop)
}
