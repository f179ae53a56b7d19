//! Options of deletions.

use bytes::Bytes;
use catena_objects::{Status, Value};

use super::{no_object, parse, type_meta};
use crate::negotiate;

const OPTIONS: &str = "k8s.io.apimachinery.pkg.apis.meta.v1.DeleteOptions";

/// Delete options: an empty body has none.
pub fn delete_options(content_type: &str, body: &Bytes) -> Result<Option<Value>, Status> {
    if body.is_empty() {
        return Ok(None);
    }
    let format = negotiate::input(content_type, false)?;
    let value = parse(format, body).map_err(Status::bad_request)?.value;
    if !matches!(value, Value::Object(_) | Value::Null) {
        return Err(Status::bad_request(no_object(&value)));
    }
    let kind = type_meta(&value, "kind").map_err(Status::bad_request)?;
    let version = type_meta(&value, "apiVersion").map_err(Status::bad_request)?;
    if !matches!(kind, "" | "DeleteOptions") {
        return Err(Status::bad_request(format!(
            "no kind {kind:?} is registered for version {version:?} in scheme \"pkg/runtime/scheme.go:111\""
        )));
    }
    let Some(node) = catena_schema::message(OPTIONS) else {
        return Err(Status::internal("no schema for DeleteOptions"));
    };
    match catena_schema::decode_object(&node, value, false) {
        Ok(decoded) => Ok(Some(decoded.value)),
        Err(why) => Err(Status::bad_request(why.to_string())),
    }
}
