//! GET of one object: a copy of its stored bytes.

use std::sync::Arc;

use catena_delegate::Response;
use catena_objects::{Reason, Status};

use super::{
    Call,
    list::{self, At, Object, Writer},
};
use crate::{
    body, encode,
    negotiate::{Format, Shape},
    server,
};

pub(super) async fn run(call: &Call<'_>) -> Result<Response, Status> {
    if call.query.bool("export") {
        let why = "the export parameter, deprecated since v1.14, is no longer supported";
        return Err(Status::bad_request(why));
    }
    let output = call.output()?;
    let served = call.served;
    let resource = &served.store.resource;
    let object = find(call).await?;
    let plain = output.format == Format::Json && output.shape == Shape::Plain && !output.pretty;
    if plain {
        let mut out = Vec::with_capacity(object.value().len() + 64);
        Writer::new(served, false).write(&mut out, &object, object.mod_revision)?;
        out.push(b'\n');
        return Ok(server::json_bytes(200, out.into()));
    }
    let object = catena_registry::codec::decode(resource, &object.kv())?;
    let object = body::from_storage(resource, served.version(), object);
    encode::object(served, &output, 200, object)
}

/// With a resourceVersion the cache may answer, else storage does.
async fn find(call: &Call<'_>) -> Result<Arc<Object>, Status> {
    let store = &call.served.store;
    let context = call.context(false);
    let name = &call.request.info.name;
    let rv = call.query.get("resourceVersion").unwrap_or_default();
    let revision = list::parse_revision(rv).map_err(|why| Status::new(Reason::Unknown, why))?;
    let at = match revision {
        0 => At::Any,
        r => At::Least(r),
    };
    if !rv.is_empty()
        && let Some(cache) = &store.cache
        && let Some(snapshot) = list::snapshot(cache, at).await?
    {
        let key = store.resource.key(&context.namespace, name);
        let found = snapshot.get(key.as_bytes()).cloned();
        return found.ok_or_else(|| store.not_found(name));
    }
    let kv = store.read(&context.namespace, name).await?;
    Ok(Arc::new(Object::new(&kv)))
}
