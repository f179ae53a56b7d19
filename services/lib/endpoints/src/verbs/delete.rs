//! DELETE of one object and of a collection.

use catena_delegate::Response;
use catena_objects::{Map, Reason, Status, Value};
use catena_registry::{options::DeleteOptions, store::Deleted};

use super::{Call, list};
use crate::{body, encode, query};

pub(super) async fn one(call: &Call<'_>) -> Result<Response, Status> {
    let output = call.output()?;
    let (options, dry_run) = options(call)?;
    let context = call.context(dry_run);
    let name = &call.request.info.name;
    let done = call.served.store.delete(&context, name, &options).await?;
    let resource = &call.served.store.resource;
    if done.gone && !done.shown && !resource.returns_deleted {
        let v = success(call, &done);
        return Ok(Response::new(
            200,
            output.format.content_type(),
            encode::value(&output, &v)?,
        ));
    }
    let object = body::from_storage(resource, call.served.version(), done.object);
    encode::object(call.served, &output, 200, object)
}

fn options(call: &Call<'_>) -> Result<(DeleteOptions, bool), Status> {
    let request = &call.request;
    let body = body::delete_options(request.header("content-type"), &request.body)?;
    query::delete_options(&call.query, body.as_ref())
}

/// `Status` of a deletion that is complete.
fn success(call: &Call<'_>, done: &Deleted) -> Value {
    let resource = &call.served.store.resource;
    let mut details = Map::new();
    details.insert("name", done.object.str_at(&["metadata", "name"]));
    if !resource.group.is_empty() {
        details.insert("group", resource.group.as_str());
    }
    details.insert("kind", resource.plural.as_str());
    details.insert("uid", done.object.str_at(&["metadata", "uid"]));
    let mut m = Map::new();
    m.insert("kind", "Status");
    m.insert("apiVersion", "v1");
    m.insert("metadata", Value::object());
    m.insert("status", "Success");
    m.insert("details", details);
    m.into()
}

/// Deletes what a list would show, one by one; answers with the list.
pub(super) async fn collection(call: &Call<'_>) -> Result<Response, Status> {
    let output = call.output()?;
    let (options, dry_run) = options(call)?;
    let context = call.context(dry_run);
    let found = list::collect(call).await?;
    let mut items = Vec::with_capacity(found.objects.len());
    for object in found.objects {
        let name = object.str_at(&["metadata", "name"]).to_owned();
        let mut context = context.clone();
        if call.served.store.resource.namespaced {
            object
                .str_at(&["metadata", "namespace"])
                .clone_into(&mut context.namespace);
        }
        let deleted = call.served.store.delete(&context, &name, &options).await;
        // Who was faster deleted it, too.
        if let Err(s) = deleted
            && s.reason != Reason::NotFound
        {
            return Err(s);
        }
        items.push(object);
    }
    list::answer(call, &output, found.metadata, items)
}
