//! GET of a collection.

mod compose;
mod json;
mod options;
mod read;

use catena_delegate::Response;
use catena_objects::{Map, Status, Value};
use catena_registry::codec;
use catena_telemetry::trace;

pub(super) use json::Writer;
pub(super) use options::{At, Options, parse_revision};
pub(super) use read::{Object, snapshot};
use read::{Page, read};

use super::Call;
use crate::{
    body, encode,
    negotiate::{Output, Shape},
    table,
};

/// Decoded objects in the storage version, and the list's metadata.
pub(super) struct Found {
    pub(super) objects: Vec<Value>,
    pub(super) metadata: Map,
}

pub(super) async fn run(call: &Call<'_>) -> Result<Response, Status> {
    let output = call.output()?;
    let mut page = read(call).await?;
    check_shape(call, &output)?;
    let resource = &call.served.store.resource;
    let metadata = list_metadata(&page);
    if page.objects.is_empty() && matches!(output.shape, Shape::MetadataList(_)) {
        return answer(call, &output, metadata, Vec::new());
    }
    let empty = around(call, &output, metadata.clone(), Vec::new());
    let span = trace::span("SerializeObject");
    let composed = compose::list(call.served, &output, &empty, &mut page.objects);
    if let Some(r) = span.clone().run(composed).await? {
        return Ok(r);
    }
    let mut objects = Vec::with_capacity(page.objects.len());
    for object in &page.objects {
        objects.push(codec::decode(resource, &object.kv())?);
    }
    answer(call, &output, metadata, objects)
}

/// A list is nothing that has metadata alone.
fn check_shape(call: &Call<'_>, output: &Output) -> Result<(), Status> {
    let Shape::Metadata(_) = output.shape else {
        return Ok(());
    };
    let list = go_list_type(call);
    Err(Status::new(
        catena_objects::Reason::NotAcceptable,
        format!("you requested PartialObjectMetadata, but the requested object is a list ({list})"),
    ))
}

fn go_list_type(call: &Call<'_>) -> String {
    let resource = &call.served.store.resource;
    if resource.custom {
        return "*unstructured.UnstructuredList".to_owned();
    }
    let package = encode::package(call.served);
    format!("*{package}.{}", resource.list_kind)
}

/// Everything that the request selects, without a limit.
pub(super) async fn collect(call: &Call<'_>) -> Result<Found, Status> {
    let page = read(call).await?;
    let resource = &call.served.store.resource;
    let objects: Result<Vec<Value>, Status> = page
        .objects
        .iter()
        .map(|o| codec::decode(resource, &o.kv()))
        .collect();
    Ok(Found {
        objects: objects?,
        metadata: list_metadata(&page),
    })
}

/// A list of objects of the storage version in the negotiated shape.
pub(super) fn answer(
    call: &Call<'_>,
    output: &Output,
    metadata: Map,
    objects: Vec<Value>,
) -> Result<Response, Status> {
    check_shape(call, output)?;
    let served = call.served;
    let resource = &served.store.resource;
    let objects: Vec<Value> = objects
        .into_iter()
        .map(|o| body::from_storage(resource, served.version(), o))
        .collect();
    let v = match &output.shape {
        Shape::Table(version) => table::table(
            served,
            version,
            metadata.into(),
            &objects,
            output.include,
            true,
        ),
        Shape::MetadataList(version) => {
            let items = objects
                .iter()
                .map(|o| encode::metadata_only(o, version))
                .collect();
            let mut list = around(call, output, metadata, items);
            // The list is made for the answer, and Go leaves it nil.
            if objects.is_empty() {
                list.set(&["items"], Value::Null);
            }
            list
        }
        Shape::Plain | Shape::Metadata(_) => {
            let items = objects
                .into_iter()
                .map(|o| item(o, resource.custom))
                .collect();
            around(call, output, metadata, items)
        }
    };
    Ok(Response::new(
        200,
        output.format.content_type(),
        encode::value(output, &v)?,
    ))
}

/// The list around items, in the negotiated shape.
fn around(call: &Call<'_>, output: &Output, metadata: Map, items: Vec<Value>) -> Value {
    let resource = &call.served.store.resource;
    if let Shape::MetadataList(version) = &output.shape {
        let api = format!("meta.k8s.io/{version}");
        return list_value("PartialObjectMetadataList", &api, metadata, items, false);
    }
    let api = body::api_version(&resource.group, &call.served.version().name);
    list_value(&resource.list_kind, &api, metadata, items, resource.custom)
}

/// Items of built-in lists carry no kind and apiVersion.
fn item(mut object: Value, custom: bool) -> Value {
    if !custom {
        object.unset(&["kind"]);
        object.unset(&["apiVersion"]);
    }
    object
}

fn list_value(kind: &str, api: &str, metadata: Map, items: Vec<Value>, custom: bool) -> Value {
    let mut m = Map::new();
    if custom {
        let mut metadata = metadata;
        metadata.entry_or("continue", || "".into());
        metadata.sort_keys();
        m.insert("apiVersion", api);
        m.insert("items", items);
        m.insert("kind", kind);
        m.insert("metadata", metadata);
    } else {
        m.insert("kind", kind);
        m.insert("apiVersion", api);
        m.insert("metadata", metadata);
        m.insert("items", items);
    }
    m.into()
}

fn list_metadata(page: &Page) -> Map {
    let mut m = Map::new();
    m.insert("resourceVersion", page.revision.to_string());
    if !page.next.is_empty() {
        m.insert("continue", page.next.as_str());
    }
    if let Some(n) = page.remaining {
        m.insert("remainingItemCount", n);
    }
    if let Some(selector) = &page.shards {
        let mut info = Map::new();
        info.insert("selector", selector.as_str());
        m.insert("shardInfo", info);
    }
    m
}
