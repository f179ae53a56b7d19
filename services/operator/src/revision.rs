//! Revisions: what was rendered, kept as ControllerRevisions, so that a revision
//! that does not become ready is followed by the one before, to the letter.

use k8s_openapi::api::apps::v1::ControllerRevision;
use kube::{
    Api, ResourceExt as _,
    api::{DeleteParams, Patch, PatchParams},
};
use serde_json::{Value, json};

use crate::{
    api::{RevisionState, RevisionStatus},
    apply::{Applier, MANAGER},
    error::{Error, Of as _},
    objects::{self, LABEL},
    rollout::{self, ORDER},
};

const STATE: &str = "catena.dev/state";

/// A revision that is kept.
#[derive(Clone, Debug)]
pub(crate) struct Revision {
    pub(crate) number: i64,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) state: RevisionState,
    pub(crate) objects: Vec<Value>,
}

impl Revision {
    pub(crate) fn status(&self) -> RevisionStatus {
        RevisionStatus {
            revision: self.number,
            version: self.version.clone(),
            state: self.state,
            name: self.name.clone(),
        }
    }
}

/// What tells revisions apart: the templates of pods. Another number of replicas
/// is no other revision.
pub(crate) fn identity(rendered: &[Value]) -> String {
    let template = |process: &str| {
        let mut all = rendered.iter().filter(|o| objects::is_workload(o));
        all.find(|o| objects::component(o) == process)
            .map(|o| &o["spec"]["template"])
    };
    objects::hash(&json!(ORDER.map(template)))
}

/// The revisions of a control plane, the newest last.
pub(crate) struct History {
    api: Api<ControllerRevision>,
    pub(crate) all: Vec<Revision>,
}

impl History {
    /// # Errors
    /// When the API server does not answer.
    pub(crate) async fn read(applier: &Applier, of: &str) -> Result<Self, Error> {
        let api: Api<ControllerRevision> =
            Api::namespaced(applier.client.clone(), &applier.namespace);
        let params = kube::api::ListParams::default().labels(&format!("{LABEL}={of}"));
        let list = api.list(&params).await.of("list ControllerRevisions")?;
        let ours = list.items.iter().filter(|r| {
            let mut owners = r.owner_references().iter();
            owners.any(|o| o.uid == applier.owner().uid)
        });
        let mut all: Vec<Revision> = ours.filter_map(read).collect();
        all.sort_by_key(|r| r.number);
        Ok(Self { api, all })
    }

    /// The revision of what was rendered, made the newest one.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) async fn newest(
        &mut self,
        applier: &Applier,
        of: &str,
        version: &str,
        rendered: &[Value],
    ) -> Result<Revision, Error> {
        let name = format!("{of}-{}", identity(rendered));
        let last = self.all.last().map_or(0, |r| r.number);
        let known = self.all.iter().position(|r| r.name == name);
        if let Some(at) = known
            && self.all[at].number == last
            && self.all[at].objects == rendered
        {
            return Ok(self.all[at].clone());
        }
        // The same pods, with other objects around them: the content of a
        // revision cannot be changed, so it is made anew.
        let mut state = RevisionState::Pending;
        let mut number = last + 1;
        if let Some(at) = known {
            let old = self.all.remove(at);
            if old.number == last {
                (state, number) = (old.state, old.number);
            } else if old.state == RevisionState::Available {
                state = old.state;
            }
            if old.objects != rendered {
                self.delete(&name).await?;
            }
        }
        let revision = Revision {
            number,
            name,
            version: version.to_owned(),
            state,
            objects: rendered.to_vec(),
        };
        let object = json!({
            "apiVersion": "apps/v1",
            "kind": "ControllerRevision",
            "metadata": {
                "name": revision.name,
                "namespace": applier.namespace,
                "labels": {LABEL: of, "app.kubernetes.io/managed-by": MANAGER},
                "annotations": {STATE: revision.state},
                "ownerReferences": [applier.owner()],
            },
            "revision": revision.number,
            "data": {"version": version, "objects": rendered},
        });
        let params = PatchParams::apply(MANAGER).force();
        self.api
            .patch(&revision.name, &params, &Patch::Apply(&object))
            .await
            .of(format!("apply ControllerRevision {}", revision.name))?;
        self.all.push(revision.clone());
        Ok(revision)
    }

    pub(crate) fn numbered(&self, number: i64) -> Option<&Revision> {
        self.all.iter().find(|r| r.number == number)
    }

    /// The last revision that was available, other than one.
    pub(crate) fn available(&self, but: i64) -> Option<&Revision> {
        let good = |r: &&Revision| r.state == RevisionState::Available && r.number != but;
        self.all.iter().rev().find(good)
    }

    /// The workload of a process with a template of a hash.
    pub(crate) fn workload(&self, process: &str, template: &Value) -> Option<&Value> {
        let all = self.all.iter().rev().flat_map(|r| &r.objects);
        all.into_iter().find(|o| {
            objects::is_workload(o)
                && objects::component(o) == process
                && *template == rollout::template(o)
        })
    }

    /// # Errors
    /// When it cannot be written.
    pub(crate) async fn mark(&mut self, number: i64, state: RevisionState) -> Result<(), Error> {
        let Some(revision) = self.all.iter_mut().find(|r| r.number == number) else {
            return Ok(());
        };
        if revision.state == state {
            return Ok(());
        }
        revision.state = state;
        let patch = json!({"metadata": {"annotations": {STATE: state}}});
        let params = PatchParams::default();
        self.api
            .patch(&revision.name, &params, &Patch::Merge(patch))
            .await
            .of(format!("patch ControllerRevision {}", revision.name))
            .map(drop)
    }

    /// Forgets the oldest ones beyond a limit, but none of these.
    ///
    /// # Errors
    /// When one cannot be deleted.
    pub(crate) async fn trim(&mut self, limit: usize, keep: &[i64]) -> Result<(), Error> {
        while self.all.len() > limit {
            let Some(at) = self.all.iter().position(|r| !keep.contains(&r.number)) else {
                break;
            };
            let old = self.all.remove(at);
            self.delete(&old.name).await?;
        }
        Ok(())
    }

    async fn delete(&self, name: &str) -> Result<(), Error> {
        match self.api.delete(name, &DeleteParams::default()).await {
            Err(kube::Error::Api(s)) if s.code == 404 => Ok(()),
            other => other
                .of(format!("delete ControllerRevision {name}"))
                .map(drop),
        }
    }
}

fn read(stored: &ControllerRevision) -> Option<Revision> {
    let data = &stored.data.as_ref()?.0;
    let state = stored.annotations().get(STATE)?;
    Some(Revision {
        number: stored.revision,
        name: stored.name_any(),
        version: data["version"].as_str()?.to_owned(),
        state: serde_json::from_value(json!(state)).ok()?,
        objects: data["objects"].as_array()?.clone(),
    })
}
