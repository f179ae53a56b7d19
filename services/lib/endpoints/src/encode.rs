//! Objects and lists to bytes in the negotiated format and shape.

use bytes::Bytes;
use catena_delegate::{Body, Response};
use catena_objects::{Map, Status, Value, json, yaml};
use catena_telemetry::trace;

use crate::{
    negotiate::{Format, Output, Shape},
    server::Served,
    table,
};

/// A tree in the negotiated format.
pub fn value(output: &Output, v: &Value) -> Result<Bytes, Status> {
    match output.format {
        Format::Json if output.pretty => Ok(pretty(v).into()),
        Format::Json => {
            let mut out = json::to_vec(v);
            out.push(b'\n');
            Ok(out.into())
        }
        Format::Yaml => Ok(yaml::to_vec(v).into()),
        Format::Cbor => Ok(catena_cbor::encode(v).into()),
        Format::Protobuf => {
            catena_protobuf::encode_envelope(v).map_err(|e| Status::internal(e.to_string()))
        }
    }
}

/// A failure in the format the client accepts; JSON when that cannot be told.
pub fn failure(accept: &str, s: &Status) -> Response {
    let format = crate::negotiate::of_failure(accept);
    let mut r = Response::status(s);
    let body = match format {
        Format::Yaml => yaml::to_vec(&s.to_value()),
        Format::Cbor => catena_cbor::encode(&s.to_value()),
        Format::Protobuf => match catena_protobuf::encode_envelope(&s.to_value()) {
            Ok(bytes) => bytes.into(),
            Err(_) => return r,
        },
        Format::Json => return r,
    };
    let content_type = http::HeaderValue::from_static(format.content_type());
    r.headers.insert(http::header::CONTENT_TYPE, content_type);
    r.body = Body::Full(body.into());
    r
}

/// An answer that is an object of the resource, already in the served version.
pub fn object(
    served: &Served,
    output: &Output,
    status: u16,
    object: Value,
) -> Result<Response, Status> {
    let _span = trace::span("SerializeObject");
    let v = shaped(served, output, object)?;
    Ok(Response::new(
        status,
        output.format.content_type(),
        value(output, &v)?,
    ))
}

/// The object in the shape asked for.
pub fn shaped(served: &Served, output: &Output, object: Value) -> Result<Value, Status> {
    match &output.shape {
        Shape::Plain => Ok(object),
        Shape::Table(version) => {
            let metadata = Value::from(list_metadata(
                object.str_at(&["metadata", "resourceVersion"]),
            ));
            Ok(table::table(
                served,
                version,
                metadata,
                &[object],
                output.include,
                true,
            ))
        }
        Shape::Metadata(version) => Ok(metadata_only(&object, version)),
        Shape::MetadataList(_) if served.store.resource.custom => Err(Status::new(
            catena_objects::Reason::Unknown,
            "content is not a list",
        )),
        Shape::MetadataList(_) => Err(no_list(package(served), &served.store.resource.kind)),
    }
}

/// A list of metadata is wanted of an object, which is of a Go type.
pub(crate) fn no_list(package: &str, kind: &str) -> Status {
    let why = format!(
        "you requested PartialObjectMetadataList, but the requested object is not a list (*{package}.{kind})"
    );
    Status::new(catena_objects::Reason::NotAcceptable, why)
}

/// Package of the internal Go type of a resource.
pub(crate) fn package(served: &Served) -> &str {
    let resource = &served.store.resource;
    match resource.group.as_str() {
        _ if resource.custom => "unstructured",
        "" | "events.k8s.io" => "core",
        group => group.split('.').next().unwrap_or_default(),
    }
}

/// `PartialObjectMetadata` of an object.
pub fn metadata_only(object: &Value, version: &str) -> Value {
    let mut m = Map::new();
    m.insert("kind", "PartialObjectMetadata");
    m.insert("apiVersion", format!("meta.k8s.io/{version}"));
    m.insert(
        "metadata",
        object
            .get("metadata")
            .cloned()
            .unwrap_or_else(Value::object),
    );
    m.into()
}

pub(crate) fn list_metadata(revision: &str) -> Map {
    let mut m = Map::new();
    if !revision.is_empty() {
        m.insert("resourceVersion", revision);
    }
    m
}

/// Two-space indentation, as `?pretty=true` gives.
pub fn pretty(v: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    indent(&mut out, v, 0);
    out.push(b'\n');
    out
}

fn indent(out: &mut Vec<u8>, v: &Value, depth: usize) {
    let line = |out: &mut Vec<u8>, depth: usize| {
        out.push(b'\n');
        out.resize(out.len() + depth * 2, b' ');
    };
    match v {
        Value::Array(items) if !items.is_empty() => {
            out.push(b'[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                line(out, depth + 1);
                indent(out, item, depth + 1);
            }
            line(out, depth);
            out.push(b']');
        }
        Value::Object(map) if !map.is_empty() => {
            out.push(b'{');
            for (i, (k, item)) in map.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                line(out, depth + 1);
                json::write_string(out, k);
                out.extend_from_slice(b": ");
                indent(out, item, depth + 1);
            }
            line(out, depth);
            out.push(b'}');
        }
        other => json::write_value(out, other),
    }
}
