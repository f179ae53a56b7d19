//! Admission of custom resources.

use std::sync::Arc;

use async_trait::async_trait;
use catena_objects::{Status, Value, json, status::Cause};
use catena_registry::{Admission, Attributes, Operation, codec};
use catena_storage::{RangeRequest, Storage};

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
    pub(super) storage: Arc<dyn Storage>,
}

impl NamespaceLifecycle {
    /// The namespace as core stores it; `None` when there is none.
    async fn namespace(&self, name: &str) -> Result<Option<Value>, Status> {
        let key = format!("/registry/namespaces/{name}");
        let answer = self
            .storage
            .range(RangeRequest::key(key))
            .await
            .map_err(codec::storage_error)?;
        let Some(kv) = answer.kvs.into_iter().next() else {
            return Ok(None);
        };
        if kv.value.starts_with(catena_protobuf::MAGIC) {
            return catena_protobuf::decode_envelope(&kv.value)
                .map(Some)
                .map_err(|e| Status::internal(e.to_string()));
        }
        json::parse(&kv.value)
            .map(Some)
            .map_err(|e| Status::internal(e.to_string()))
    }
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
        let Some(found) = self.namespace(ns).await? else {
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
