//! Lists put together from objects that are encoded already.

use std::{sync::Arc, vec};

use bytes::Bytes;
use catena_delegate::{Body, Response};
use catena_objects::{Status, Value, json};
use catena_registry::{Form, codec};
use futures_util::stream;

use super::{Object, Writer};
use crate::{
    body, encode, forms,
    negotiate::{Format, Output, Shape},
    server::Served,
};

/// Size of the pieces in which a long list is sent.
const CHUNK: usize = 256 * 1024;
/// Objects that are encoded before others get their turn.
const AT_ONCE: usize = 64;

/// How an object stands in a list.
enum Items {
    Json(Writer),
    /// JSON of the metadata alone.
    Metadata(Encoder),
    Protobuf(Encoder),
}

struct Encoder {
    served: Served,
    shape: Shape,
    form: Form,
}

impl Items {
    /// `None`: the list has to be made whole.
    fn of(served: &Served, output: &Output) -> Option<Self> {
        let shape = forms::shape(&output.shape)?;
        let encoder = |kind: u8| Encoder {
            served: served.clone(),
            shape: output.shape.clone(),
            form: Form {
                version: forms::version(served),
                kind: kind + shape,
            },
        };
        match (output.format, &output.shape) {
            (Format::Json, _) if output.pretty => None,
            (Format::Json, Shape::Plain) => Some(Self::Json(Writer::new(served, true))),
            (Format::Json, _) => Some(Self::Metadata(encoder(forms::METADATA - 1))),
            (Format::Protobuf, _) => Some(Self::Protobuf(encoder(forms::PROTOBUF))),
            (Format::Yaml | Format::Cbor, _) => None,
        }
    }

    fn write(&self, out: &mut Vec<u8>, object: &Object) -> Result<(), Status> {
        match self {
            Self::Json(writer) => writer.write(out, object, object.mod_revision),
            Self::Metadata(encoder) => {
                out.extend_from_slice(&encoder.json(object)?);
                Ok(())
            }
            Self::Protobuf(encoder) => {
                let envelope = encoder.protobuf(object)?;
                let message = message(&envelope)?;
                catena_protobuf::item_head(out, message.len());
                out.extend_from_slice(message);
                Ok(())
            }
        }
    }
}

fn message(envelope: &[u8]) -> Result<&[u8], Status> {
    catena_protobuf::message_in(envelope)
        .ok_or_else(|| Status::internal("an envelope without a message"))
}

impl Encoder {
    fn object(&self, object: &Object) -> Result<Value, Status> {
        let resource = &self.served.store.resource;
        let object = codec::decode(resource, &object.kv())?;
        let object = body::from_storage(resource, self.served.version(), object);
        Ok(match &self.shape {
            Shape::Metadata(v) | Shape::MetadataList(v) => encode::metadata_only(&object, v),
            Shape::Plain | Shape::Table(_) => object,
        })
    }

    fn json(&self, object: &Object) -> Result<Bytes, Status> {
        object
            .extra
            .form(self.form, || Ok(json::to_vec(&self.object(object)?).into()))
    }

    fn protobuf(&self, object: &Object) -> Result<Bytes, Status> {
        object.extra.form(self.form, || {
            catena_protobuf::encode_envelope(&self.object(object)?)
                .map_err(|e| Status::internal(e.to_string()))
        })
    }
}

struct Rest {
    items: Items,
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
            let separated = !matches!(self.items, Items::Protobuf(_));
            if !std::mem::take(&mut self.first) && separated {
                out.push(b',');
            }
            if let Err(e) = self.items.write(&mut out, &object) {
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

/// The answer with the objects, which it takes, in an empty list; `None` when it
/// has to be made whole in this format and shape.
pub(super) async fn list(
    served: &Served,
    output: &Output,
    empty: &Value,
    objects: &mut Vec<Arc<Object>>,
) -> Result<Option<Response>, Status> {
    let Some(items) = Items::of(served, output) else {
        return Ok(None);
    };
    let (mut head, tail) = match &items {
        Items::Protobuf(encoder) => protobuf_frame(encoder, empty, objects).await?,
        Items::Json(_) | Items::Metadata(_) => json_frame(empty)?,
    };
    let size: usize = objects.iter().map(|o| o.value().len() + 64).sum();
    head.reserve((size + tail.len()).min(CHUNK + CHUNK / 4));
    let mut rest = Rest {
        items,
        objects: std::mem::take(objects).into_iter(),
        first: true,
        head,
        tail: Some(tail),
    };
    let first = rest.next().transpose()?.unwrap_or_default();
    let mut response = Response::new(200, output.format.content_type(), Bytes::new());
    response.body = if rest.tail.is_none() {
        Body::Full(first)
    } else {
        let more = std::iter::from_fn(move || rest.next());
        Body::Stream(Box::pin(stream::iter([Ok(first)].into_iter().chain(more))))
    };
    Ok(Some(response))
}

fn json_frame(empty: &Value) -> Result<(Vec<u8>, Bytes), Status> {
    const ITEMS: &str = "\"items\":[";
    let text = json::to_string(empty);
    let at = text
        .find(ITEMS)
        .map(|at| at + ITEMS.len())
        .ok_or_else(|| Status::internal("a list without items"))?;
    let (head, tail) = text.split_at(at);
    Ok((head.as_bytes().to_vec(), format!("{tail}\n").into()))
}

/// The length of all items stands before them, so they are encoded first.
async fn protobuf_frame(
    encoder: &Encoder,
    empty: &Value,
    objects: &[Arc<Object>],
) -> Result<(Vec<u8>, Bytes), Status> {
    let mut lengths = Vec::with_capacity(objects.len());
    for some in objects.chunks(AT_ONCE) {
        for object in some {
            lengths.push(message(&encoder.protobuf(object)?)?.len());
        }
        tokio::task::yield_now().await;
    }
    let frame = catena_protobuf::list_frame(empty, lengths.into_iter())
        .map_err(|e| Status::internal(e.to_string()))?;
    Ok((frame.head, frame.tail.into()))
}
