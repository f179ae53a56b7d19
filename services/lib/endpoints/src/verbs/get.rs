//! GET of one object: a copy of its stored bytes.

use catena_delegate::Response;
use catena_objects::Status;

use super::Call;
use crate::{
    body, encode,
    negotiate::{Format, Shape},
    render, server,
};

pub(super) async fn run(call: &Call<'_>) -> Result<Response, Status> {
    let output = call.output()?;
    let served = call.served;
    let resource = &served.store.resource;
    let context = call.context(false);
    let kv = served
        .store
        .read(&context.namespace, &call.request.info.name)
        .await?;
    let plain = output.format == Format::Json && output.shape == Shape::Plain && !output.pretty;
    if plain
        && served.is_stored_form()
        && kv.value.first() == Some(&b'{')
        && let Some(bytes) = render::with_revision(&kv.value, kv.mod_revision, resource.custom)
    {
        return Ok(server::json_bytes(200, bytes));
    }
    let object = catena_registry::codec::decode(resource, &kv)?;
    let object = body::from_storage(resource, served.version(), object);
    encode::object(served, &output, 200, object)
}
