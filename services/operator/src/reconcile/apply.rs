//! The steps of a reconciliation.

use std::time::{Duration, SystemTime};

use catena_runtime::flags;
use kube::{ResourceExt as _, runtime::controller::Action};
use serde_json::Value;

use super::{
    Context,
    status::{self, Seen},
    target::{self, Target},
};
use crate::{
    api::{ControlPlane, ControlPlaneStatus, Issuer, annotations},
    apply::{Applier, Inventory},
    certificates::{self, Identity, Policy},
    cleanup, conditions,
    error::Error,
    events, kubeconfig,
    objects::{self, Key},
    render, rollout,
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
/// While pods or certificates of others are waited for: neither why pods do not
/// start nor Secrets of others are watched.
const WAITING: Duration = Duration::from_secs(10);

/// Everything that the steps share.
pub(super) struct Work<'a> {
    pub(super) plane: &'a ControlPlane,
    pub(super) context: &'a Context,
    pub(super) applier: Applier,
    pub(super) inventory: Inventory,
    pub(super) target: Target,
    /// Rendered objects, without declarations that are not applied.
    pub(super) objects: Vec<Value>,
    pub(super) full_name: String,
    pub(super) seen: Seen,
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

    pub(super) fn workload(&self, process: &str) -> Option<&Value> {
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
            _ => {
                // Authorities that only sign may be anywhere else.
                let needed = |i: &&Identity| !i.is_authority || self.reads(&i.secret);
                let needed: Vec<_> = identities.iter().filter(needed).cloned().collect();
                certificates::inspect(&self.applier, &needed).await?
            }
        };
        if let Some(event) = events::certificates(&outcome.made) {
            self.context.tell(self.plane, &event).await;
        }
        self.seen.certificates = outcome;
        Ok(())
    }

    /// Whether pods read a Secret.
    fn reads(&self, secret: &str) -> bool {
        let mut workloads = self.objects.iter().filter(|o| objects::is_workload(o));
        workloads.any(|w| objects::mentions(&w["spec"]["template"]["spec"]["volumes"], secret))
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
    pub(super) fn with_backups(&self) -> Option<Backups<'_>> {
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

    /// When to look again.
    fn next(&self, status: &ControlPlaneStatus, failed: bool) -> Action {
        if failed {
            return Action::requeue(Duration::ZERO);
        }
        let missing = !self.seen.certificates.problems.is_empty();
        let mut pause = match self.seen.waits {
            None if !missing => RESYNC,
            _ => WAITING,
        };
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
    use serde_json::json;

    use super::*;

    #[test]
    fn storage_is_where_core_is_told() {
        let core = json!({"spec": {"template": {"spec": {"containers": [{"args": ["--v=2", "--etcd-servers=https://a:2379"]}]}}}});
        assert_eq!(store_server(&core), Some("https://a:2379"));
    }
}
