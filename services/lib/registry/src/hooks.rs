//! What a resource does outside its own object while it is written.

use async_trait::async_trait;
use catena_objects::{Status, Value};

use crate::Context;

/// Undoes a `begin_*` when the write fails or is a dry run; done nothing on success.
pub type Undo = Box<dyn FnOnce() -> futures_util::future::BoxFuture<'static, ()> + Send>;

/// Side effects of writes (allocation of addresses and ports, for one).
#[async_trait]
#[allow(unused_variables)]
pub trait Hooks: Send + Sync + 'static {
    /// After validation, before the write. May change the object.
    async fn begin_create(
        &self,
        ctx: &Context,
        object: &mut Value,
    ) -> Result<Option<Undo>, Status> {
        Ok(None)
    }

    /// After validation, before the write. May change the object.
    async fn begin_update(
        &self,
        ctx: &Context,
        object: &mut Value,
        old: &Value,
    ) -> Result<Option<Undo>, Status> {
        Ok(None)
    }

    /// After an update is stored; what only `old` held may be given back.
    async fn after_update(&self, ctx: &Context, object: &Value, old: &Value) {}

    /// After the object is gone from storage.
    async fn after_delete(&self, ctx: &Context, object: &Value) {}
}

/// No side effects.
#[derive(Debug)]
pub struct NoHooks;

impl Hooks for NoHooks {}
