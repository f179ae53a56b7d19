//! Objects in JSON: their stored bytes, with the resourceVersion.

use bytes::Bytes;
use catena_objects::{Status, json};
use catena_registry::{Form, codec};

use super::{Object, item};
use crate::{body, forms, render, server::Served};

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
