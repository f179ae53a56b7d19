//! exec, attach and port-forward: streams to a container through its kubelet.

use catena_objects::{Status, Value};
use catena_registry::{Connected, Connecting};

use super::{
    Nodes,
    forward::{self, Outgoing},
    query, translated, tunnelled,
};

pub(super) async fn answer(
    nodes: &Nodes,
    pod: &Value,
    what: &str,
    request: Connecting,
) -> Result<Connected, Status> {
    let name = pod.str_at(&["metadata", "name"]);
    let namespace = pod.str_at(&["metadata", "namespace"]);
    let path = if what == "portforward" {
        format!("/portForward/{namespace}/{name}")
    } else {
        let container = container(pod, &query::first(&request.query, "container"))?;
        format!("/{what}/{namespace}/{name}/{container}")
    };
    let node = nodes.node(pod, false).await?;
    if request.input.is_none() {
        return Err(Status::bad_request("Upgrade request required"));
    }
    let mut uri = query::path(&path);
    let parameters = parameters(what, &request.query);
    if !parameters.is_empty() {
        uri = format!("{uri}?{parameters}");
    }
    // A kubelet that declares the feature speaks what the client speaks.
    if !node.speaks_websocket {
        let (egress, headers) = (&nodes.egress, &request.headers);
        if what == "portforward" && tunnelled::is_wanted(headers) {
            return tunnelled::answer(&**egress, &node.kubelet, uri, request).await;
        }
        if what != "portforward" && translated::is_wanted(headers) {
            return translated::answer(egress.clone(), node.kubelet, uri, request).await;
        }
    }
    let outgoing = Outgoing {
        method: request.method,
        uri,
        headers: request.headers,
        body: request.body,
        input: request.input,
    };
    forward::send(&*nodes.egress, &node.kubelet, outgoing)
        .await
        .map_err(|why| Status::internal(format!("error dialing backend: {why}")))
}

/// The options as the kubelet reads them (`streamParams`).
fn parameters(what: &str, text: &str) -> String {
    let pairs = query::pairs(text);
    let all = |name: &str| -> Vec<String> {
        pairs
            .iter()
            .filter(|(n, _)| n == name)
            .map(|(_, v)| v.clone())
            .collect()
    };
    let mut out: Vec<(&str, String)> = Vec::new();
    if what == "portforward" {
        let ports = all("ports");
        if !ports.is_empty() {
            out.push(("port", ports.join(",")));
        }
        return query::encode(out);
    }
    let streams = [
        ("stdin", "input"),
        ("stdout", "output"),
        ("stderr", "error"),
        ("tty", "tty"),
    ];
    for (option, kubelet) in streams {
        if query::flag(text, option) {
            out.push((kubelet, "1".to_owned()));
        }
    }
    out.extend(all("command").into_iter().map(|c| ("command", c)));
    query::encode(out)
}

/// The container that is meant must be there, and be clear.
pub(super) fn container(pod: &Value, container: &str) -> Result<String, Status> {
    let name = pod.str_at(&["metadata", "name"]);
    let names = |list: &str| -> Vec<String> {
        pod.items_at(&["spec", list])
            .iter()
            .map(|c| c.str_at(&["name"]).to_owned())
            .collect()
    };
    let (own, first) = (names("containers"), names("initContainers"));
    if container.is_empty() {
        if let [only] = own.as_slice() {
            return Ok(only.clone());
        }
        let list = own.join(" ");
        let mut why =
            format!("a container name must be specified for pod {name}, choose one of: [{list}]");
        if !first.is_empty() {
            why.push_str(&format!(
                " or one of the init containers: [{}]",
                first.join(" ")
            ));
        }
        return Err(Status::bad_request(why));
    }
    let known = own.iter().chain(&first).any(|c| c == container)
        || names("ephemeralContainers").iter().any(|c| c == container);
    if known {
        return Ok(container.to_owned());
    }
    let why = format!("container {container} is not valid for pod {name}");
    Err(Status::bad_request(why))
}
