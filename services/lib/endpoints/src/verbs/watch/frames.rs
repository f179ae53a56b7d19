//! Events as they go over the wire; made once for all watchers of an encoding.

use std::sync::Arc;

use bytes::Bytes;
use catena_cache::Change;
use catena_objects::{Map, Status, Value, json};
use catena_registry::{Cached, Form, codec};

use crate::{
    body, encode, forms,
    negotiate::{Format, Output, Shape},
    server::Served,
    table,
    verbs::list::{Object, Writer},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Added,
    Modified,
    Deleted,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Added => "ADDED",
            Self::Modified => "MODIFIED",
            Self::Deleted => "DELETED",
        }
    }
}

/// Makes the frames of one watch.
pub(super) struct Frames {
    served: Served,
    output: Output,
    writer: Writer,
    /// Table columns go with the first event only.
    first: bool,
}

impl Frames {
    pub(super) fn new(served: &Served, output: Output) -> Self {
        Self {
            served: served.clone(),
            output,
            writer: Writer::new(served, false),
            first: true,
        }
    }

    pub(super) fn content_type(&self) -> &'static str {
        match self.output.format {
            Format::Protobuf => "application/vnd.kubernetes.protobuf;stream=watch",
            // One data item after the other (RFC 8742).
            Format::Cbor => "application/cbor-seq",
            _ => "application/json",
        }
    }

    /// The frame of a change.
    ///
    /// # Errors
    /// When the object cannot be decoded or encoded.
    pub(super) fn change(
        &mut self,
        kind: Kind,
        object: &Arc<Object>,
        change: &Change<Cached>,
    ) -> Result<Bytes, Status> {
        let Some(form) = self.form(kind) else {
            return self.object(kind, object, change.revision);
        };
        let make = || self.shared(kind, object, change.revision);
        change.extra.form(form, make)
    }

    /// The frame of an object, with the revision that it has for this event.
    ///
    /// # Errors
    /// As [`Self::change`].
    pub(super) fn object(
        &mut self,
        kind: Kind,
        object: &Object,
        revision: i64,
    ) -> Result<Bytes, Status> {
        let Shape::Table(version) = &self.output.shape else {
            return self.shared(kind, object, revision);
        };
        let object = self.decode(object, revision)?;
        let metadata = encode::list_metadata(&revision.to_string()).into();
        let columns = std::mem::take(&mut self.first);
        let objects = [object];
        let v = table::table(
            &self.served,
            version,
            metadata,
            &objects,
            self.output.include,
            columns,
        );
        self.frame(kind.name(), &v)
    }

    /// What is the same for every watcher of this encoding.
    fn form(&self, kind: Kind) -> Option<Form> {
        let shape = forms::shape(&self.output.shape)?;
        let format = match self.output.format {
            Format::Protobuf => 1,
            Format::Cbor => 2,
            Format::Json | Format::Yaml => 0,
        };
        Some(Form {
            version: forms::version(&self.served),
            kind: forms::FRAME + kind as u8 * 16 + format * 4 + shape,
        })
    }

    fn shared(&self, kind: Kind, object: &Object, revision: i64) -> Result<Bytes, Status> {
        if self.output.shape == Shape::Plain && self.output.format == Format::Json {
            let mut out = head(kind.name(), object.value().len() + 96);
            self.writer.write(&mut out, object, revision)?;
            out.extend_from_slice(b"}\n");
            return Ok(out.into());
        }
        let object = self.decode(object, revision)?;
        let shaped = match &self.output.shape {
            Shape::Metadata(v) | Shape::MetadataList(v) => encode::metadata_only(&object, v),
            Shape::Plain | Shape::Table(_) => object,
        };
        self.frame(kind.name(), &shaped)
    }

    fn decode(&self, object: &Object, revision: i64) -> Result<Value, Status> {
        let resource = &self.served.store.resource;
        let mut object = codec::decode(resource, &object.kv())?;
        codec::set_revision(&mut object, revision, resource.custom);
        Ok(body::from_storage(resource, self.served.version(), object))
    }

    /// An empty object that says how far the watch has come.
    ///
    /// # Errors
    /// When it cannot be encoded.
    pub(super) fn bookmark(&mut self, revision: i64, initial_end: bool) -> Result<Bytes, Status> {
        let resource = &self.served.store.resource;
        let mut metadata = Map::new();
        metadata.insert("resourceVersion", revision.to_string());
        if initial_end {
            let mut annotations = Map::new();
            annotations.insert("k8s.io/initial-events-end", "true");
            metadata.insert("annotations", annotations);
        }
        let mut m = Map::new();
        let api = body::api_version(&resource.group, &self.served.version().name);
        m.insert("kind", resource.kind.as_str());
        m.insert("apiVersion", api);
        m.insert("metadata", metadata);
        let mut object = Value::from(m);
        if let Shape::Metadata(v) | Shape::MetadataList(v) = &self.output.shape {
            object = encode::metadata_only(&object, v);
        } else if !resource.custom
            && let Ok(d) =
                catena_schema::decode_object(&self.served.version().schema, object.clone(), false)
        {
            object = d.value;
        }
        if let Shape::Table(version) = &self.output.shape {
            let metadata = encode::list_metadata(&revision.to_string()).into();
            let columns = std::mem::take(&mut self.first);
            let include = self.output.include;
            object = table::table(&self.served, version, metadata, &[object], include, columns);
        }
        self.frame("BOOKMARK", &object)
    }

    /// # Errors
    /// When it cannot be encoded.
    pub(super) fn error(&self, s: &Status) -> Result<Bytes, Status> {
        self.frame("ERROR", &s.to_value())
    }

    fn frame(&self, kind: &str, object: &Value) -> Result<Bytes, Status> {
        if self.output.format == Format::Protobuf {
            return catena_protobuf::encode_watch_event(kind, object)
                .map_err(|e| Status::internal(e.to_string()));
        }
        if self.output.format == Format::Cbor {
            let mut event = Map::new();
            event.insert("type", kind);
            event.insert("object", object.clone());
            return Ok(catena_cbor::encode(&event.into()).into());
        }
        let mut out = head(kind, 512);
        json::write_value(&mut out, object);
        out.extend_from_slice(b"}\n");
        Ok(out.into())
    }
}

fn head(kind: &str, room: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(room);
    for part in ["{\"type\":\"", kind, "\",\"object\":"] {
        out.extend_from_slice(part.as_bytes());
    }
    out
}
