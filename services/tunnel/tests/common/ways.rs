//! Both ways to have a session with a node: what holds for one holds for the other.

use std::fs;

use super::{
    Sshd, Tunnel,
    agent::{self, Agent},
    can_run, prepare,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// The tunnel connects to a real sshd.
    Ssh,
    /// An agent dials in.
    Reverse,
}

/// The other end of a tunnel.
pub enum Node {
    Ssh(Sshd),
    Reverse(Agent),
}

/// A tunnel with one node, `n1`; none where that cannot be had.
pub async fn one(way: Way) -> Option<(Node, Tunnel)> {
    if way == Way::Reverse {
        let (agent, tunnel) = agent::one().await;
        return Some((Node::Reverse(agent), tunnel));
    }
    if !can_run() {
        return None;
    }
    let dir = prepare();
    let sshd = Sshd::start(&dir.path().join("key.pub"));
    fs::write(dir.path().join("known"), sshd.known()).expect("a file");
    let tunnel = Tunnel::start(dir, &[sshd.node("n1")]).await;
    tunnel.sessions(1).await;
    Some((Node::Ssh(sshd), tunnel))
}

/// Each function as a test of each way.
#[macro_export]
macro_rules! ways {
    ($($name:ident,)*) => {
        mod through_sshd {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name($crate::common::ways::Way::Ssh).await;
            })*
        }
        mod through_an_agent {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name($crate::common::ways::Way::Reverse).await;
            })*
        }
    };
}
