//! Every bound of this process. Those of kube-apiserver's tunneler keep its values.

use std::time::Duration;

/// TCP to a node. kube-apiserver waits 150 s, longer than the kernel tries;
/// here the next try comes sooner.
pub(crate) const CONNECT: Duration = Duration::from_secs(20);
/// SSH key exchange (kube-apiserver: 30 s).
pub(crate) const HANDSHAKE: Duration = Duration::from_secs(30);
/// Authentication.
pub(crate) const AUTH: Duration = Duration::from_secs(20);
/// A dial from its first frame to its answer.
pub(crate) const DIAL: Duration = Duration::from_secs(30);
/// A client that connects says whom it wants within this time.
pub(crate) const FIRST_FRAME: Duration = Duration::from_secs(10);

/// Keep-alives of a session, and how long silence may last before it is dead.
pub(crate) const KEEPALIVE: Duration = Duration::from_secs(10);
pub(crate) const SILENCE: Duration = Duration::from_secs(35);

/// First pause after a failure, and the longest. Each is jittered by half.
pub(crate) const BACKOFF_FIRST: Duration = Duration::from_millis(500);
pub(crate) const BACKOFF_MOST: Duration = Duration::from_secs(15);
/// A session that lived this long starts again with the first pause.
pub(crate) const STABLE: Duration = Duration::from_secs(30);

/// Agents resolve the name of the tunnel this often, jittered by half.
pub(crate) const RESOLVE_EVERY: Duration = Duration::from_secs(15);

/// Health checks of a node through its session (kube-apiserver: 1 m, no timeout).
pub(crate) const HEALTH_EVERY: Duration = Duration::from_secs(60);
pub(crate) const HEALTH_TIMEOUT: Duration = Duration::from_secs(10);

/// The key installer runs this often, each time for no longer than `INSTALL_TIMEOUT`.
pub(crate) const INSTALL_EVERY: Duration = Duration::from_secs(5 * 60);
pub(crate) const INSTALL_TIMEOUT: Duration = Duration::from_secs(60);
/// One that failed is run again after this pause, for so long.
pub(crate) const INSTALL_RETRY: Duration = Duration::from_secs(2);
pub(crate) const INSTALL_RETRIES: Duration = Duration::from_secs(30);
/// What a web hook says when it refuses, for the log.
pub(crate) const INSTALL_ANSWER: usize = 1 << 10;
/// Node lists are confirmed this often.
pub(crate) const SYNC_EVERY: Duration = Duration::from_secs(15);
/// What is older than this fails the check (kube-apiserver: 600 s).
pub(crate) const SYNC_STALE: Duration = Duration::from_secs(600);

/// What one stream may send before we read it: the bound on memory a stream.
pub(crate) const WINDOW: u32 = 1 << 20;
/// Read bytes are told to the node in portions of this size.
pub(crate) const WINDOW_STEP: u32 = WINDOW / 4;
/// Largest SSH packet (RFC 4253, section 6.1).
pub(crate) const PACKET: u32 = 32 << 10;
/// Largest piece of data in a frame.
pub(crate) const CHUNK: usize = 64 << 10;

/// Dials that wait for one node, and for all.
pub(crate) const PENDING_NODE: usize = 128;
pub(crate) const PENDING_ALL: usize = 1024;
/// Sessions that one node may have dialed in with: one, and those that serve
/// their last streams.
pub(crate) const SESSIONS_NODE: usize = 16;
/// How long a session of an agent that is not healthy serves new streams, until
/// there is another.
pub(crate) const RENEWAL: Duration = Duration::from_secs(30);
/// Connections of clients on one listener.
pub(crate) const CONNECTIONS: usize = 16 << 10;
/// Head of a CONNECT request.
pub(crate) const HEAD: usize = 8 << 10;
/// host:port in a dial: a DNS name has at most 253 characters.
pub(crate) const TARGET: usize = 280;
/// known_hosts, keys and certificates.
pub(crate) const FILE: u64 = 4 << 20;
/// Streams end at shutdown after this time.
pub(crate) const DRAIN: Duration = Duration::from_secs(10);
/// Their clients are told for this long.
pub(crate) const CUT: Duration = Duration::from_secs(2);
