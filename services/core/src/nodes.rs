//! What runs on nodes: logs, exec, attach, port-forward, proxies
//! (`registry/core/pod/strategy.go`, `LogLocation`, `streamLocation`).

use std::sync::Arc;

use async_trait::async_trait;
use catena_objects::{
    Status, Value,
    field::{Error, Errors, Path},
};
use catena_registry::{Connector, Context, Store};

use crate::reader::ObjectReader;

pub(crate) struct Nodes {
    pub(crate) reader: Arc<dyn ObjectReader>,
}

/// The first value of a query parameter; options need no decoding.
fn option<'a>(query: &'a str, name: &str) -> &'a str {
    query
        .split('&')
        .find_map(|p| p.strip_prefix(name)?.strip_prefix('='))
        .unwrap_or_default()
}

#[async_trait]
impl Connector for Nodes {
    async fn connect(
        &self,
        ctx: &Context,
        store: &Store,
        name: &str,
        query: &str,
    ) -> Result<Value, Status> {
        let object = store.get(&ctx.namespace, name).await?;
        let node = match store.resource.plural.as_str() {
            "pods" => {
                if ctx.subresource == "log" {
                    check_log(name, query)?;
                }
                if ctx.subresource != "proxy" && ctx.subresource != "portforward" {
                    check_container(&object, option(query, "container"))?;
                }
                let node = object.str_at(&["spec", "nodeName"]).to_owned();
                if node.is_empty() {
                    let why = format!("pod {name} does not have a host assigned");
                    return Err(Status::bad_request(why));
                }
                if self.reader.get("", "nodes", "", &node).await?.is_none() {
                    return Err(Status::not_found("", "pods", &node));
                }
                node
            }
            "nodes" => name.to_owned(),
            _ => String::new(),
        };
        let why = format!(
            "{} of {name}: there is no way to node {node:?} yet",
            ctx.subresource
        );
        Err(Status::unavailable(why))
    }
}

/// `ValidatePodLogOptions`, as far as numbers go.
fn check_log(name: &str, query: &str) -> Result<(), Status> {
    let mut errors = Errors::new();
    for (field, least) in [("tailLines", 0), ("limitBytes", 1), ("sinceSeconds", 1)] {
        let Ok(value) = option(query, field).parse::<i64>() else {
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

/// The container that is meant must be there, and be clear.
fn check_container(pod: &Value, container: &str) -> Result<(), Status> {
    let name = pod.str_at(&["metadata", "name"]);
    let names = |list: &str| -> Vec<String> {
        pod.items_at(&["spec", list])
            .iter()
            .map(|c| c.str_at(&["name"]).to_owned())
            .collect()
    };
    let (own, first) = (names("containers"), names("initContainers"));
    if container.is_empty() {
        if own.len() == 1 {
            return Ok(());
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
        return Ok(());
    }
    let why = format!("container {container} is not valid for pod {name}");
    Err(Status::bad_request(why))
}
