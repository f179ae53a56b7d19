//! What is kept beside an object in the cache: an index for selectors, and its
//! encodings, each made when it is first wanted.

mod labels;
mod marks;

use std::sync::OnceLock;

use bytes::Bytes;
use catena_cache::{Cache, Entry, Extra};
use catena_objects::{Status, Value, json, json::scan};
use parking_lot::Mutex;

use crate::{Resource, codec};
pub use labels::Labels;
pub use marks::{GroupMarks, Wanted};

/// The cache of a resource.
pub type ResourceCache = Cache<Cached>;

/// Beside an object or a change of one.
#[derive(Debug, Default)]
pub struct Cached {
    labels: OnceLock<Labels>,
    fields: OnceLock<Box<Fields>>,
    /// Where the resourceVersion goes into the stored bytes; `None`: they have
    /// to be decoded. Owned by the encoder of answers.
    pub splice: OnceLock<Option<u32>>,
    /// Decoded, of what rules read again and again.
    tree: OnceLock<Box<Value>>,
    forms: Mutex<Vec<(Form, Bytes)>>,
}

impl Extra for Cached {
    type Group = GroupMarks;
}

/// An encoding of an object or event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    /// Index in the resource's versions.
    pub version: u8,
    /// What it is; the encoder of answers gives the numbers.
    pub kind: u8,
}

/// Values of the selectable fields, in the order of their names.
#[derive(Debug)]
struct Fields {
    values: Vec<String>,
    /// The versions of a resource may differ in them.
    names: Vec<String>,
}

impl Cached {
    /// The labels of an object.
    ///
    /// # Errors
    /// When it has to be decoded, and cannot be.
    pub fn labels<'a>(resource: &Resource, entry: &'a Entry<Self>) -> Result<&'a Labels, Status> {
        let own = &entry.extra.labels;
        if let Some(labels) = own.get() {
            return Ok(labels);
        }
        let labels = match scan_labels(entry.value()) {
            Some(labels) => Labels::new(labels.as_ref()),
            None => {
                let object = codec::decode(resource, &entry.kv())?;
                Labels::new(object.at(&["metadata", "labels"]))
            }
        };
        Ok(own.get_or_init(|| labels))
    }

    /// Calls `look` with the values of the selectable fields of an object, in the
    /// order of [`Resource::selectable_fields`].
    ///
    /// # Errors
    /// When it has to be decoded, and cannot be.
    pub fn fields<T>(
        resource: &Resource,
        entry: &Entry<Self>,
        look: impl FnOnce(&[String]) -> T,
    ) -> Result<T, Status> {
        let own = &entry.extra.fields;
        if let Some(fields) = own.get().filter(|f| f.names == resource.selectable_fields) {
            return Ok(look(&fields.values));
        }
        let object = codec::decode(resource, &entry.kv())?;
        let fields = Box::new(Fields {
            values: resource.strategy.selectable(&object),
            names: resource.selectable_fields.clone(),
        });
        let found = look(&fields.values);
        // Another version's stay.
        let _ = own.set(fields);
        Ok(found)
    }

    /// The object, decoded once and kept: for the few that every write looks at.
    ///
    /// # Errors
    /// When it cannot be decoded.
    pub fn tree(resource: &Resource, entry: &Entry<Self>) -> Result<Value, Status> {
        let own = &entry.extra.tree;
        if let Some(tree) = own.get() {
            return Ok(Value::clone(tree));
        }
        let tree = codec::decode(resource, &entry.kv())?;
        Ok(Value::clone(own.get_or_init(|| Box::new(tree))))
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
        // A copy: the buffer of an encoder has room to spare, often as much again.
        let bytes = Bytes::copy_from_slice(&make()?);
        forms.reserve_exact(1);
        forms.push((form, bytes.clone()));
        Ok(bytes)
    }
}

/// The labels in stored JSON; `None`: it has to be decoded.
fn scan_labels(json: &[u8]) -> Option<Option<Value>> {
    const NAME: &[u8] = b"\"labels\"";
    let metadata = scan::value_at(json, &["metadata"]).filter(|m| m.starts_with(b"{\""))?;
    match scan::value_at(metadata, &["labels"]) {
        Some(text) => json::parse(text).ok().map(Some),
        None if metadata.windows(NAME.len()).any(|w| w == NAME) => None,
        None => Some(None),
    }
}
