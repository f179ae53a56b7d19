//! Logs of containers.

use bytes::Bytes;
use catena_objects::{
    Reason, Status, Value,
    field::{Error, Errors, Path},
};
use catena_registry::{ByteStream, Connected};
use futures_util::{StreamExt as _, stream};
use http::{HeaderMap, HeaderValue, header};

use super::{
    Nodes,
    forward::{self, Outgoing},
    query,
    running::container,
};

/// Of an answer that is a failure, so much is told.
const EXPLANATION: usize = 50_000;

pub(super) async fn answer(nodes: &Nodes, pod: &Value, text: &str) -> Result<Connected, Status> {
    let name = pod.str_at(&["metadata", "name"]);
    let namespace = pod.str_at(&["metadata", "namespace"]);
    check(name, text)?;
    let container = container(pod, &query::first(text, "container"))?;
    if pod.str_at(&["spec", "nodeName"]).is_empty() {
        // Nothing runs yet, and so nothing was said.
        return Ok(Connected {
            status: 204,
            headers: HeaderMap::new(),
            body: stream::empty::<Result<Bytes, Status>>().boxed(),
        });
    }
    let insecure = query::flag(text, "insecureSkipTLSVerifyBackend");
    let target = nodes.node(pod, insecure).await?.kubelet;
    let path = format!("/containerLogs/{namespace}/{name}/{container}");
    let uri = format!("{}?{}", query::path(&path), parameters(text));
    let url = format!("{}://{}{uri}", target.scheme(), target.authority());
    let outgoing = Outgoing {
        method: "GET".to_owned(),
        uri,
        headers: HeaderMap::new(),
        body: Bytes::new(),
        input: None,
    };
    let answer = forward::send(&*nodes.egress, &target, outgoing)
        .await
        .map_err(|why| Status::internal(format!("Get {url:?}: {why}")))?;
    if (200..=206).contains(&answer.status) {
        return Ok(plain(answer.body));
    }
    let status = answer.status;
    let why = forward::text(answer.body, EXPLANATION).await;
    Err(failure(status, name, &why))
}

/// `GenericHttpResponseChecker`.
fn failure(status: u16, name: &str, why: &str) -> Status {
    match status {
        400 => Status::bad_request(why),
        500 => Status::internal(why),
        404 => Status::new(
            Reason::NotFound,
            format!("the server could not find the requested resource ( pods/log {name})"),
        ),
        other => {
            let mut s = Status::new(
                Reason::Unknown,
                format!(
                    "an error on the server ({why:?}) has prevented the request from succeeding"
                ),
            );
            s.code = other;
            s
        }
    }
}

fn plain(body: ByteStream) -> Connected {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    Connected {
        status: 200,
        headers,
        body,
    }
}

/// The options as the kubelet reads them.
fn parameters(text: &str) -> String {
    let mut out: Vec<(&str, String)> = Vec::new();
    for name in ["follow", "previous", "timestamps"] {
        if query::flag(text, name) {
            out.push((name, "true".to_owned()));
        }
    }
    for name in [
        "sinceSeconds",
        "sinceTime",
        "tailLines",
        "limitBytes",
        "stream",
    ] {
        let value = query::first(text, name);
        if !value.is_empty() {
            out.push((name, value));
        }
    }
    query::encode(out)
}

/// `ValidatePodLogOptions`, as far as numbers go.
fn check(name: &str, text: &str) -> Result<(), Status> {
    let mut errors = Errors::new();
    for (field, least) in [("tailLines", 0), ("limitBytes", 1), ("sinceSeconds", 1)] {
        let Ok(value) = query::first(text, field).parse::<i64>() else {
            continue;
        };
        if value < least {
            let why = if least == 0 {
                "must be greater than or equal to 0"
            } else {
                "must be greater than 0"
            };
            errors.push(Error::invalid(&Path::new(field), value, why));
        }
    }
    if errors.is_empty() {
        return Ok(());
    }
    Err(Status::invalid("", "PodLogOptions", name, &errors))
}
