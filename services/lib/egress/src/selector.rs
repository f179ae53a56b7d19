//! The way of each kind of connection.

use std::{collections::HashMap, sync::Arc};

use crate::{
    Direct, Egress,
    config::{Configuration, Selection},
    proxied::{Protocol, Proxied},
};

/// Where a connection leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NetworkContext {
    /// What the control plane asks of its surroundings: webhooks by URL.
    ControlPlane,
    /// Storage.
    Etcd,
    /// Nodes, pods, services, and the API servers and webhooks behind services.
    Cluster,
}

impl NetworkContext {
    /// Names are compared without case.
    fn parse(name: &str) -> Result<Self, String> {
        match name.to_lowercase().as_str() {
            "controlplane" => Ok(Self::ControlPlane),
            "etcd" => Ok(Self::Etcd),
            "cluster" => Ok(Self::Cluster),
            _ => Err(format!("unrecognized service name {name}")),
        }
    }
}

/// Chooses the way by where a connection leads; what is not configured goes directly.
#[derive(Clone)]
pub struct EgressSelector {
    direct: Arc<dyn Egress>,
    ways: HashMap<NetworkContext, Arc<dyn Egress>>,
}

impl Default for EgressSelector {
    fn default() -> Self {
        Self {
            direct: Arc::new(Direct),
            ways: HashMap::new(),
        }
    }
}

impl EgressSelector {
    /// # Errors
    /// When a file that the configuration names cannot be used.
    pub(crate) fn new(config: &Configuration) -> Result<Self, String> {
        let mut out = Self::default();
        for selection in &config.selections {
            let context = NetworkContext::parse(&selection.name)?;
            let way = way(selection).map_err(|why| {
                let name = selection.name.to_lowercase();
                format!("failed to create dialer for egressSelection {name:?}: {why}")
            })?;
            if context != NetworkContext::Cluster && selection.protocol != "Direct" {
                // Nothing is pretended: what this way is for is dialled directly, or not at all.
                tracing::warn!(name = selection.name, "this egress selection is not used");
            }
            out.ways.insert(context, way);
        }
        Ok(out)
    }

    /// All connections of one kind go this way.
    #[must_use]
    pub fn with(mut self, context: NetworkContext, way: Arc<dyn Egress>) -> Self {
        self.ways.insert(context, way);
        self
    }

    /// The way of connections of one kind.
    pub fn lookup(&self, context: NetworkContext) -> Arc<dyn Egress> {
        self.ways.get(&context).unwrap_or(&self.direct).clone()
    }
}

fn way(selection: &Selection) -> Result<Arc<dyn Egress>, String> {
    let protocol = match selection.protocol.as_str() {
        "Direct" => return Ok(Arc::new(Direct)),
        "HTTPConnect" => Protocol::HttpConnect,
        "GRPC" => Protocol::Grpc,
        other => {
            return Err(format!(
                "unrecognized service connection protocol {other:?}"
            ));
        }
    };
    let transport = selection
        .transport
        .as_ref()
        .and_then(|t| t.chosen())
        .ok_or("Either a TCP or UDS transport must be specified")?;
    Ok(Arc::new(Proxied::new(protocol, &transport)?))
}
