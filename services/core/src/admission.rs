//! Admission plugins that are on by default, in kube-apiserver's order.

use std::sync::Arc;

use catena_objects::Status;
use catena_registry::{Admission, Attributes};

use crate::reader::ObjectReader;

mod certificates;
mod default_class;
mod escalation;
mod limit_ranger;
mod namespace_lifecycle;
mod pod_security;
mod pods;
mod priority;
mod resource_quota;
mod runtime_class;
mod service_account;
mod storage_protection;

/// The plugins, joined with what they read.
pub fn plugins(reader: Arc<dyn ObjectReader>) -> Vec<Arc<dyn Admission>> {
    vec![
        Arc::new(namespace_lifecycle::NamespaceLifecycle {
            reader: reader.clone(),
        }),
        Arc::new(limit_ranger::LimitRanger {
            reader: reader.clone(),
        }),
        Arc::new(service_account::ServiceAccount {
            reader: reader.clone(),
        }),
        Arc::new(pods::TaintNodesByCondition),
        Arc::new(pod_security::PodSecurity {
            reader: reader.clone(),
        }),
        Arc::new(priority::Priority {
            reader: reader.clone(),
        }),
        Arc::new(pods::DefaultTolerationSeconds),
        Arc::new(storage_protection::StorageObjectInUseProtection),
        Arc::new(runtime_class::RuntimeClass {
            reader: reader.clone(),
        }),
        Arc::new(certificates::Signers {
            reader: reader.clone(),
        }),
        Arc::new(default_class::DefaultStorageClass {
            reader: reader.clone(),
        }),
        Arc::new(default_class::DefaultIngressClass {
            reader: reader.clone(),
        }),
        Arc::new(resource_quota::ResourceQuota {
            reader: reader.clone(),
        }),
        // Not a plugin of kube-apiserver, which checks in the storage of RBAC: after admission.
        Arc::new(escalation::Escalation { reader }),
    ]
}

/// `admission.NewForbidden`: about the resource and the object's (generate) name.
fn forbidden(a: &Attributes<'_>, why: &str) -> Status {
    let generated = a
        .object
        .as_ref()
        .map_or("", |o| o.str_at(&["metadata", "generateName"]));
    let name = match (a.name, generated) {
        ("", "") => "Unknown",
        ("", base) => base,
        (name, _) => name,
    };
    Status::forbidden(&a.resource.group, &a.resource.plural, name, why)
}
