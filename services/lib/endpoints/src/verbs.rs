//! Verbs of resources, one file each.

mod create;
mod delete;
mod get;
mod list;
mod patch;
mod scale;
mod selectors;
mod update;
mod watch;

use catena_delegate::{Body, ByteStream, Request, Response};
use catena_objects::{Status, time};
use catena_registry::{Connecting, Context, Warnings};
use catena_telemetry::trace;
use parking_lot::Mutex;

use crate::{encode, negotiate, query::Query, server::Served, table};

/// A request on its way through a verb.
pub(crate) struct Call<'a> {
    pub(crate) served: &'a Served,
    pub(crate) request: Request,
    pub(crate) query: Query,
    pub(crate) warnings: Warnings,
    /// What the client sends after an upgrade.
    input: Mutex<Option<ByteStream>>,
}

impl Call<'_> {
    /// What the client sends after an upgrade, for whoever asks first.
    pub(crate) fn take_input(&self) -> Option<ByteStream> {
        self.input.lock().take()
    }

    pub(crate) fn output(&self) -> Result<negotiate::Output, Status> {
        let custom = self.served.store.resource.custom;
        let pretty = self.query.bool("pretty");
        let accept = self.request.header("accept");
        let mut output = match self.request.info.verb.as_str() {
            "list" | "watch" => negotiate::collection(accept, custom, pretty)?,
            _ => negotiate::output(accept, custom, pretty)?,
        };
        if matches!(output.shape, negotiate::Shape::Table(_)) {
            output.include = table::Include::parse(self.query.get("includeObject"))?;
        }
        Ok(output)
    }

    pub(crate) fn context(&self, dry_run: bool) -> Context {
        let i = &self.request.info;
        let namespaced = self.served.store.resource.namespaced;
        Context {
            user: self.request.user.clone(),
            namespace: if namespaced {
                i.namespace.clone()
            } else {
                String::new()
            },
            version: i.api_version.clone(),
            subresource: i.subresource.clone(),
            dry_run,
            now: time::now(),
            warnings: self.warnings.clone(),
        }
    }

    /// Name of the writer in managedFields: the option, else the head of the User-Agent.
    pub(crate) fn manager(&self, given: &str) -> String {
        if !given.is_empty() {
            return given.to_owned();
        }
        let agent = self.request.header("user-agent");
        let head: String = agent
            .split('/')
            .next()
            .unwrap_or_default()
            .chars()
            .filter(|c| !c.is_control())
            .take(128)
            .collect();
        if head.is_empty() {
            "unknown".to_owned()
        } else {
            head
        }
    }
}

/// Runs the verb that method, name and subresource mean. Failures carry warnings too.
pub(crate) async fn run(served: &Served, request: Request, input: Option<ByteStream>) -> Response {
    let warnings = Warnings::default();
    warnings.extend(served.version().deprecation_warning.clone());
    let accept = request.header("accept").to_owned();
    let answer = answer(served, request, input, warnings.clone()).await;
    let mut all = warnings.take();
    let mut response = answer.unwrap_or_else(|s| {
        // What has no route has no version that could be deprecated.
        let unrouted = negotiate::is_unrouted(&s);
        if unrouted || s == Status::method_not_allowed() || s == Status::no_such_path() {
            all.clear();
        }
        encode::failure(&accept, &s)
    });
    all.append(&mut response.warnings);
    response.warnings = all;
    response
}

async fn answer(
    served: &Served,
    request: Request,
    input: Option<ByteStream>,
    warnings: Warnings,
) -> Result<Response, Status> {
    check_name(&request)?;
    let query = Query::parse(&request.query);
    let call = Call {
        served,
        request,
        query,
        warnings,
        input: Mutex::new(input),
    };
    let i = &call.request.info;
    let resource = &served.store.resource;
    if !i.subresource.is_empty() {
        return subresource(&call).await;
    }
    let has = |verb: &str| resource.verbs.iter().any(|v| v == verb);
    let named = !i.name.is_empty()
        && call
            .request
            .path
            .trim_end_matches('/')
            .ends_with(&last_part(&call));
    // What can only be created has no objects.
    if named && !["get", "update", "patch", "delete"].into_iter().any(has) {
        return Err(Status::no_such_path());
    }
    match (method(&call), named) {
        ("GET", _) if i.verb == "watch" && has("watch") => watch::run(&call).await,
        ("GET", true) if has("get") => trace::span("Get").run(get::run(&call)).await,
        ("GET", false) if has("list") => trace::span("List").run(list::run(&call)).await,
        ("POST", false) if has("create") => trace::span("Create").run(create::run(&call)).await,
        ("PUT", true) if has("update") => trace::span("Update").run(update::run(&call)).await,
        ("PATCH", true) if has("patch") => trace::span("Patch").run(patch::run(&call)).await,
        ("DELETE", true) if has("delete") => trace::span("Delete").run(delete::one(&call)).await,
        ("DELETE", false) if has("deletecollection") => {
            trace::span("Delete").run(delete::collection(&call)).await
        }
        _ => Err(Status::method_not_allowed()),
    }
}

/// Paths of custom resources are no routes: what is asked for the head of an
/// object is answered as for the object.
fn method<'a>(call: &'a Call<'_>) -> &'a str {
    let custom = call.served.store.resource.custom;
    match call.request.method.as_str() {
        "HEAD" if custom && call.request.info.verb != "watch" => "GET",
        method => method,
    }
}

/// The name as it stands in the path (a list with a name selector has none there).
fn last_part(call: &Call<'_>) -> String {
    match call.request.info.parts.get(1) {
        Some(name) => name.clone(),
        None => "\0".to_owned(),
    }
}

async fn subresource(call: &Call<'_>) -> Result<Response, Status> {
    let i = &call.request.info;
    let resource = &call.served.store.resource;
    let method = method(call);
    if i.subresource == "scale" && resource.scale.is_some() {
        return scale::run(call).await;
    }
    if let Some((_, handler)) = resource.handlers.iter().find(|(n, _)| *n == i.subresource) {
        return match method {
            "POST" => create::handler(call, handler.as_ref()).await,
            _ => Err(Status::method_not_allowed()),
        };
    }
    if let Some(connect) = resource.connects.iter().find(|c| c.name == i.subresource) {
        return connected(call, connect).await;
    }
    if !resource.subresources.contains(&i.subresource) {
        return Err(Status::no_such_path());
    }
    match method {
        "GET" if i.subresource != "finalize" => get::run(call).await,
        "PUT" => update::run(call).await,
        "PATCH" if i.subresource != "finalize" => patch::run(call).await,
        _ => Err(Status::method_not_allowed()),
    }
}

/// Log, exec and the like.
async fn connected(
    call: &Call<'_>,
    connect: &catena_registry::Connect,
) -> Result<Response, Status> {
    let verb = match call.request.method.as_str() {
        "GET" | "HEAD" => "get",
        "POST" => "create",
        "PUT" => "update",
        "PATCH" => "patch",
        "DELETE" => "delete",
        _ => "",
    };
    if !connect.verbs.iter().any(|v| v == verb) {
        return Err(Status::method_not_allowed());
    }
    let context = call.context(false);
    let request = &call.request;
    let i = &request.info;
    let place = format!("/{}/{}/{}", i.resource, i.name, i.subresource);
    let rest = request.path.split_once(&place).map_or("", |(_, rest)| rest);
    let asked = Connecting {
        method: request.method.clone(),
        path: request.path.clone(),
        rest: rest.to_owned(),
        query: request.query.clone(),
        headers: request.headers.clone(),
        body: request.body.clone(),
        input: call.take_input(),
    };
    let store = &call.served.store;
    let answer = connect
        .connector
        .connect(&context, store, &i.name, asked)
        .await?;
    Ok(Response {
        status: answer.status,
        headers: answer.headers,
        warnings: Vec::new(),
        audit: Vec::new(),
        body: Body::Stream(answer.body),
    })
}

/// A name must be one path segment (`content.IsPathSegmentName`).
fn check_name(request: &Request) -> Result<(), Status> {
    let name = &request.info.name;
    let why = match name.as_str() {
        "." => "may not be '.'",
        ".." => "may not be '..'",
        n if n.contains('/') => "may not contain '/'",
        n if n.contains('%') => "may not contain '%'",
        _ => return Ok(()),
    };
    Err(Status::bad_request(format!(
        "Name parameter invalid: {name:?}: {why}"
    )))
}
