//! The scale subresource: `autoscaling/v1 Scale` as a view of an object.

mod ownership;

use std::sync::Arc;

use catena_delegate::Response;
use catena_objects::{Map, Status, Value, json, labels, meta, yaml};
use catena_registry::{options::Preconditions, resource::Scale};

use super::{
    Call,
    patch::{self, Kind},
    update,
};
use crate::{
    body, encode,
    negotiate::{Output, Shape},
    query, table,
};

const ENTRIES: [&str; 2] = ["metadata", "managedFields"];

pub(super) async fn run(call: &Call<'_>) -> Result<Response, Status> {
    let output = call.output()?;
    let context = call.context(false);
    let name = &call.request.info.name;
    match super::method(call) {
        "GET" => {
            let object = call.served.store.get(&context.namespace, name).await?;
            let scale = paths(call)?;
            if call.served.store.resource.custom && at(&object, &scale.spec_replicas).is_none() {
                let path = scale.spec_replicas.join(".");
                let why = format!("the spec replicas field \".{path}\" does not exist");
                return Err(Status::internal(why));
            }
            respond(call, &output, &view(call, &object)?)
        }
        "PUT" => put(call, &output).await,
        "PATCH" => patch(call, &output).await,
        _ => Err(Status::method_not_allowed()),
    }
}

fn respond(call: &Call<'_>, output: &Output, v: &Value) -> Result<Response, Status> {
    let custom = call.served.store.resource.custom;
    let shaped = match &output.shape {
        Shape::Metadata(version) => Some(encode::metadata_only(v, version)),
        Shape::Table(version) => {
            let printer = catena_printers::scale(custom);
            Some(table::of_view(&printer, version, v, output.include))
        }
        Shape::MetadataList(_) => {
            let package = if custom { "v1" } else { "autoscaling" };
            return Err(encode::no_list(package, "Scale"));
        }
        Shape::Plain => None,
    };
    Ok(Response::new(
        200,
        output.format.content_type(),
        encode::value(output, shaped.as_ref().unwrap_or(v))?,
    ))
}

fn paths<'a>(call: &'a Call<'_>) -> Result<&'a Scale, Status> {
    call.served
        .store
        .resource
        .scale
        .as_ref()
        .ok_or_else(Status::no_such_path)
}

fn at<'a>(object: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(object, |v, k| v.get(k))
}

/// The scale of an object in the storage version.
fn view(call: &Call<'_>, object: &Value) -> Result<Value, Status> {
    let scale = paths(call)?;
    let replicas = |path: &[String]| at(object, path).and_then(Value::as_i64).unwrap_or(0);
    let mut metadata = Map::new();
    for key in [
        "name",
        "namespace",
        "uid",
        "resourceVersion",
        "creationTimestamp",
    ] {
        if let Some(v) = object.at(&["metadata", key]) {
            metadata.insert(key, v.clone());
        }
    }
    let mut spec = Map::new();
    let wanted = replicas(&scale.spec_replicas);
    if wanted != 0 {
        spec.insert("replicas", wanted);
    }
    let mut status = Map::new();
    status.insert("replicas", replicas(&scale.status_replicas));
    let selector = match at(object, &scale.selector) {
        Some(Value::String(s)) => s.to_string(),
        Some(v @ Value::Object(_)) => selector_text(v),
        _ => String::new(),
    };
    if !selector.is_empty() {
        status.insert("selector", selector);
    }
    let mut m = Map::new();
    m.insert("kind", "Scale");
    m.insert("apiVersion", "autoscaling/v1");
    m.insert("metadata", metadata);
    m.insert("spec", spec);
    m.insert("status", status);
    Ok(m.into())
}

/// A LabelSelector, or the plain map of a ReplicationController.
fn selector_text(v: &Value) -> String {
    if v.get("matchLabels").is_some() || v.get("matchExpressions").is_some() {
        return labels::Selector::from_label_selector(Some(v))
            .map(|s| s.to_string())
            .unwrap_or_default();
    }
    let mut pairs: Vec<String> = v
        .as_object()
        .into_iter()
        .flatten()
        .map(|(k, v)| format!("{k}={}", v.as_str().unwrap_or_default()))
        .collect();
    pairs.sort();
    pairs.join(",")
}

async fn put(call: &Call<'_>, output: &Output) -> Result<Response, Status> {
    let mut scale = body::other(
        ("autoscaling", "v1", "Scale"),
        &[],
        call.request.header("content-type"),
        &call.request.body,
        query::FieldValidation::Ignore,
    )?
    .object;
    let context = call.context(false);
    update::check_names(call, &context, &scale)?;
    scale.set(&["metadata", "namespace"], context.namespace);
    write(call, output, "UpdateOptions", &|_| Ok(scale.clone())).await
}

async fn patch(call: &Call<'_>, output: &Output) -> Result<Response, Status> {
    let kind = patch::kind(call)?;
    let body = &call.request.body;
    match kind {
        Kind::Apply => {
            let config = yaml::to_value(body)
                .map_err(|e| Status::bad_request(format!("error decoding YAML: {e}")))?;
            return apply(call, output, &config).await;
        }
        Kind::ApplyCbor => {
            let config = catena_cbor::decode(body)
                .map_err(|e| Status::bad_request(format!("error decoding CBOR: {e}")))?;
            return apply(call, output, &config).await;
        }
        Kind::Json | Kind::Merge | Kind::Strategic => {}
    }
    let patch =
        json::parse(body).map_err(|e| Status::bad_request(format!("error decoding patch: {e}")))?;
    let node = schema()?;
    let change = |live: &Value| {
        let after = match kind {
            Kind::Json => catena_patch::json_patch(live, &patch)?,
            Kind::Merge => catena_patch::merge_patch(live, &patch),
            _ => catena_patch::strategic_merge(live, &patch, &node)?,
        };
        // What is no number must not be taken for none.
        match catena_schema::decode_object(&node, after.clone(), false) {
            Ok(decoded) => Ok(decoded.value),
            Err(e) => Err(patch::does_not_fit(kind, &patch, &after, &e.to_string())),
        }
    };
    write(call, output, "PatchOptions", &change).await
}

fn schema() -> Result<Arc<catena_schema::Node>, Status> {
    catena_schema::builtin("autoscaling", "v1", "Scale")
        .ok_or_else(|| Status::internal("no schema for Scale"))
}

/// Server-side apply of a scale: its replicas are owned in the object's entries.
async fn apply(call: &Call<'_>, output: &Output, config: &Value) -> Result<Response, Status> {
    let options = query::write_options(&call.query, "PatchOptions", true)?;
    let context = call.context(options.dry_run);
    let manager = call.manager(&options.field_manager);
    catena_apply::check_type(config, "autoscaling/v1", "Scale")?;
    let node = schema()?;
    let request = catena_apply::Request {
        node: &node,
        group_version: "autoscaling/v1".to_owned(),
        manager: &manager,
        time: &context.now,
        subresource: "scale",
        force: options.force.unwrap_or(false),
        reset_fields: &[],
    };
    let name = &call.request.info.name;
    let path: Vec<String> = paths(call)?.spec_replicas.clone();
    let resource = &call.served.store.resource;
    let version = body::api_version(&resource.group, &call.served.version().name);
    let update = |live: Option<&Value>| -> Result<Value, Status> {
        let Some(live) = live else {
            return Err(call.served.store.not_found(name));
        };
        let entries = live.items_at(&ENTRIES);
        let mut scale = view(call, live)?;
        scale.set(&ENTRIES, ownership::of_scale(entries, &path));
        let wanted = catena_apply::apply(Some(&scale), config, &request)?;
        update::check_names(call, &context, &wanted)?;
        check(call, &wanted, name)?;
        let mut object = live.clone();
        let steps: Vec<&str> = path.iter().map(String::as_str).collect();
        object.set(&steps, wanted.i64_at(&["spec", "replicas"]).unwrap_or(0));
        let owned = wanted.items_at(&ENTRIES);
        let entries = ownership::of_object(entries, owned, &version, &path);
        object.set(&ENTRIES, entries);
        Ok(object)
    };
    let written = call
        .served
        .store
        .update(&context, name, &Preconditions::default(), false, &update)
        .await?;
    respond(call, output, &view(call, &written.object)?)
}

/// Writes the replicas that `change` makes of the current scale.
async fn write(
    call: &Call<'_>,
    output: &Output,
    options_kind: &str,
    change: &(dyn Fn(&Value) -> Result<Value, Status> + Send + Sync),
) -> Result<Response, Status> {
    let options = query::write_options(&call.query, options_kind, false)?;
    let context = call.context(options.dry_run);
    let manager = call.manager(&options.field_manager);
    let tracking = update::tracking(call, &manager, &context);
    let name = &call.request.info.name;
    let path: Vec<String> = paths(call)?.spec_replicas.clone();
    let update = |live: Option<&Value>| -> Result<Value, Status> {
        let Some(live) = live else {
            return Err(call.served.store.not_found(name));
        };
        let wanted = change(&view(call, live)?)?;
        check(call, &wanted, name)?;
        let steps: Vec<&str> = path.iter().map(String::as_str).collect();
        let mut object = live.clone();
        object.set(&steps, wanted.i64_at(&["spec", "replicas"]).unwrap_or(0));
        let version = wanted.str_at(&["metadata", "resourceVersion"]);
        // Without a version the scale is of whatever the object is now.
        if !version.is_empty() {
            object.set(&["metadata", "resourceVersion"], version);
        }
        update::track(call, Some(live), object, &tracking).map(|o| untimed(o, &manager))
    };
    let written = call
        .served
        .store
        .update(&context, name, &Preconditions::default(), false, &update)
        .await?;
    respond(call, output, &view(call, &written.object)?)
}

/// Owners of replicas are booked without a time (`ScaleHandler.ToParent`), and so
/// stand in front of other updates.
fn untimed(mut object: Value, manager: &str) -> Value {
    let mut entries = object.items_at(&ENTRIES).to_vec();
    let is_own = |e: &Value| {
        e.str_at(&["subresource"]) == "scale"
            && e.str_at(&["operation"]) == "Update"
            && e.str_at(&["manager"]) == manager
    };
    let Some(at) = entries.iter().position(is_own) else {
        return object;
    };
    let mut own = entries.remove(at);
    own.unset(&["time"]);
    let first = entries
        .iter()
        .position(|e| e.str_at(&["operation"]) == "Update" && e.get("time").is_some());
    entries.insert(first.unwrap_or(entries.len()), own);
    object.set(&ENTRIES, entries);
    object
}

/// `ValidateScale`; the rules of a custom resource say themselves what its replicas
/// may be.
fn check(call: &Call<'_>, scale: &Value, name: &str) -> Result<(), Status> {
    use catena_objects::field::{Error, Errors, Path};
    let empty = Value::object();
    let mut errors: Errors = meta::validate_object_meta(
        scale.get("metadata").unwrap_or(&empty),
        true,
        &|n, prefix| catena_objects::names::dns1123_subdomain(n, prefix),
        &Path::new("metadata"),
    );
    let replicas = scale.i64_at(&["spec", "replicas"]).unwrap_or(0);
    if replicas < 0 && !call.served.store.resource.custom {
        errors.push(Error::invalid(
            &Path::new("spec").child("replicas"),
            replicas,
            "must be greater than or equal to 0",
        ));
    }
    if errors.is_empty() {
        return Ok(());
    }
    Err(Status::invalid("autoscaling", "Scale", name, &errors))
}
