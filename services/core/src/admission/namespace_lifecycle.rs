//! NamespaceLifecycle: nothing is made in a namespace that is absent or terminating.

use std::sync::Arc;

use async_trait::async_trait;
use catena_objects::{Status, status::Cause};
use catena_registry::{Admission, Attributes, Operation};

use super::forbidden;
use crate::reader::ObjectReader;

const IMMORTAL: [&str; 3] = ["default", "kube-system", "kube-public"];

pub(super) struct NamespaceLifecycle {
    pub(super) reader: Arc<dyn ObjectReader>,
}

#[async_trait]
impl Admission for NamespaceLifecycle {
    fn handles(&self, operation: Operation, group: &str, resource: &str, _sub: &str) -> bool {
        match operation {
            Operation::Create | Operation::Update => {
                !(group == "authorization.k8s.io" && resource == "localsubjectaccessreviews")
            }
            Operation::Delete => group.is_empty() && resource == "namespaces",
            Operation::Connect => false,
        }
    }

    async fn admit(&self, a: &mut Attributes<'_>) -> Result<(), Status> {
        let is_namespace = a.resource.group.is_empty() && a.resource.plural == "namespaces";
        if a.operation == Operation::Delete && IMMORTAL.contains(&a.name) {
            let why = "this namespace may not be deleted";
            return Err(Status::forbidden("", "namespaces", a.name, why));
        }
        if is_namespace || !a.resource.namespaced || a.ctx.namespace.is_empty() {
            return Ok(());
        }
        let ns = a.ctx.namespace.as_str();
        let Some(found) = self.reader.known("", "namespaces", "", ns).await? else {
            return Err(Status::not_found("", "namespaces", ns));
        };
        if a.operation != Operation::Create || found.str_at(&["status", "phase"]) != "Terminating" {
            return Ok(());
        }
        let why = format!(
            "unable to create new content in namespace {ns} because it is being terminated"
        );
        let mut status = forbidden(a, &why);
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
