//! The steps of a reconciliation.

use std::time::{Duration, SystemTime};

use catena_runtime::flags;
use kube::{ResourceExt as _, runtime::controller::Action};
use serde_json::{Value, json};

use super::{
    Context,
    status::{self, Seen},
    target::{self, Target},
};
use crate::{
    api::{
        BackupState, ControlPlane, ControlPlaneStatus, FailedRevision, Issuer, RestorePhase,
        RevisionState, UpgradeStatus, annotations,
    },
    apply::{Applier, Inventory, MANAGER},
    certificates::{self, Identity, Policy},
    cleanup, conditions,
    error::Error,
    events, kubeconfig,
    objects::{self, Key},
    render, rollout,
    scale::{SCALED, Services},
    storage::{
        backup::Backups,
        health::{self, Health},
        job::Subject,
        restore::{self, Mode},
    },
    values,
};

/// How often a control plane is looked at that nothing happens to: what is asked
/// of an etcd, and kinds that are not watched.
const RESYNC: Duration = Duration::from_secs(60);
/// While something is waited for that is not watched.
const SOON: Duration = Duration::from_secs(2);

/// Everything that the steps share.
struct Work<'a> {
    plane: &'a ControlPlane,
    context: &'a Context,
    applier: Applier,
    inventory: Inventory,
    target: Target,
    /// Rendered objects, without declarations that are not applied.
    objects: Vec<Value>,
    full_name: String,
    seen: Seen,
}

pub(super) async fn run(
    plane: &ControlPlane,
    context: &Context,
    status: &mut ControlPlaneStatus,
) -> Result<Action, Error> {
    if plane.spec.paused {
        status::paused(plane, status);
        return Ok(Action::requeue(RESYNC));
    }
    let applier = Applier::new(context.client.clone(), plane, context.applied.clone())?;
    let inventory = Inventory::read(&applier).await?;
    let target = target::choose(&applier, plane, context, status).await?;
    let declared = values::by_cert_manager(&plane.spec);
    let kept = |o: &&Value| declared || !certificates::is_declaration(o);
    let mut work = Work {
        objects: target
            .revision
            .objects
            .iter()
            .filter(kept)
            .cloned()
            .collect(),
        full_name: render::full_name(&target.revision.objects)?,
        plane,
        context,
        applier,
        inventory,
        target,
        seen: Seen::default(),
    };
    work.all(status).await
}

impl Work<'_> {
    async fn all(&mut self, status: &mut ControlPlaneStatus) -> Result<Action, Error> {
        let identities = certificates::identities(&self.target.revision.objects);
        let keys = self.remember(&identities).await?;
        self.certificates(&identities).await?;
        self.base().await?;
        let wanted = self.plane.spec.storage.restore_from.as_ref();
        status.restore = restore::begin(wanted, &self.inventory, status.restore.as_ref())?;
        let held = self.backup_before(status).await?;
        self.begin_upgrade(status, held.is_none());
        self.workloads(restore::mode(status.restore.as_ref()), held)
            .await?;
        self.inventory.prune(&self.applier, &keys).await?;
        self.storage().await?;
        self.restore(status).await?;
        self.backups(status).await?;
        let failed = self.judge(status).await?;
        status::tell(self.plane, &self.target, &self.seen, status);
        status.kubeconfig_secret = self.named(kubeconfig::SECRET).map(|o| {
            let name = &o["metadata"]["name"];
            name.as_str().unwrap_or_default().to_owned()
        });
        let config = self.named(kubeconfig::SECRET).map(kubeconfig::server);
        status.endpoint = config.transpose()?.flatten();
        Ok(self.next(status, failed))
    }

    /// The Secret of the chart with a name.
    fn named(&self, short: &str) -> Option<&Value> {
        let of = |o: &&Value| o["kind"] == "Secret" && objects::component(o) == short;
        self.objects.iter().find(of)
    }

    fn workload(&self, process: &str) -> Option<&Value> {
        let of = |o: &&Value| objects::is_workload(o) && objects::component(o) == process;
        self.objects.iter().find(of)
    }

    /// Writes down what will be applied; all keys that are wanted.
    async fn remember(&mut self, identities: &[Identity]) -> Result<Vec<Key>, Error> {
        if let Some(backups) = self.with_backups() {
            self.objects.extend(backups.objects());
        }
        let mut keys = Vec::new();
        for object in &self.objects {
            keys.push(Key::of(object)?);
        }
        let secrets = identities.iter().map(|i| Key {
            api_version: "v1".to_owned(),
            kind: "Secret".to_owned(),
            namespace: Some(self.applier.namespace.clone()),
            name: i.secret.clone(),
        });
        let secrets: Vec<Key> = secrets.collect();
        if self.plane.spec.certificates.issuer == Issuer::Operator {
            keys.extend(secrets);
            self.inventory.add(&self.applier, &keys).await?;
        } else {
            // Those that this operator made stay until somebody else makes them.
            self.inventory.add(&self.applier, &keys).await?;
            keys.extend(secrets);
        }
        let store = self
            .workload("store")
            .and_then(|s| s["metadata"]["name"].as_str());
        if let Some(store) = store.map(str::to_owned) {
            self.inventory
                .note(&self.applier, cleanup::STORE, &store)
                .await?;
        }
        Ok(keys)
    }

    async fn certificates(&mut self, identities: &[Identity]) -> Result<(), Error> {
        let policy = policy(self.plane)?;
        let outcome = match self.plane.spec.certificates.issuer {
            Issuer::Operator => certificates::ensure(&self.applier, identities, &policy).await?,
            _ => certificates::inspect(&self.applier, identities, &policy).await?,
        };
        if let Some(event) = events::certificates(&outcome.made) {
            self.context.tell(self.plane, &event).await;
        }
        self.seen.certificates = outcome;
        Ok(())
    }

    /// Everything but pods.
    async fn base(&mut self) -> Result<(), Error> {
        let admin = format!("{}-admin", self.full_name);
        let none = certificates::Data::new();
        let admin = self.seen.certificates.secrets.get(&admin).unwrap_or(&none);
        for object in self.objects.iter().filter(|o| !objects::is_workload(o)) {
            let mut object = object.clone();
            if object["kind"] == "Secret" && objects::component(&object) == kubeconfig::SECRET {
                kubeconfig::fill(&mut object, admin)?;
            }
            self.applier.apply(&object).await?;
        }
        Ok(())
    }

    /// Applies the pods of each process when those before it are as they should
    /// be. What does not change pods, and what is not there yet, never waits.
    async fn workloads(&mut self, mode: Mode, held: Option<String>) -> Result<(), Error> {
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
                self.seen.waits = Some(format!("{process} waits for {what}"));
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
        let changes =
            |b: &Value| b["metadata"]["annotations"][rollout::TEMPLATE] != json!(template);
        let live = match before {
            Some(before) if held && changes(&before) => before,
            _ => objects::value(&self.applier.apply(&object).await?)?,
        };
        if process == "store" {
            status::free_a_stuck_pod(&self.applier, &live).await?;
        }
        if scaled {
            let wanted = rollout::status(&live).desired;
            let asked = asked.unwrap_or(wanted);
            self.services().tell(process, &live, asked).await?;
        }
        Ok(live)
    }

    async fn storage(&mut self) -> Result<(), Error> {
        let Some(etcd) = &self.plane.spec.storage.etcd else {
            return Ok(());
        };
        let secret = match etcd.tls.secret_name.as_str() {
            "" => Value::Null,
            name => {
                let key = Key {
                    api_version: "v1".to_owned(),
                    kind: "Secret".to_owned(),
                    namespace: Some(self.applier.namespace.clone()),
                    name: name.to_owned(),
                };
                let live = self.applier.get(&key).await?;
                live.as_ref()
                    .map(objects::value)
                    .transpose()?
                    .unwrap_or(Value::Null)
            }
        };
        let health: Health = health::check(etcd, &certificates::decoded(&secret)).await?;
        self.seen.etcd = Some(health);
        Ok(())
    }

    async fn restore(&mut self, status: &mut ControlPlaneStatus) -> Result<(), Error> {
        let Some(restore) = &mut status.restore else {
            return Ok(());
        };
        let store = format!("{}-store", self.full_name);
        let (inventory, workloads) = (&mut self.inventory, &self.seen.workloads);
        restore::step(&self.applier, inventory, restore, &store, workloads).await
    }

    /// Backups, where the spec has them and they can be taken.
    fn with_backups(&self) -> Option<Backups<'_>> {
        let backup = self.plane.spec.storage.backup.as_ref()?;
        let store = self.workload("store")?;
        if self.context.backup.image.is_empty() {
            return None;
        }
        Some(Backups {
            applier: &self.applier,
            plane: self.plane,
            backup,
            image: &self.context.backup,
            subject: Subject {
                name: self.plane.metadata.name.as_deref()?,
                namespace: &self.applier.namespace,
                full_name: &self.full_name,
                server: store_server(self.workload("core")?)?,
                claim: values::claim_of_backups(&self.plane.spec, &self.plane.name_any()),
                store,
            },
        })
    }

    /// What an upgrade has to wait for before it begins.
    async fn backup_before(
        &self,
        status: &mut ControlPlaneStatus,
    ) -> Result<Option<String>, Error> {
        let to = &self.target.revision;
        let begun = status
            .upgrade
            .as_ref()
            .is_some_and(|u| u.to == to.number && u.started.is_some());
        let same = status.version.as_ref().is_none_or(|v| *v == to.version);
        let needless = begun || same || status.failed.is_some() || !self.plane.spec.upgrade.backup;
        // A store that does not answer cannot be backed up.
        let ready = status
            .services
            .iter()
            .any(|s| s.name == "store" && s.ready > 0);
        if needless || !ready || status.revision == Some(to.number) {
            return Ok(None);
        }
        let Some(backups) = self.with_backups() else {
            return Ok(None);
        };
        let backup = backups.before(to.number).await?;
        status.upgrade = Some(UpgradeStatus {
            from: status.revision,
            to: to.number,
            started: None,
            backup: Some(backup.name.clone()),
        });
        Ok(match backup.state {
            BackupState::Succeeded => None,
            BackupState::Running => Some(format!("the upgrade waits for backup {}", backup.name)),
            BackupState::Failed => {
                let why = backup.message.unwrap_or_default();
                return Err(Error::Spec(format!(
                    "the upgrade waits for backup {}, which failed: {why}; spec.upgrade.backup=false does without",
                    backup.name
                )));
            }
        })
    }

    /// Remembers which revision is on its way; `go`: nothing has to come before it.
    fn begin_upgrade(&self, status: &mut ControlPlaneStatus, go: bool) {
        let to = self.target.revision.number;
        if status.failed.is_some() || status.revision == Some(to) {
            status.upgrade = None;
            return;
        }
        let known = status.upgrade.take().filter(|u| u.to == to);
        let mut upgrade = known.unwrap_or(UpgradeStatus {
            from: status.revision,
            to,
            started: None,
            backup: None,
        });
        if go && upgrade.started.is_none() {
            upgrade.started = Some(conditions::now());
        }
        status.upgrade = Some(upgrade);
    }

    async fn backups(&mut self, status: &mut ControlPlaneStatus) -> Result<(), Error> {
        let store = self
            .seen
            .workloads
            .iter()
            .find(|w| objects::component(w) == "store");
        let ready = store.is_some_and(|s| rollout::ready(s) > 0);
        let Some(backups) = self.with_backups() else {
            status.next_backup = None;
            if self.plane.spec.storage.backup.is_some() {
                self.seen.problems.push(
                    "spec.storage.backup: this operator was started without --backup-image"
                        .to_owned(),
                );
            }
            return Ok(());
        };
        let state = backups.run(&status.backups, ready).await?;
        status.backups = state.backups;
        status.next_backup = state
            .next
            .map(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time);
        Ok(())
    }

    /// Whether a revision is reached, or has failed; true for the latter.
    async fn judge(&mut self, status: &mut ControlPlaneStatus) -> Result<bool, Error> {
        let restores = status
            .restore
            .as_ref()
            .is_some_and(|r| r.phase != RestorePhase::Completed);
        if self.seen.is_complete() && !restores {
            self.target
                .reached(self.plane.spec.upgrade.history_limit, status)
                .await?;
            return Ok(false);
        }
        let Some(upgrade) = &status.upgrade else {
            return Ok(false);
        };
        let limit = self.plane.spec.upgrade.timeout_seconds;
        let began = upgrade.started.as_ref().map(|t| t.0.as_second());
        let late = began.is_some_and(|t| conditions::now().0.as_second() - t >= limit);
        if !late || status.failed.is_some() || restores {
            return Ok(false);
        }
        let waits = self.seen.waits.clone().unwrap_or_default();
        let revision = self.target.revision.number;
        self.target
            .history
            .mark(revision, RevisionState::Failed)
            .await?;
        if self.target.history.available(revision).is_none() {
            self.seen
                .problems
                .push(format!("not ready after {limit} seconds: {waits}"));
            return Ok(false);
        }
        status.failed = Some(FailedRevision {
            revision,
            generation: self.plane.metadata.generation.unwrap_or_default(),
            message: format!("revision {revision} was not ready after {limit} seconds: {waits}"),
        });
        Ok(true)
    }

    /// When to look again.
    fn next(&self, status: &ControlPlaneStatus, failed: bool) -> Action {
        if failed {
            return Action::requeue(Duration::ZERO);
        }
        let mut pause = RESYNC;
        if restore::mode(status.restore.as_ref()) == Mode::Stop {
            pause = SOON;
        }
        let now = SystemTime::now();
        let renewal = self
            .seen
            .certificates
            .renewal
            .map(|t| t.duration_since(now).unwrap_or(Duration::ZERO));
        let until = |second: i64| {
            let seconds = second - conditions::now().0.as_second();
            Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
        };
        let backup = status.next_backup.as_ref().map(|t| until(t.0.as_second()));
        let upgrade = status.upgrade.as_ref().and_then(|u| u.started.as_ref());
        let limit = self.plane.spec.upgrade.timeout_seconds;
        let deadline = upgrade.map(|t| until(t.0.as_second() + limit));
        // One that has passed is told of already.
        let deadline = deadline.filter(|d| !d.is_zero());
        for due in [renewal, backup, deadline].into_iter().flatten() {
            pause = pause.min(due.max(Duration::from_secs(1)));
        }
        Action::requeue(pause)
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

/// Where core is told that storage is.
fn store_server(core: &Value) -> Option<&str> {
    let args = core["spec"]["template"]["spec"]["containers"][0]["args"].as_array()?;
    args.iter()
        .find_map(|a| a.as_str()?.strip_prefix("--etcd-servers="))
}

fn policy(plane: &ControlPlane) -> Result<Policy, Error> {
    let c = &plane.spec.certificates;
    let duration = |field: &str, text: &str| {
        flags::duration(text).map_err(|e| Error::Spec(format!("spec.certificates.{field}: {e}")))
    };
    let rotation = plane.annotations().get(annotations::ROTATE);
    Ok(Policy {
        life: duration("duration", &c.duration)?,
        authority_life: duration("authorityDuration", &c.authority_duration)?,
        renew_before: duration("renewBefore", &c.renew_before)?,
        rotation: rotation.cloned().unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn storage_is_where_core_is_told() {
        let core = json!({"spec": {"template": {"spec": {"containers": [{"args": ["--v=2", "--etcd-servers=https://a:2379"]}]}}}});
        assert_eq!(store_server(&core), Some("https://a:2379"));
    }
}
