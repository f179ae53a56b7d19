//! Admission of custom resources.

use std::sync::Arc;

use async_trait::async_trait;
use catena_objects::{Status, status::Cause};
use catena_registry::{Admission, Attributes, Operation};

use crate::namespaces::Namespaces;

/// Nothing new while the definition is on its way out.
pub(super) struct NotTerminating {
    pub(super) terminating: bool,
}

#[async_trait]
impl Admission for NotTerminating {
    fn handles(&self, operation: Operation, _: &str, _: &str, _: &str) -> bool {
        self.terminating && operation == Operation::Create
    }

    async fn admit(&self, a: &mut Attributes<'_>) -> Result<(), Status> {
        let why = "create not allowed while custom resource definition is terminating";
        let r = a.resource;
        Err(Status::forbidden(&r.group, &r.plural, a.name, why))
    }
}

/// Nothing is made in a namespace that is absent or terminating.
pub(super) struct NamespaceLifecycle {
    pub(super) namespaces: Arc<Namespaces>,
}

#[async_trait]
impl Admission for NamespaceLifecycle {
    fn handles(&self, operation: Operation, _: &str, _: &str, _: &str) -> bool {
        operation == Operation::Create
    }

    async fn admit(&self, a: &mut Attributes<'_>) -> Result<(), Status> {
        let ns = a.ctx.namespace.as_str();
        if !a.resource.namespaced || ns.is_empty() {
            return Ok(());
        }
        let Some(found) = self.namespaces.get(ns).await? else {
            return Err(Status::not_found("", "namespaces", ns));
        };
        if found.str_at(&["status", "phase"]) != "Terminating" {
            return Ok(());
        }
        let why = format!(
            "unable to create new content in namespace {ns} because it is being terminated"
        );
        let r = a.resource;
        let mut status = Status::forbidden(&r.group, &r.plural, a.name, &why);
        if let Some(details) = &mut status.details {
            details.causes.push(Cause {
                reason: "NamespaceTerminating".into(),
                message: format!("namespace {ns} is being terminated"),
                field: "metadata.namespace".into(),
            });
        }
        Err(status)
    }
}
