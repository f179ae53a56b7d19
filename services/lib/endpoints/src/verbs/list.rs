//! GET of a collection.

mod json;
mod options;
mod read;

use catena_delegate::Response;
use catena_objects::{Map, Status, Value};
use catena_registry::codec;

pub(super) use json::Writer;
pub(super) use options::{At, parse_revision};
pub(super) use read::{Object, snapshot};
use read::{Page, read};

use super::Call;
use crate::{
    body, encode,
    negotiate::{Format, Output, Shape},
    table,
};

/// Decoded objects in the storage version, and the list's metadata.
pub(super) struct Found {
    pub(super) objects: Vec<Value>,
    pub(super) metadata: Map,
}

pub(super) async fn run(call: &Call<'_>) -> Result<Response, Status> {
    let output = call.output()?;
    if let Shape::Metadata(_) = output.shape {
        return Err(Status::new(
            catena_objects::Reason::NotAcceptable,
            format!(
                "you requested PartialObjectMetadata, but the requested object is a list ({})",
                go_list_type(call)
            ),
        ));
    }
    let page = read(call).await?;
    let resource = &call.served.store.resource;
    let plain = output.format == Format::Json && output.shape == Shape::Plain && !output.pretty;
    let metadata = list_metadata(&page);
    if plain {
        let api = body::api_version(&resource.group, &call.served.version().name);
        return json::list(
            call.served,
            &list_value(
                &resource.list_kind,
                &api,
                metadata,
                Vec::new(),
                resource.custom,
            ),
            page.objects,
        );
    }
    let mut objects = Vec::with_capacity(page.objects.len());
    for object in &page.objects {
        objects.push(codec::decode(resource, &object.kv())?);
    }
    answer(call, &output, metadata, objects)
}

fn go_list_type(call: &Call<'_>) -> String {
    let resource = &call.served.store.resource;
    if resource.custom {
        return "*unstructured.UnstructuredList".to_owned();
    }
    let package = match resource.group.as_str() {
        "" => "core",
        g => g.split('.').next().unwrap_or_default(),
    };
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
    let served = call.served;
    let resource = &served.store.resource;
    let objects: Vec<Value> = objects
        .into_iter()
        .map(|o| body::from_storage(resource, served.version(), o))
        .collect();
    let v = match &output.shape {
        Shape::Table(version) => {
            let include = table::Include::parse(call.query.get("includeObject"))?;
            table::table(served, version, metadata.into(), &objects, include, true)
        }
        Shape::MetadataList(version) => {
            let items: Vec<Value> = objects
                .iter()
                .map(|o| {
                    let mut m = encode::metadata_only(o, version);
                    m.unset(&["kind"]);
                    m.unset(&["apiVersion"]);
                    m
                })
                .collect();
            list_value(
                "PartialObjectMetadataList",
                &format!("meta.k8s.io/{version}"),
                metadata,
                items,
                false,
            )
        }
        _ => {
            let items = objects
                .into_iter()
                .map(|o| item(o, resource.custom))
                .collect();
            let api = body::api_version(&resource.group, &served.version().name);
            list_value(&resource.list_kind, &api, metadata, items, resource.custom)
        }
    };
    Ok(Response::new(
        200,
        output.format.content_type(),
        encode::value(output, &v)?,
    ))
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
    m
}
