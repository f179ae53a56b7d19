//! Documents that were asked for lately.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

/// Keeps documents within a budget of bytes; the one longest unasked goes first.
#[derive(Debug)]
pub struct Cache {
    budget: usize,
    /// Most recently asked last.
    kept: Mutex<Vec<Document>>,
}

#[derive(Debug)]
struct Document {
    name: String,
    etag: String,
    bytes: Bytes,
}

impl Cache {
    pub fn new(budget: usize) -> Self {
        Self {
            budget,
            kept: Mutex::default(),
        }
    }

    /// The document with this name in the state of `etag`, made where it is not kept.
    pub fn get(&self, name: &str, etag: &str, make: impl FnOnce() -> Bytes) -> Bytes {
        if let Some(found) = self.take(name, etag) {
            return found;
        }
        let bytes = make();
        self.put(Document {
            name: name.to_owned(),
            etag: etag.to_owned(),
            bytes: bytes.clone(),
        });
        bytes
    }

    fn take(&self, name: &str, etag: &str) -> Option<Bytes> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let at = kept.iter().position(|d| d.name == name && d.etag == etag)?;
        let document = kept.remove(at);
        let bytes = document.bytes.clone();
        kept.push(document);
        Some(bytes)
    }

    fn put(&self, document: Document) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|d| d.name != document.name);
        kept.push(document);
        let mut size: usize = kept.iter().map(|d| d.bytes.len()).sum();
        while size > self.budget && kept.len() > 1 {
            size -= kept.remove(0).bytes.len();
        }
    }
}
