//! Objects are applied as the chart has them, and are ours alone.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::{
    Api, Client, Resource as _, ResourceExt as _,
    api::{DeleteParams, DynamicObject, Patch, PatchParams, Preconditions},
};
use serde_json::{Value, json};

use crate::{
    api::ControlPlane,
    error::{Error, Of as _},
    objects::{Key, LABEL, LABEL_UID, hash, value},
};

/// Of server-side apply.
pub(crate) const MANAGER: &str = "catena-operator";

/// What was applied, and how the object was afterwards: what is still so need
/// not be applied again.
#[derive(Clone, Default)]
pub(crate) struct Applied(Arc<Mutex<HashMap<Which, Then>>>);

/// UID of the control plane, and the object.
type Which = (String, Key);
/// Hash of what was applied, and the resourceVersion that came of it.
type Then = (String, String);

/// Applies objects of one control plane.
pub(crate) struct Applier {
    pub(crate) client: Client,
    pub(crate) namespace: String,
    name: String,
    owner: OwnerReference,
    applied: Applied,
}

impl Applier {
    /// # Errors
    /// When the control plane was not read from an API server.
    pub(crate) fn new(client: Client, of: &ControlPlane, applied: Applied) -> Result<Self, Error> {
        let owner = of.controller_owner_ref(&());
        let (Some(owner), Some(namespace)) = (owner, of.namespace()) else {
            return Err(Error::Internal("a ControlPlane without UID".to_owned()));
        };
        Ok(Self {
            client,
            namespace,
            name: of.name_any(),
            owner,
            applied,
        })
    }

    pub(crate) fn api(&self, key: &Key) -> Api<DynamicObject> {
        let resource = key.resource();
        match &key.namespace {
            Some(ns) => Api::namespaced_with(self.client.clone(), ns, &resource),
            None => Api::all_with(self.client.clone(), &resource),
        }
    }

    pub(crate) fn owner(&self) -> &OwnerReference {
        &self.owner
    }

    /// As it is in the cluster.
    ///
    /// # Errors
    /// When the API server does not answer.
    pub(crate) async fn get(&self, key: &Key) -> Result<Option<DynamicObject>, Error> {
        let what = format!("get {} {}", key.kind, key.name);
        self.api(key).get_opt(&key.name).await.of(what)
    }

    /// Whether an object is part of this control plane, and of no other of the name.
    pub(crate) fn owns(&self, live: &DynamicObject) -> bool {
        match live.metadata.namespace {
            Some(_) => live
                .owner_references()
                .iter()
                .any(|o| o.uid == self.owner.uid),
            None => live.labels().get(LABEL_UID) == Some(&self.owner.uid),
        }
    }

    /// Makes an object as it should be; what others set beside stays.
    ///
    /// # Errors
    /// When it is somebody else's, or the API server refuses.
    pub(crate) async fn apply(&self, object: &Value) -> Result<DynamicObject, Error> {
        let key = Key::of(object)?;
        let wanted = self.ours(object, &key);
        let print = hash(&wanted);
        if let Some(live) = self.get(&key).await? {
            if !self.owns(&live) {
                return Err(conflict(&key, &live));
            }
            if self.is_still(&key, &print, &live) {
                return Ok(live);
            }
        }
        let params = PatchParams::apply(MANAGER).force();
        let live = self
            .api(&key)
            .patch(&key.name, &params, &Patch::Apply(&wanted))
            .await
            .of(format!("apply {} {}", key.kind, key.name))?;
        let version = live.resource_version().unwrap_or_default();
        let mut applied = self
            .applied
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        applied.insert((self.owner.uid.clone(), key), (print, version));
        Ok(live)
    }

    fn is_still(&self, key: &Key, print: &str, live: &DynamicObject) -> bool {
        let applied = self
            .applied
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let then = applied.get(&(self.owner.uid.clone(), key.clone()));
        then.is_some_and(|(p, version)| {
            p == print && Some(version) == live.resource_version().as_ref()
        })
    }

    fn ours(&self, object: &Value, key: &Key) -> Value {
        let mut out = object.clone();
        let meta = &mut out["metadata"];
        meta["labels"][LABEL] = json!(self.name);
        if key.namespace.is_some() {
            meta["ownerReferences"] = json!([self.owner]);
        } else {
            meta["labels"][LABEL_UID] = json!(self.owner.uid);
        }
        out
    }

    /// Deletes what is ours; whether it is gone already.
    ///
    /// # Errors
    /// When the API server refuses.
    pub(crate) async fn delete(&self, key: &Key) -> Result<bool, Error> {
        let Some(live) = self.get(key).await? else {
            return Ok(true);
        };
        if !self.owns(&live) {
            return Ok(true);
        }
        if live.metadata.deletion_timestamp.is_some() {
            return Ok(false);
        }
        let params = DeleteParams::background().preconditions(Preconditions {
            uid: live.uid(),
            resource_version: None,
        });
        match self.api(key).delete(&key.name, &params).await {
            Ok(deleted) => Ok(deleted.right().is_some() && self.get(key).await?.is_none()),
            Err(kube::Error::Api(s)) if s.code == 404 => Ok(true),
            Err(e) => Err(e).of(format!("delete {} {}", key.kind, key.name)),
        }
    }

    /// Forgets what is no more.
    pub(crate) fn forget(&self) {
        let mut applied = self
            .applied
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        applied.retain(|(uid, _), _| *uid != self.owner.uid);
    }
}

fn conflict(key: &Key, live: &DynamicObject) -> Error {
    let owners = live.owner_references();
    let owner = match owners.iter().find(|o| o.controller == Some(true)) {
        Some(owner) => format!("{} {}", owner.kind, owner.name),
        None => match live.labels().get("app.kubernetes.io/managed-by") {
            Some(manager) => manager.clone(),
            None => "somebody else".to_owned(),
        },
    };
    Error::Conflict {
        kind: key.kind.clone(),
        name: key.name.clone(),
        owner,
    }
}

/// What was ever applied and may be there still, in a ConfigMap: written before
/// anything is applied, so that nothing is lost by an operator that ends between.
pub(crate) struct Inventory {
    key: Key,
    pub(crate) objects: Vec<Key>,
    /// What is kept beside: data of the ConfigMap by names that begin with a dot.
    pub(crate) notes: HashMap<String, String>,
}

const OBJECTS: &str = "objects";

impl Inventory {
    /// # Errors
    /// When the API server does not answer, or the ConfigMap is somebody else's.
    pub(crate) async fn read(applier: &Applier) -> Result<Self, Error> {
        let key = Key {
            api_version: "v1".to_owned(),
            kind: "ConfigMap".to_owned(),
            namespace: Some(applier.namespace.clone()),
            name: format!("{}-inventory", applier.name),
        };
        let live = match applier.get(&key).await? {
            Some(live) if !applier.owns(&live) => return Err(conflict(&key, &live)),
            Some(live) => value(&live)?,
            None => Value::Null,
        };
        let data = live["data"].as_object().cloned().unwrap_or_default();
        let text = data.get(OBJECTS).and_then(Value::as_str).unwrap_or("[]");
        let notes = data.iter().filter(|(name, _)| *name != OBJECTS);
        Ok(Self {
            key,
            // Edited by hand beyond reading: what is rendered now is all that is known.
            objects: serde_json::from_str(text).unwrap_or_default(),
            notes: notes
                .filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned())))
                .collect(),
        })
    }

    /// Remembers more.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) async fn add(&mut self, applier: &Applier, more: &[Key]) -> Result<(), Error> {
        let known: HashSet<&Key> = self.objects.iter().collect();
        let new: Vec<Key> = more
            .iter()
            .filter(|k| !known.contains(k))
            .cloned()
            .collect();
        if new.is_empty() {
            return Ok(());
        }
        self.objects.extend(new);
        self.write(applier).await
    }

    /// Deletes what is not wanted any more, and forgets what is gone.
    ///
    /// # Errors
    /// When something cannot be deleted.
    pub(crate) async fn prune(&mut self, applier: &Applier, wanted: &[Key]) -> Result<(), Error> {
        let mut left = Vec::new();
        for key in &self.objects {
            let again = !wanted.contains(key) && wanted.iter().any(|w| w.same(key));
            // The same object in another version of its API is kept under that.
            if !again && (wanted.contains(key) || !applier.delete(key).await?) {
                left.push(key.clone());
            }
        }
        if left.len() < self.objects.len() {
            self.objects = left;
            self.write(applier).await?;
        }
        Ok(())
    }

    /// # Errors
    /// When it cannot be written.
    pub(crate) async fn note(
        &mut self,
        applier: &Applier,
        name: &str,
        text: &str,
    ) -> Result<(), Error> {
        if self.notes.get(name).map(String::as_str) == Some(text) {
            return Ok(());
        }
        self.notes.insert(name.to_owned(), text.to_owned());
        self.write(applier).await
    }

    /// Deletes the inventory itself.
    ///
    /// # Errors
    /// When it cannot be deleted.
    pub(crate) async fn remove(&self, applier: &Applier) -> Result<bool, Error> {
        applier.delete(&self.key).await
    }

    async fn write(&self, applier: &Applier) -> Result<(), Error> {
        let mut data = json!(self.notes);
        data[OBJECTS] = json!(serde_json::to_string(&self.objects)?);
        let map = json!({
            "apiVersion": self.key.api_version,
            "kind": self.key.kind,
            "metadata": {
                "name": self.key.name,
                "namespace": self.key.namespace,
                "labels": {"app.kubernetes.io/managed-by": MANAGER},
            },
            "data": data,
        });
        applier.apply(&map).await.map(drop)
    }
}
