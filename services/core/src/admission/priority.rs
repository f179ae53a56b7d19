//! Priority: pods get the value of their class; one class is the default.

use std::sync::Arc;

use async_trait::async_trait;
use catena_objects::{Status, Value, meta};
use catena_registry::{Admission, Attributes, Operation};

use super::forbidden;
use crate::reader::ObjectReader;

const GROUP: &str = "scheduling.k8s.io";
const PREEMPT: &str = "PreemptLowerPriority";

pub(super) struct Priority {
    pub(super) reader: Arc<dyn ObjectReader>,
}

#[async_trait]
impl Admission for Priority {
    fn handles(&self, operation: Operation, group: &str, resource: &str, sub: &str) -> bool {
        matches!(operation, Operation::Create | Operation::Update)
            && sub.is_empty()
            && matches!((group, resource), ("", "pods") | (GROUP, "priorityclasses"))
    }

    async fn admit(&self, a: &mut Attributes<'_>) -> Result<(), Status> {
        if a.resource.plural != "pods" {
            return Ok(());
        }
        if a.operation == Operation::Update {
            keep(a);
            return Ok(());
        }
        let Some(pod) = a.object.as_deref() else {
            return Ok(());
        };
        let name = pod.str_at(&["spec", "priorityClassName"]).to_owned();
        let (name, value, policy) = self.resolve(a, &name).await?;
        let Some(pod) = a.object.as_deref() else {
            return Ok(());
        };
        if pod
            .i64_at(&["spec", "priority"])
            .is_some_and(|p| p != value)
        {
            let given = pod.i64_at(&["spec", "priority"]).unwrap_or(0);
            let why = format!(
                "the integer value of priority ({given}) must not be provided in pod spec; priority admission controller computed {value} from the given PriorityClass name"
            );
            return Err(forbidden(a, &why));
        }
        let given = pod.str_at(&["spec", "preemptionPolicy"]);
        if !given.is_empty() && given != policy {
            let why = format!(
                "the string value of PreemptionPolicy ({given}) must not be provided in pod spec; priority admission controller computed {policy} from the given PriorityClass name"
            );
            return Err(forbidden(a, &why));
        }
        let Some(pod) = a.object.as_deref_mut() else {
            return Ok(());
        };
        if !name.is_empty() {
            pod.set(&["spec", "priorityClassName"], name);
        }
        pod.set(&["spec", "priority"], value);
        pod.set(&["spec", "preemptionPolicy"], policy);
        Ok(())
    }

    async fn validate(&self, a: &Attributes<'_>) -> Result<(), Status> {
        if a.resource.plural != "priorityclasses" {
            return Ok(());
        }
        let Some(class) = a.object.as_deref() else {
            return Ok(());
        };
        if class.bool_at(&["globalDefault"]) != Some(true) {
            return Ok(());
        }
        let Some(other) = self.default_class().await? else {
            return Ok(());
        };
        let name = meta::name(&other);
        if name != meta::name(class) {
            let why = format!(
                "PriorityClass {name} is already marked as default. Only one default can exist"
            );
            return Err(forbidden(a, &why));
        }
        Ok(())
    }
}

impl Priority {
    async fn default_class(&self) -> Result<Option<Value>, Status> {
        let all = self.reader.list_known(GROUP, "priorityclasses", "").await?;
        let value = |c: &Value| c.i64_at(&["value"]).unwrap_or(0);
        Ok(all
            .into_iter()
            .filter(|c| c.bool_at(&["globalDefault"]) == Some(true))
            .min_by_key(value))
    }

    /// Name, value and preemption policy for a class name, "" for the default.
    async fn resolve(
        &self,
        a: &Attributes<'_>,
        name: &str,
    ) -> Result<(String, i64, String), Status> {
        let class = if name.is_empty() {
            self.default_class().await?
        } else {
            let found = self
                .reader
                .known(GROUP, "priorityclasses", "", name)
                .await?;
            if found.is_none() {
                let why = format!("no PriorityClass with name {name} was found");
                return Err(forbidden(a, &why));
            }
            found
        };
        Ok(class.map_or((String::new(), 0, PREEMPT.to_owned()), |c| {
            let policy = match c.str_at(&["preemptionPolicy"]) {
                "" => PREEMPT,
                policy => policy,
            };
            (
                meta::name(&c).to_owned(),
                c.i64_at(&["value"]).unwrap_or(0),
                policy.to_owned(),
            )
        }))
    }
}

/// An update that leaves the priority out keeps the old one.
fn keep(a: &mut Attributes<'_>) {
    let (Some(pod), Some(old)) = (a.object.as_deref_mut(), a.old) else {
        return;
    };
    for path in [["spec", "priority"], ["spec", "preemptionPolicy"]] {
        if let Some(v) = old.at(&path) {
            pod.set_default(&path, v.clone());
        }
    }
}
