//! What is kept beside an object in the cache: an index for selectors, and its
//! encodings, each made when it is first wanted.

use std::sync::OnceLock;

use bytes::Bytes;
use catena_cache::{Cache, Entry};
use catena_objects::{Status, Value};
use parking_lot::Mutex;

use crate::{Resource, codec};

/// The cache of a resource.
pub type ResourceCache = Cache<Cached>;

/// Beside an object or a change of one.
#[derive(Debug, Default)]
pub struct Cached {
    index: OnceLock<Box<Index>>,
    /// Where the resourceVersion goes into the stored bytes; `None`: they have
    /// to be decoded. Owned by the encoder of answers.
    pub splice: OnceLock<Option<u32>>,
    forms: Mutex<Vec<(Form, Bytes)>>,
}

/// An encoding of an object or event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    /// Index in the resource's versions.
    pub version: u8,
    /// What it is; the encoder of answers gives the numbers.
    pub kind: u8,
}

/// What selectors look at.
#[derive(Debug)]
pub struct Index {
    pub labels: Option<Value>,
    /// In the order of [`Resource::selectable_fields`].
    pub fields: Vec<String>,
    /// What the fields are of: the versions of a resource may differ in them.
    names: Vec<String>,
}

impl Index {
    pub fn of(resource: &Resource, object: &Value) -> Self {
        Self {
            labels: object.at(&["metadata", "labels"]).cloned(),
            fields: resource.strategy.selectable(object),
            names: resource.selectable_fields.clone(),
        }
    }
}

impl Cached {
    /// Calls `look` with the index of an entry.
    ///
    /// # Errors
    /// When the entry cannot be decoded.
    pub fn index<T>(
        resource: &Resource,
        entry: &Entry<Self>,
        look: impl FnOnce(&Index) -> T,
    ) -> Result<T, Status> {
        let own = &entry.extra.index;
        if let Some(index) = own.get().filter(|i| i.names == resource.selectable_fields) {
            return Ok(look(index));
        }
        let index = Box::new(Index::of(resource, &codec::decode(resource, &entry.kv())?));
        let found = look(&index);
        // Another version's stays.
        let _ = own.set(index);
        Ok(found)
    }

    /// An encoding, made once.
    ///
    /// # Errors
    /// Those of `make`.
    pub fn form(
        &self,
        form: Form,
        make: impl FnOnce() -> Result<Bytes, Status>,
    ) -> Result<Bytes, Status> {
        let known = |forms: &[(Form, Bytes)]| {
            let found = forms.iter().find(|(f, _)| *f == form);
            found.map(|(_, bytes)| bytes.clone())
        };
        // Made under the lock: others who want it would else make it as well.
        let mut forms = self.forms.lock();
        if let Some(bytes) = known(&forms) {
            return Ok(bytes);
        }
        let bytes = make()?;
        forms.push((form, bytes.clone()));
        Ok(bytes)
    }
}
