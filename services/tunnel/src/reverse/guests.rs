//! Nodes that dialed in, and their sessions.

use std::{collections::HashMap, sync::Arc};

use catena_runtime::tls::PeerNames;
use parking_lot::Mutex;
use tokio::sync::watch;

use super::session::Session;
use crate::limits;

/// User names of nodes, and their group (kubernetes.io/docs, node authorization).
const USER: &str = "system:node:";
const GROUP: &str = "system:nodes";

/// Who dialed in, as its certificate proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Guest {
    pub(crate) name: String,
    /// Hosts in dials that mean this node: the name, and what else the
    /// certificate is for. What an agent says of itself would be no proof.
    pub(crate) hosts: Vec<String>,
}

impl Guest {
    /// # Errors
    /// Why the certificate is none of a node.
    pub(crate) fn of(names: &PeerNames) -> Result<Self, String> {
        let expected = "O=system:nodes and CN=system:node:<name> are expected";
        let refuse = || format!("{:?} is no node: {expected}", names.common_name);
        if !names.organizations.iter().any(|o| o == GROUP) {
            return Err(refuse());
        }
        let named = std::iter::once(&names.common_name).chain(&names.sans);
        let name = named
            .filter_map(|n| n.strip_prefix(USER))
            .find(|n| is_name(n))
            .ok_or_else(refuse)?;
        let mut hosts = vec![name.to_owned()];
        for san in &names.sans {
            if !san.starts_with(USER) && !hosts.contains(san) {
                hosts.push(san.clone());
            }
        }
        Ok(Self {
            name: name.to_owned(),
            hosts,
        })
    }
}

/// A DNS subdomain, as names of nodes are.
fn is_name(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-');
    (1..=253).contains(&name.len()) && name.bytes().all(plain)
}

/// The sessions of a node, the newest last.
pub(crate) type Sessions = watch::Receiver<Vec<Arc<Session>>>;

/// Sessions by node. A node without any is forgotten when another one comes,
/// unless somebody follows it.
#[derive(Default)]
pub(crate) struct Guests {
    nodes: Mutex<HashMap<String, Known>>,
}

struct Known {
    guest: Guest,
    sessions: watch::Sender<Vec<Arc<Session>>>,
}

impl Known {
    fn new(guest: Guest) -> Self {
        let sessions = watch::Sender::default();
        Self { guest, sessions }
    }
}

impl Guests {
    /// The sessions of a node, from now on.
    pub(crate) fn of(&self, name: &str) -> Sessions {
        let mut nodes = self.nodes.lock();
        let guest = || Guest {
            name: name.to_owned(),
            hosts: vec![name.to_owned()],
        };
        let known = nodes.entry(name.to_owned());
        known
            .or_insert_with(|| Known::new(guest()))
            .sessions
            .subscribe()
    }

    /// New streams go through this session from now on. Older ones of the node
    /// serve theirs to the end; there are at most `SESSIONS_NODE`.
    pub(crate) fn join(&self, guest: Guest, session: Arc<Session>) {
        let mut nodes = self.nodes.lock();
        if !nodes.contains_key(&guest.name) {
            nodes.retain(|_, k| !k.sessions.borrow().is_empty() || k.sessions.receiver_count() > 0);
        }
        let known = nodes
            .entry(guest.name.clone())
            .or_insert_with(|| Known::new(guest.clone()));
        known.guest = guest;
        known.sessions.send_modify(|sessions| {
            sessions.push(session);
            let over = sessions.len().saturating_sub(limits::SESSIONS_NODE);
            sessions.drain(..over).for_each(|s| s.retire());
        });
    }

    /// The session serves no new streams.
    pub(crate) fn leave(&self, name: &str, session: &Arc<Session>) {
        let nodes = self.nodes.lock();
        let Some(known) = nodes.get(name) else {
            return;
        };
        known.sessions.send_if_modified(|sessions| {
            let before = sessions.len();
            sessions.retain(|s| !Arc::ptr_eq(s, session));
            sessions.len() < before
        });
    }

    /// Those that have a session.
    pub(crate) fn all(&self) -> Vec<Guest> {
        let nodes = self.nodes.lock();
        let here = nodes.values().filter(|k| !k.sessions.borrow().is_empty());
        here.map(|k| k.guest.clone()).collect()
    }

    /// No session serves new streams.
    pub(crate) fn clear(&self) {
        for known in self.nodes.lock().values() {
            known
                .sessions
                .send_replace(Vec::new())
                .iter()
                .for_each(|s| s.retire());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use catena_runtime::tls::PeerNames;

    use super::Guest;

    fn names(cn: &str, organization: &str, sans: &[&str]) -> PeerNames {
        PeerNames {
            common_name: cn.to_owned(),
            issuer: String::new(),
            organizations: vec![organization.to_owned()],
            sans: sans.iter().map(|s| (*s).to_owned()).collect(),
            not_after: SystemTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn the_certificate_names_the_node() {
        let by_name = names("system:node:n1", "system:nodes", &["10.0.0.7", "n1"]);
        let guest = Guest::of(&by_name).expect("a node");
        assert_eq!((guest.name.as_str(), guest.hosts.len()), ("n1", 2));
        assert_eq!(guest.hosts, ["n1", "10.0.0.7"]);
        let by_uri = names("n2", "system:nodes", &["system:node:n2"]);
        assert_eq!(Guest::of(&by_uri).expect("a node").hosts, ["n2"]);
    }

    #[test]
    fn others_are_no_nodes() {
        for (cn, organization) in [
            ("system:node:n1", "system:masters"),
            ("n1", "system:nodes"),
            ("system:node:", "system:nodes"),
            ("system:node:a b", "system:nodes"),
            ("system:node:../x", "system:nodes"),
        ] {
            assert!(Guest::of(&names(cn, organization, &[])).is_err(), "{cn}");
        }
    }
}
