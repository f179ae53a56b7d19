//! Subresources that are not a view of the object: POST of another kind.

use async_trait::async_trait;
use bytes::Bytes;
use catena_objects::{Status, Value};
use futures_util::stream::BoxStream;
use http::HeaderMap;

use crate::{Context, Store};

/// Answers a create on a subresource (`pods/eviction`, `serviceaccounts/token`)
/// or on a resource that is never stored (`bindings`).
#[async_trait]
pub trait Handler: Send + Sync + 'static {
    /// Group, version and kind of the body.
    fn kind(&self) -> (&str, &str, &str);

    /// Older versions of the group that bodies may be of, with the same fields.
    fn older(&self) -> &[&str] {
        &[]
    }

    /// Fills in what the body leaves out, before its fields get an owner.
    fn default(&self, _body: &mut Value) {}

    /// `name` is that of the parent, "" for resources that are never stored.
    /// Returns the HTTP status and the object of the answer.
    async fn create(
        &self,
        ctx: &Context,
        store: &Store,
        name: &str,
        body: Value,
    ) -> Result<(u16, Value), Status>;
}

/// A subresource that connects to what runs: logs, exec, proxies.
pub struct Connect {
    /// "log", "exec", "proxy", ...
    pub name: String,
    /// Kind of its options.
    pub kind: String,
    pub verbs: Vec<String>,
    pub connector: std::sync::Arc<dyn Connector>,
}

/// Bytes as they come.
pub type ByteStream = BoxStream<'static, Result<Bytes, Status>>;

/// A request for what runs.
pub struct Connecting {
    pub method: String,
    /// The whole path of the request, decoded.
    pub path: String,
    /// What follows the subresource in it, with its leading slash; "" for nothing.
    pub rest: String,
    /// The raw query, with the options.
    pub query: String,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// What the client sends after an upgrade; `None`: it asks for none.
    pub input: Option<ByteStream>,
}

/// What it answered.
pub struct Connected {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: ByteStream,
}

/// Finds what to connect to, and connects.
#[async_trait]
pub trait Connector: Send + Sync + 'static {
    async fn connect(
        &self,
        ctx: &Context,
        store: &Store,
        name: &str,
        request: Connecting,
    ) -> Result<Connected, Status>;
}
