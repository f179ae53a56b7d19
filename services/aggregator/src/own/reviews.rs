//! Reviews: questions to the authenticator and the authorizer by POST.

use std::sync::Arc;

use async_trait::async_trait;
use catena_auth::Auth;
use catena_objects::{Status, Value};
use catena_registry::{
    Context, Handler, Resource, Store, Version, hooks::NoHooks, strategy::Plain,
};
use catena_schema::{Node, Type};

const AUTHENTICATION: &str = "authentication.k8s.io";
const AUTHORIZATION: &str = "authorization.k8s.io";

/// group, plural, kind, namespaced.
const REVIEWS: [(&str, &str, &str, bool); 6] = [
    (AUTHENTICATION, "tokenreviews", "TokenReview", false),
    (
        AUTHENTICATION,
        "selfsubjectreviews",
        "SelfSubjectReview",
        false,
    ),
    (
        AUTHORIZATION,
        "subjectaccessreviews",
        "SubjectAccessReview",
        false,
    ),
    (
        AUTHORIZATION,
        "selfsubjectaccessreviews",
        "SelfSubjectAccessReview",
        false,
    ),
    (
        AUTHORIZATION,
        "selfsubjectrulesreviews",
        "SelfSubjectRulesReview",
        false,
    ),
    (
        AUTHORIZATION,
        "localsubjectaccessreviews",
        "LocalSubjectAccessReview",
        true,
    ),
];

pub(super) fn declarations(auth: &Arc<Auth>) -> Vec<Resource> {
    REVIEWS
        .iter()
        .map(|(group, plural, kind, namespaced)| {
            declaration(auth, group, plural, kind, *namespaced)
        })
        .collect()
}

fn declaration(
    auth: &Arc<Auth>,
    group: &'static str,
    plural: &'static str,
    kind: &'static str,
    namespaced: bool,
) -> Resource {
    let handler: Arc<dyn Handler> = Arc::new(Review {
        auth: auth.clone(),
        group,
        kind,
    });
    Resource {
        group: group.to_owned(),
        plural: plural.to_owned(),
        singular: kind.to_ascii_lowercase(),
        kind: kind.to_owned(),
        list_kind: format!("{kind}List"),
        short_names: Vec::new(),
        categories: Vec::new(),
        namespaced,
        verbs: vec!["create".to_owned()],
        versions: vec![Version {
            name: "v1".to_owned(),
            schema: catena_schema::builtin(group, "v1", kind)
                .unwrap_or_else(|| Arc::new(Node::of(Type::Any))),
            conversion: None,
            printer: catena_printers::builtin(group, "v1", plural),
            own_annotations: &[],
            deprecation_warning: None,
        }],
        storage_version: 0,
        key_prefix: format!("/registry/{plural}"),
        selectable_fields: Vec::new(),
        subresources: Vec::new(),
        handlers: vec![(String::new(), handler)],
        scale: None,
        strategy: Arc::new(Plain),
        hooks: Arc::new(NoHooks),
        admission: Arc::default(),
        custom: false,
        connects: Vec::new(),
        unconditional_update: false,
        metadata_checks: Default::default(),
        returns_deleted: false,
    }
}

struct Review {
    auth: Arc<Auth>,
    group: &'static str,
    kind: &'static str,
}

#[async_trait]
impl Handler for Review {
    fn kind(&self) -> (&str, &str, &str) {
        (self.group, "v1", self.kind)
    }

    async fn create(
        &self,
        ctx: &Context,
        _store: &Store,
        _name: &str,
        body: Value,
    ) -> Result<(u16, Value), Status> {
        let answer = self
            .auth
            .review(self.kind, &ctx.user, &ctx.namespace, body)
            .await?;
        Ok((201, answer))
    }
}
