//! What runs on nodes: logs, exec, attach, port-forward, proxies
//! (`registry/core/{pod,node,service}`, `LogLocation`, `streamLocation`).

mod forward;
mod kubelet;
mod log;
mod page;
mod places;
mod proxied;
mod query;
mod running;
mod spdy;
mod target;
#[cfg(feature = "test-util")]
pub mod testing;
mod translated;
mod tunnelled;

use std::sync::Arc;

use async_trait::async_trait;
use catena_egress::Egress;
use catena_objects::{Status, Value};
use catena_registry::{Connected, Connecting, Connector, Context, Store};

pub use kubelet::KubeletFlags;
pub(crate) use kubelet::Kubelets;
use target::Target;

use crate::reader::ObjectReader;

/// Answers the subresources that lead to nodes.
pub(crate) struct Nodes {
    pub(crate) reader: Arc<dyn ObjectReader>,
    pub(crate) kubelets: Kubelets,
    /// Every connection that leaves core for the cluster is made here.
    pub(crate) egress: Arc<dyn Egress>,
}

#[async_trait]
impl Connector for Nodes {
    async fn connect(
        &self,
        ctx: &Context,
        store: &Store,
        name: &str,
        request: Connecting,
    ) -> Result<Connected, Status> {
        if ctx.subresource == "proxy" {
            return proxied::answer(self, ctx, store, name, request).await;
        }
        let pod = store.get(&ctx.namespace, name).await?;
        match ctx.subresource.as_str() {
            "log" => log::answer(self, &pod, &request.query).await,
            _ => running::answer(self, &pod, &ctx.subresource, request).await,
        }
    }
}

/// What is known of a node.
struct Node {
    kubelet: Target,
    /// Its kubelet takes `exec` and the like over WebSocket, as the client sends them.
    speaks_websocket: bool,
}

impl Nodes {
    /// The node that a pod is bound to.
    async fn node(&self, pod: &Value, insecure: bool) -> Result<Node, Status> {
        let name = pod.str_at(&["spec", "nodeName"]);
        if name.is_empty() {
            let pod = pod.str_at(&["metadata", "name"]);
            let why = format!("pod {pod} does not have a host assigned");
            return Err(Status::bad_request(why));
        }
        match self.reader.get("", "nodes", "", name).await? {
            Some(node) => Ok(Node {
                kubelet: self.kubelets.of(&node, insecure)?,
                speaks_websocket: node
                    .items_at(&["status", "declaredFeatures"])
                    .iter()
                    .any(|f| f.as_str() == Some("ExtendWebSocketsToKubelet")),
            }),
            // Storage names the resource of the request (`qualifiedResourceFromContext`).
            None => Err(Status::not_found("", "pods", name)),
        }
    }
}
