//! Backups of the embedded store: asked for by schedule, by the user, and before
//! upgrades; each is a Job, and what became of it is read from its pod.

use jiff::Timestamp;
use k8s_openapi::{
    api::{batch::v1::Job, core::v1::Pod},
    apimachinery::pkg::apis::meta::v1::Time,
};
use kube::{
    Api, ResourceExt as _,
    api::{DeleteParams, ListParams, PostParams},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    job::{self, FILE, SCHEDULED, Subject},
    schedule,
};
use crate::{
    api::{Backup, BackupState, BackupStatus, ControlPlane, annotations},
    apply::Applier,
    error::{Error, Of as _},
    objects::{self, Key, LABEL},
    options::BackupImage,
};

/// Failed backups that are told of.
const FAILED: usize = 3;

/// What the pod of a backup says at its end, as its termination message.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Report {
    pub(crate) file: String,
    /// Bytes.
    pub(crate) size: i64,
    /// All backups that are in the volume now.
    pub(crate) files: Vec<String>,
}

/// Backups of one control plane.
pub(crate) struct Backups<'a> {
    pub(crate) applier: &'a Applier,
    pub(crate) plane: &'a ControlPlane,
    pub(crate) subject: Subject<'a>,
    pub(crate) backup: &'a Backup,
    pub(crate) image: &'a BackupImage,
}

/// How backups are.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) backups: Vec<BackupStatus>,
    pub(crate) next: Option<Timestamp>,
}

impl Backups<'_> {
    fn jobs(&self) -> Api<Job> {
        Api::namespaced(self.applier.client.clone(), &self.applier.namespace)
    }

    /// The objects that backups need, to be applied with all others.
    pub(crate) fn objects(&self) -> Vec<Value> {
        vec![job::policy(&self.subject)]
    }

    /// Makes the volume where it is missing; what is there stays as it is.
    async fn volume(&self) -> Result<(), Error> {
        if !self.backup.volume.claim_name.is_empty() {
            return Ok(());
        }
        let claim = job::claim(&self.subject, self.backup);
        let key = Key::of(&claim)?;
        if self.applier.get(&key).await?.is_some() {
            return Ok(());
        }
        let object = serde_json::from_value(claim)?;
        let api = self.applier.api(&key);
        let made = api.create(&PostParams::default(), &object).await;
        made.of("create PersistentVolumeClaim").map(drop)
    }

    /// Takes the backups that are due; `ready`: whether the store answers.
    ///
    /// # Errors
    /// When the schedule is wrong, or a Job cannot be made or read.
    pub(crate) async fn run(&self, known: &[BackupStatus], ready: bool) -> Result<State, Error> {
        let selector = format!(
            "{LABEL}={},app.kubernetes.io/component={}",
            self.subject.name,
            job::COMPONENT
        );
        let list = self
            .jobs()
            .list(&ListParams::default().labels(&selector))
            .await;
        let mut jobs = list.of("list Jobs")?.items;
        let now = Timestamp::now();
        let mut state = State::default();
        let running = jobs.iter().any(|j| outcome(j).0 == BackupState::Running);
        if let Some((name, scheduled)) = self.wanted(&jobs, known, now, &mut state)?
            && ready
            && !running
        {
            jobs.extend(self.start(&name, scheduled).await?);
        }
        state.backups = self.told(&jobs, known).await?;
        self.clean(&jobs, &state.backups).await?;
        Ok(state)
    }

    /// The backup that should be taken now: its name, and the time of the schedule.
    fn wanted(
        &self,
        jobs: &[Job],
        known: &[BackupStatus],
        now: Timestamp,
        state: &mut State,
    ) -> Result<Option<(String, Option<Timestamp>)>, Error> {
        let is_new = |name: &str| {
            !jobs.iter().any(|j| j.name_any() == name) && !known.iter().any(|b| b.name == name)
        };
        let mut scheduled = None;
        if !self.backup.schedule.is_empty() {
            let times = jobs
                .iter()
                .filter_map(|j| j.annotations().get(SCHEDULED)?.parse().ok());
            let begun = self.plane.creation_timestamp().map_or(now, |t| t.0);
            let last = times.max().unwrap_or(begun);
            let due = schedule::due(&self.backup.schedule, last, now)?;
            state.next = Some(due.next);
            let name = |t: Timestamp| self.name(&(t.as_second() / 60).to_string());
            scheduled = due.now.map(|t| (name(t), Some(t)));
        }
        let asked = self.asked().map(|name| (name, None));
        let all = [asked, scheduled].into_iter().flatten();
        Ok(all.into_iter().find(|(name, _)| is_new(name)))
    }

    /// The backup that the user's last word asks for.
    fn asked(&self) -> Option<String> {
        let word = self.plane.annotations().get(annotations::BACKUP)?;
        Some(self.name(&objects::hash(&json!(word))))
    }

    fn name(&self, tag: &str) -> String {
        format!("{}-backup-{tag}", self.subject.full_name)
    }

    /// The backup before an upgrade to a revision: started, and how it is.
    ///
    /// # Errors
    /// When it cannot be made or read.
    pub(crate) async fn before(&self, revision: i64) -> Result<BackupStatus, Error> {
        let name = self.name(&format!("before-{revision}"));
        let job = match self.jobs().get_opt(&name).await.of("get Job")? {
            Some(job) => job,
            None => self
                .start(&name, None)
                .await?
                .ok_or_else(|| Error::Internal(format!("Job {name} is of somebody else")))?,
        };
        self.one(&job).await
    }

    async fn start(&self, name: &str, scheduled: Option<Timestamp>) -> Result<Option<Job>, Error> {
        self.volume().await?;
        let stamp = Timestamp::now().strftime("%Y%m%dT%H%M%SZ");
        let file = format!(
            "{stamp}-{}.db",
            name.rsplit("-backup-").next().unwrap_or(name)
        );
        let mut object = job::job(
            &self.subject,
            self.plane,
            self.backup,
            self.image,
            name,
            &file,
        );
        object["metadata"]["ownerReferences"] = json!([self.applier.owner()]);
        if let Some(t) = scheduled {
            object["metadata"]["annotations"][SCHEDULED] = json!(t.to_string());
        }
        let job: Job = serde_json::from_value(object)?;
        match self.jobs().create(&PostParams::default(), &job).await {
            Ok(job) => Ok(Some(job)),
            // Made by the operator before us.
            Err(kube::Error::Api(s)) if s.code == 409 => {
                self.jobs().get_opt(name).await.of("get Job")
            }
            Err(e) => Err(e).of(format!("create Job {name}")),
        }
    }

    async fn one(&self, job: &Job) -> Result<BackupStatus, Error> {
        let (state, message) = outcome(job);
        let status = job.status.clone().unwrap_or_default();
        let mut out = BackupStatus {
            name: job.name_any(),
            file: job.annotations().get(FILE).cloned().unwrap_or_default(),
            state,
            started: job.metadata.creation_timestamp.clone(),
            completed: status.completion_time,
            size: None,
            message,
        };
        if state == BackupState::Succeeded {
            out.size = self.report(&out.name).await?.map(|r| r.size);
        }
        Ok(out)
    }

    /// What the pod of a Job said at its end.
    async fn report(&self, job: &str) -> Result<Option<Report>, Error> {
        let pods: Api<Pod> = Api::namespaced(self.applier.client.clone(), &self.applier.namespace);
        let selector = format!("batch.kubernetes.io/job-name={job}");
        let pods = pods.list(&ListParams::default().labels(&selector)).await;
        let said = pods.of("list Pods")?.items.into_iter().find_map(|pod| {
            let ended = pod.status?.container_statuses?.pop()?.state?.terminated?;
            serde_json::from_str(&ended.message.filter(|_| ended.exit_code == 0)?).ok()
        });
        Ok(said)
    }

    /// Backups that are there, running, or failed not long ago.
    async fn told(&self, jobs: &[Job], known: &[BackupStatus]) -> Result<Vec<BackupStatus>, Error> {
        let mut all: Vec<BackupStatus> = known.to_vec();
        let mut files: Option<(Option<Time>, Vec<String>)> = None;
        for job in jobs {
            let before = known.iter().find(|b| b.name == job.name_any());
            if before.is_some_and(|b| b.state != BackupState::Running) {
                continue;
            }
            let one = self.one(job).await?;
            if one.state == BackupState::Succeeded
                && files.as_ref().is_none_or(|(at, _)| *at <= one.completed)
                && let Some(report) = self.report(&one.name).await?
            {
                files = Some((one.completed.clone(), report.files));
            }
            all.retain(|b| b.name != one.name);
            all.push(one);
        }
        let gone = |b: &BackupStatus| {
            b.state == BackupState::Succeeded
                && files
                    .as_ref()
                    .is_some_and(|(_, files)| !files.contains(&b.file))
        };
        // A Job that somebody deleted will not end.
        let lost = |b: &BackupStatus| {
            b.state == BackupState::Running && !jobs.iter().any(|j| j.name_any() == b.name)
        };
        all.retain(|b| !gone(b) && !lost(b));
        all.sort_by(|a, b| a.started.cmp(&b.started));
        let failed = all
            .iter()
            .filter(|b| b.state == BackupState::Failed)
            .count();
        let mut surplus = failed.saturating_sub(FAILED);
        all.retain(|b| {
            let drop = b.state == BackupState::Failed && surplus > 0;
            surplus -= usize::from(drop);
            !drop
        });
        Ok(all)
    }

    /// Deletes Jobs that nothing is told of any more; the last one stays, for the
    /// time of the schedule in it.
    async fn clean(&self, jobs: &[Job], told: &[BackupStatus]) -> Result<(), Error> {
        let last = jobs
            .iter()
            .filter_map(|j| j.annotations().get(SCHEDULED))
            .max();
        for job in jobs {
            let name = job.name_any();
            let is_last = last.is_some() && job.annotations().get(SCHEDULED) == last;
            // Without it, the user's word would ask again.
            let is_asked = self.asked().as_deref() == Some(&name);
            if is_last || is_asked || told.iter().any(|b| b.name == name) {
                continue;
            }
            match self.jobs().delete(&name, &DeleteParams::background()).await {
                Err(kube::Error::Api(s)) if s.code == 404 => {}
                other => drop(other.of(format!("delete Job {name}"))?),
            }
        }
        Ok(())
    }
}

/// How a Job ended, and why it failed.
fn outcome(job: &Job) -> (BackupState, Option<String>) {
    let conditions = job
        .status
        .iter()
        .flat_map(|s| s.conditions.iter().flatten());
    for condition in conditions.filter(|c| c.status == "True") {
        match condition.type_.as_str() {
            "Complete" => return (BackupState::Succeeded, None),
            "Failed" => {
                let why = condition.message.clone().unwrap_or_default();
                return (BackupState::Failed, Some(why));
            }
            _ => {}
        }
    }
    (BackupState::Running, None)
}
