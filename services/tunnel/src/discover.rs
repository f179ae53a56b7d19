//! Nodes of an API server, listed and watched.

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Instant};

use anyhow::Context as _;
use futures_util::StreamExt as _;
use k8s_openapi::api::core::v1::Node;
use kube::{
    Api, Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
    runtime::watcher::{self, Event},
};
use tokio::time::MissedTickBehavior;

use crate::{limits, node::NodeSpec, pool::Pool, target::Target};

/// Most nodes of a cluster that is supported, twice.
const MOST: usize = 10_000;

/// How addresses of Node objects become those of sshd.
#[derive(Clone, Debug)]
pub(crate) struct Addresses {
    /// Types of addresses, the best first.
    pub types: Vec<String>,
    /// None: nodes dial in, their addresses only name them.
    pub ssh_port: Option<u16>,
}

/// A client for the API server of a kubeconfig.
///
/// # Errors
/// When the file cannot be read.
pub(crate) async fn client(kubeconfig: &Path) -> anyhow::Result<Client> {
    let read = Kubeconfig::read_from(kubeconfig)
        .with_context(|| format!("--kubeconfig {}", kubeconfig.display()))?;
    let config = Config::from_custom_kubeconfig(read, &KubeConfigOptions::default()).await?;
    Ok(Client::try_from(config)?)
}

/// Keeps the pool's nodes those of the API server and `fixed`, until dropped.
/// While the API server cannot be reached, the nodes stay as they are
/// (kube-apiserver dropped all tunnels).
pub(crate) async fn run(
    client: Client,
    addresses: Addresses,
    fixed: Vec<NodeSpec>,
    pool: Arc<Pool>,
) {
    let mut events = watcher::watcher(Api::<Node>::all(client), watcher::Config::default()).boxed();
    let mut tick = tokio::time::interval(limits::SYNC_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut nodes: BTreeMap<String, NodeSpec> = BTreeMap::new();
    let mut listing: BTreeMap<String, NodeSpec> = BTreeMap::new();
    let (mut began, mut current) = (Instant::now(), false);
    loop {
        let event = tokio::select! {
            event = events.next() => event,
            _ = tick.tick() => {
                if current {
                    *pool.metrics().synced.lock() = Instant::now();
                }
                continue;
            }
        };
        match event {
            Some(Ok(Event::Init)) => {
                began = Instant::now();
                listing.clear();
                continue;
            }
            Some(Ok(Event::InitApply(node))) => {
                put(&mut listing, &node, &addresses);
                continue;
            }
            Some(Ok(Event::InitDone)) => {
                nodes = std::mem::take(&mut listing);
                current = true;
                let took = began.elapsed().as_secs_f64();
                pool.metrics().sync_duration.observe(took);
            }
            Some(Ok(Event::Apply(node))) => put(&mut nodes, &node, &addresses),
            Some(Ok(Event::Delete(node))) => {
                nodes.remove(&node.metadata.name.unwrap_or_default());
            }
            Some(Err(e)) => {
                current = false;
                tracing::warn!(error = %e, "Failed to getAddresses; the tunnels stay as they are");
                tokio::time::sleep(limits::BACKOFF_FIRST).await;
                continue;
            }
            None => return,
        }
        *pool.metrics().synced.lock() = Instant::now();
        pool.update(fixed.iter().chain(nodes.values()).cloned().collect());
    }
}

fn put(nodes: &mut BTreeMap<String, NodeSpec>, node: &Node, addresses: &Addresses) {
    let name = node.metadata.name.clone().unwrap_or_default();
    match spec(node, addresses) {
        Some(_) if nodes.len() >= MOST && !nodes.contains_key(&name) => {
            tracing::error!(
                node = name,
                "there are more than {MOST} nodes; this one has no tunnel"
            );
        }
        Some(spec) => drop(nodes.insert(name, spec)),
        None => {
            tracing::warn!(node = name, types = ?addresses.types, "no preferred addresses found");
            nodes.remove(&name);
        }
    }
}

/// The first address of the best type that there is; all addresses name the node.
fn spec(node: &Node, addresses: &Addresses) -> Option<NodeSpec> {
    let name = node.metadata.name.clone()?;
    let known = node.status.as_ref()?.addresses.as_deref()?;
    let best = addresses
        .types
        .iter()
        .find_map(|t| known.iter().find(|a| a.type_ == *t));
    let ssh = match addresses.ssh_port {
        Some(port) => Some(Target {
            host: best?.address.clone(),
            port,
        }),
        None => None,
    };
    let mut hosts = vec![name.clone()];
    for address in known {
        if !hosts.contains(&address.address) {
            hosts.push(address.address.clone());
        }
    }
    Some(NodeSpec { name, ssh, hosts })
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::{Node, NodeAddress, NodeStatus};

    use super::{Addresses, NodeSpec, spec};

    fn node(addresses: &[(&str, &str)]) -> Node {
        let mut node = Node::default();
        node.metadata.name = Some("n1".to_owned());
        let addresses = addresses.iter().map(|(t, a)| NodeAddress {
            type_: (*t).to_owned(),
            address: (*a).to_owned(),
        });
        node.status = Some(NodeStatus {
            addresses: Some(addresses.collect()),
            ..NodeStatus::default()
        });
        node
    }

    #[test]
    fn the_first_address_of_the_best_type_is_taken() {
        let order = Addresses {
            types: vec!["ExternalIP".to_owned(), "InternalIP".to_owned()],
            ssh_port: Some(22),
        };
        let both = node(&[("InternalIP", "10.0.0.1"), ("ExternalIP", "1.2.3.4")]);
        let spec_of = |n: &Node| spec(n, &order);
        let found = spec_of(&both).expect("an address");
        let host = |spec: &NodeSpec| spec.ssh.as_ref().map(|t| t.host.clone());
        assert_eq!(host(&found).as_deref(), Some("1.2.3.4"));
        assert_eq!(found.hosts, ["n1", "10.0.0.1", "1.2.3.4"]);
        let inner = node(&[("InternalIP", "10.0.0.1")]);
        let found = spec_of(&inner).expect("an address");
        assert_eq!(host(&found).as_deref(), Some("10.0.0.1"));
        assert_eq!(spec_of(&node(&[("Hostname", "n1")])), None);
        // One that dials in needs no address.
        let dials_in = Addresses {
            ssh_port: None,
            ..order
        };
        let found = spec(&node(&[]), &dials_in).expect("a node");
        assert_eq!((found.ssh, found.hosts), (None, vec!["n1".to_owned()]));
    }
}
