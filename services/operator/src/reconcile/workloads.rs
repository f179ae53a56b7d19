//! The pods of each process, in the safe order.

use serde_json::{Value, json};

use super::{apply::Work, pods};
use crate::{
    apply::MANAGER,
    error::Error,
    objects::{self, Key},
    rollout,
    scale::{SCALED, Services},
    storage::restore::Mode,
};

impl Work<'_> {
    /// Applies the pods of each process when those before it are as they should
    /// be. What does not change pods, and what is not there yet, never waits.
    pub(super) async fn workloads(
        &mut self,
        mode: Mode,
        held: Option<String>,
    ) -> Result<(), Error> {
        self.seen.waits = held;
        for process in rollout::ORDER {
            let Some(object) = self.workload(process).cloned() else {
                if SCALED.contains(&process) {
                    self.services().remove(process).await?;
                }
                continue;
            };
            let live = self.workload_of(process, object, mode).await?;
            if let Some(what) = rollout::waiting(&live)
                && self.seen.waits.is_none()
            {
                let trouble = pods::trouble(&self.applier, &live).await?;
                let trouble = trouble.map_or(String::new(), |t| format!(": {t}"));
                self.seen.waits = Some(format!("{process} waits for {what}{trouble}"));
            }
            self.seen.workloads.push(live);
        }
        Ok(())
    }

    fn services(&self) -> Services<'_> {
        Services::new(
            &self.applier,
            self.plane.metadata.name.as_deref().unwrap_or_default(),
        )
    }

    async fn workload_of(
        &self,
        process: &str,
        mut object: Value,
        mode: Mode,
    ) -> Result<Value, Error> {
        let template = rollout::template(&object);
        object["metadata"]["annotations"][rollout::TEMPLATE] = json!(template);
        let asked = object["spec"]["replicas"]
            .as_i64()
            .and_then(|n| i32::try_from(n).ok());
        let scaled = SCALED.contains(&process);
        if let Some(asked) = asked.filter(|_| scaled) {
            let replicas = self.services().replicas(process, asked).await?;
            object["spec"]["replicas"] = json!(replicas);
        }
        let key = Key::of(&object)?;
        let before = self.applier.get(&key).await?;
        let before = before.filter(|b| self.applier.owns(b));
        let before = before.as_ref().map(objects::value).transpose()?;
        if mode == Mode::Stop {
            object["spec"]["replicas"] = json!(0);
        } else if let (None, Some(before)) = (asked, &before) {
            hand_over(before, &mut object);
        }
        let held = self.seen.waits.is_some() && mode == Mode::Run;
        let applied = |b: &Value| b["metadata"]["annotations"][rollout::TEMPLATE].clone();
        let live = match before {
            Some(before) if held && applied(&before) != json!(template) => {
                self.as_it_was(process, &object, before).await?
            }
            _ => objects::value(&self.applier.apply(&object).await?)?,
        };
        if process == "store" {
            pods::free_a_stuck_one(&self.applier, &live).await?;
        }
        if scaled {
            let wanted = rollout::status(&live).desired;
            let asked = asked.unwrap_or(wanted);
            self.services().tell(process, &live, asked).await?;
        }
        Ok(live)
    }

    /// Keeps the pods of a process that has to wait, but not their number.
    async fn as_it_was(
        &self,
        process: &str,
        wanted: &Value,
        before: Value,
    ) -> Result<Value, Error> {
        let template = before["metadata"]["annotations"][rollout::TEMPLATE].clone();
        let earlier = self.target.history.workload(process, &template);
        // It may be older than all that is kept.
        let Some(mut object) = earlier.cloned() else {
            return Ok(before);
        };
        object["metadata"]["annotations"][rollout::TEMPLATE] = template;
        match wanted["spec"].get("replicas") {
            Some(replicas) => object["spec"]["replicas"] = replicas.clone(),
            None => hand_over(&before, &mut object),
        }
        objects::value(&self.applier.apply(&object).await?)
    }
}

/// Replicas that an autoscaler will set, but has not yet, stay as they are: what
/// nobody applies any more would become 1.
fn hand_over(before: &Value, object: &mut Value) {
    let managers = before["metadata"]["managedFields"].as_array();
    let set = |m: &Value| !m["fieldsV1"]["f:spec"]["f:replicas"].is_null();
    let mut others = managers
        .into_iter()
        .flatten()
        .filter(|m| m["manager"] != MANAGER);
    if !others.any(set) {
        // An autoscaler leaves none alone.
        let replicas = before["spec"]["replicas"].as_i64().unwrap_or(1);
        object["spec"]["replicas"] = json!(replicas.max(1));
    }
}
