//! Subresources that are not a view of the object: POST of another kind.

use async_trait::async_trait;
use catena_objects::{Status, Value};

use crate::{Context, Store};

/// Answers a create on a subresource (`pods/eviction`, `serviceaccounts/token`)
/// or on a resource that is never stored (`bindings`).
#[async_trait]
pub trait Handler: Send + Sync + 'static {
    /// Group, version and kind of the body.
    fn kind(&self) -> (&str, &str, &str);

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

/// Finds what to connect to.
#[async_trait]
pub trait Connector: Send + Sync + 'static {
    /// `query` is the raw one of the request, with the options.
    async fn connect(
        &self,
        ctx: &Context,
        store: &Store,
        name: &str,
        query: &str,
    ) -> Result<Value, Status>;
}
