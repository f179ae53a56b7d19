//! DefaultStorageClass and DefaultIngressClass: what names no class gets the default one.

use std::sync::Arc;

use async_trait::async_trait;
use catena_objects::{Status, Value, meta};
use catena_registry::{Admission, Attributes, Operation};

use crate::{reader::ObjectReader, steps::is_set};

fn is_default(class: &Value, annotations: &[&str]) -> bool {
    annotations
        .iter()
        .any(|a| meta::annotation(class, a) == Some("true"))
}

/// The newest default; of equally old ones the first by name.
fn newest(mut classes: Vec<Value>) -> Option<String> {
    let made = |c: &Value| c.str_at(&["metadata", "creationTimestamp"]).to_owned();
    classes.sort_by(|a, b| {
        made(b)
            .cmp(&made(a))
            .then_with(|| meta::name(a).cmp(meta::name(b)))
    });
    classes.first().map(|c| meta::name(c).to_owned())
}

pub(super) struct DefaultStorageClass {
    pub(super) reader: Arc<dyn ObjectReader>,
}

#[async_trait]
impl Admission for DefaultStorageClass {
    fn handles(&self, operation: Operation, group: &str, resource: &str, sub: &str) -> bool {
        operation == Operation::Create
            && group.is_empty()
            && resource == "persistentvolumeclaims"
            && sub.is_empty()
    }

    async fn admit(&self, a: &mut Attributes<'_>) -> Result<(), Status> {
        let Some(claim) = a.object.as_deref_mut() else {
            return Ok(());
        };
        let named = meta::annotation(claim, "volume.beta.kubernetes.io/storage-class").is_some();
        if named || is_set(claim, &["spec", "storageClassName"]) {
            return Ok(());
        }
        let marks = [
            "storageclass.kubernetes.io/is-default-class",
            "storageclass.beta.kubernetes.io/is-default-class",
        ];
        let mut classes = self
            .reader
            .list_known("storage.k8s.io", "storageclasses", "")
            .await?;
        classes.retain(|c| is_default(c, &marks));
        if let Some(name) = newest(classes) {
            claim.set(&["spec", "storageClassName"], name);
        }
        Ok(())
    }
}

pub(super) struct DefaultIngressClass {
    pub(super) reader: Arc<dyn ObjectReader>,
}

#[async_trait]
impl Admission for DefaultIngressClass {
    fn handles(&self, operation: Operation, group: &str, resource: &str, sub: &str) -> bool {
        operation == Operation::Create
            && group == "networking.k8s.io"
            && resource == "ingresses"
            && sub.is_empty()
    }

    async fn admit(&self, a: &mut Attributes<'_>) -> Result<(), Status> {
        let Some(ingress) = a.object.as_deref() else {
            return Ok(());
        };
        let named = meta::annotation(ingress, "kubernetes.io/ingress.class").is_some();
        if named || is_set(ingress, &["spec", "ingressClassName"]) {
            return Ok(());
        }
        let mut classes = self
            .reader
            .list_known("networking.k8s.io", "ingressclasses", "")
            .await?;
        classes.retain(|c| is_default(c, &["ingressclass.kubernetes.io/is-default-class"]));
        let name = newest(classes);
        if let (Some(ingress), Some(name)) = (a.object.as_deref_mut(), name) {
            ingress.set(&["spec", "ingressClassName"], name);
        }
        Ok(())
    }
}
