//! ServiceAccount: `ValidateServiceAccount*`; metadata rules only.

use catena_objects::{Value, field::Errors, obj};
use catena_registry::{Context, Strategy};

use crate::steps::{each, kube_finalizers};

const MOUNTABLE: &str = "kubernetes.io/enforce-mountable-secrets";

#[derive(Debug)]
pub struct ServiceAccount;

impl Strategy for ServiceAccount {
    /// A ServiceAccount has no status to keep.
    fn prepare_update(&self, _ctx: &Context, object: &mut Value, _old: &Value) {
        only_names(object);
    }

    fn prepare_create(&self, _ctx: &Context, object: &mut Value) {
        only_names(object);
    }

    fn validate(&self, _ctx: &Context, object: &Value) -> Errors {
        kube_finalizers(object)
    }

    fn warnings(&self, _ctx: &Context, object: &Value, old: Option<&Value>) -> Vec<String> {
        let had = |v: &Value| v.at(&["metadata", "annotations", MOUNTABLE]).is_some();
        if !had(object) || old.is_some_and(had) {
            return Vec::new();
        }
        vec![format!(
            "metadata.annotations[{MOUNTABLE}]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets"
        )]
    }
}

/// `cleanSecretReferences`: of a secret only the name is kept.
fn only_names(object: &mut Value) {
    each(object, &["secrets"], |secret| {
        let only = match secret.get("name").cloned() {
            Some(name) => obj!({"name": name}),
            None => Value::object(),
        };
        *secret = only;
    });
}
