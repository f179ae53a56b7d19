//! RuntimeClass: pods take overhead and scheduling of their class.

use std::sync::Arc;

use async_trait::async_trait;
use catena_objects::Status;
use catena_registry::{Admission, Attributes, Operation};

use super::forbidden;
use crate::{
    reader::ObjectReader,
    steps::{is_set, members, same},
};

pub(super) struct RuntimeClass {
    pub(super) reader: Arc<dyn ObjectReader>,
}

#[async_trait]
impl Admission for RuntimeClass {
    fn handles(&self, operation: Operation, group: &str, resource: &str, sub: &str) -> bool {
        operation == Operation::Create && group.is_empty() && resource == "pods" && sub.is_empty()
    }

    async fn admit(&self, a: &mut Attributes<'_>) -> Result<(), Status> {
        let Some(pod) = a.object.as_deref() else {
            return Ok(());
        };
        let name = pod.str_at(&["spec", "runtimeClassName"]).to_owned();
        if name.is_empty() {
            if is_set(pod, &["spec", "overhead"]) {
                let why = "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead";
                return Err(forbidden(a, why));
            }
            return Ok(());
        }
        let Some(class) = self
            .reader
            .known("node.k8s.io", "runtimeclasses", "", &name)
            .await?
        else {
            let why = format!("pod rejected: RuntimeClass {name:?} not found");
            return Err(forbidden(a, &why));
        };
        let overhead = class.at(&["overhead", "podFixed"]).cloned();
        let Some(pod) = a.object.as_deref_mut() else {
            return Ok(());
        };
        if let Some(overhead) = overhead {
            if is_set(pod, &["spec", "overhead"])
                && !same(pod.at(&["spec", "overhead"]), Some(&overhead))
            {
                let why =
                    "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead";
                return Err(forbidden(a, why));
            }
            pod.set(&["spec", "overhead"], overhead);
        }
        for (key, value) in members(&class, &["scheduling", "nodeSelector"]) {
            let path = ["spec", "nodeSelector", key];
            if pod.at(&path).is_some_and(|v| v != value) {
                let why = "pod rejected: conflict: runtimeClass.scheduling.nodeSelector";
                return Err(forbidden(a, why));
            }
            pod.set(&path, value.clone());
        }
        let more = class.items_at(&["scheduling", "tolerations"]);
        if !more.is_empty() {
            let mut all = pod.items_at(&["spec", "tolerations"]).to_vec();
            for toleration in more {
                if !all.contains(toleration) {
                    all.push(toleration.clone());
                }
            }
            pod.set(&["spec", "tolerations"], all);
        }
        Ok(())
    }
}
