//! Lists in JSON: the stored bytes one after the other.

use std::{sync::Arc, vec};

use bytes::Bytes;
use catena_delegate::{Body, Response};
use catena_objects::{Status, Value, json};
use catena_registry::{Form, codec};
use futures_util::stream;

use super::{Object, item};
use crate::{body, forms, render, server::Served};

/// Size of the pieces in which a long list is sent.
const CHUNK: usize = 256 * 1024;

/// Writes objects as clients see them.
pub(in crate::verbs) struct Writer {
    served: Served,
    /// How stored bytes begin that need no conversion.
    prefix: String,
    /// Without kind and apiVersion, as items of built-in lists are.
    bare: bool,
}

impl Writer {
    pub(in crate::verbs) fn new(served: &Served, bare: bool) -> Self {
        let resource = &served.store.resource;
        let api = body::api_version(&resource.group, &served.version().name);
        let prefix = if resource.custom {
            format!("{{\"apiVersion\":\"{api}\",")
        } else {
            format!("{{\"kind\":\"{}\",\"apiVersion\":\"{api}\",", resource.kind)
        };
        Self {
            bare: bare && !resource.custom,
            served: served.clone(),
            prefix,
        }
    }

    /// Appends an object, with the resourceVersion that it has here.
    ///
    /// # Errors
    /// When the object has to be decoded, and cannot be.
    pub(in crate::verbs) fn write(
        &self,
        out: &mut Vec<u8>,
        object: &Object,
        revision: i64,
    ) -> Result<(), Status> {
        let custom = self.served.store.resource.custom;
        // kube-apiserver stores a line feed behind custom resources.
        let stored = object.value().trim_ascii_end();
        let as_stored = self.served.is_stored_form() && stored.starts_with(self.prefix.as_bytes());
        if as_stored {
            let find = || render::splice(stored, custom).and_then(|at| u32::try_from(at).ok());
            if let Some(at) = object.extra.splice.get_or_init(find) {
                let from = if self.bare {
                    out.push(b'{');
                    self.prefix.len()
                } else {
                    0
                };
                render::write(out, stored, from, *at as usize, revision, custom);
                return Ok(());
            }
        }
        if revision != object.mod_revision {
            out.extend_from_slice(&self.decoded(object, revision)?);
            return Ok(());
        }
        let kind = if self.bare { forms::BARE } else { forms::JSON };
        let form = Form {
            version: forms::version(&self.served),
            kind,
        };
        let bytes = object.extra.form(form, || self.decoded(object, revision))?;
        out.extend_from_slice(&bytes);
        Ok(())
    }

    fn decoded(&self, object: &Object, revision: i64) -> Result<Bytes, Status> {
        let resource = &self.served.store.resource;
        let mut object = codec::decode(resource, &object.kv())?;
        codec::set_revision(&mut object, revision, resource.custom);
        let object = body::from_storage(resource, self.served.version(), object);
        Ok(json::to_vec(&item(object, !self.bare)).into())
    }
}

struct Rest {
    writer: Writer,
    objects: vec::IntoIter<Arc<Object>>,
    first: bool,
    head: Vec<u8>,
    tail: Option<Bytes>,
}

impl Rest {
    /// The next piece; `None` after the last.
    fn next(&mut self) -> Option<Result<Bytes, Status>> {
        self.tail.as_ref()?;
        let mut out = std::mem::take(&mut self.head);
        for object in self.objects.by_ref() {
            if !std::mem::take(&mut self.first) {
                out.push(b',');
            }
            if let Err(e) = self.writer.write(&mut out, &object, object.mod_revision) {
                self.tail = None;
                return Some(Err(e));
            }
            if out.len() >= CHUNK {
                return Some(Ok(out.into()));
            }
        }
        out.extend_from_slice(&self.tail.take()?);
        Some(Ok(out.into()))
    }
}

/// The answer with objects put into an empty list.
pub(super) fn list(
    served: &Served,
    empty: &Value,
    objects: Vec<Arc<Object>>,
) -> Result<Response, Status> {
    const ITEMS: &str = "\"items\":[";
    let text = json::to_string(empty);
    let at = text
        .find(ITEMS)
        .map(|at| at + ITEMS.len())
        .ok_or_else(|| Status::internal("a list without items"))?;
    let size: usize = objects.iter().map(|o| o.value().len() + 64).sum();
    let mut head = Vec::with_capacity((text.len() + size + 1).min(CHUNK + CHUNK / 4));
    head.extend_from_slice(&text.as_bytes()[..at]);
    let mut rest = Rest {
        writer: Writer::new(served, true),
        objects: objects.into_iter(),
        first: true,
        head,
        tail: Some(format!("{}\n", &text[at..]).into()),
    };
    let first = rest.next().transpose()?.unwrap_or_default();
    if rest.tail.is_none() {
        return Ok(Response::json(200, first));
    }
    let pieces = stream::iter(
        [Ok(first)]
            .into_iter()
            .chain(std::iter::from_fn(move || rest.next())),
    );
    let mut response = Response::json(200, Bytes::new());
    response.body = Body::Stream(Box::pin(pieces));
    Ok(response)
}
