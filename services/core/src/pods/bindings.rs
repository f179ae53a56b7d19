//! Binding of a pod to a node.

use std::sync::Arc;

use async_trait::async_trait;
use catena_objects::{Status, Value};
use catena_registry::{Context, Handler, Store};

use super::{ATTEMPTS, busy, done};
use crate::{groups::core::pod::binding, reader::ObjectReader};

/// POST `pods/<name>/binding` and POST `bindings`.
pub(crate) struct Bindings {
    pub reader: Arc<dyn ObjectReader>,
}

#[async_trait]
impl Handler for Bindings {
    fn kind(&self) -> (&str, &str, &str) {
        ("", "v1", "Binding")
    }

    async fn create(
        &self,
        ctx: &Context,
        _store: &Store,
        name: &str,
        body: Value,
    ) -> Result<(u16, Value), Status> {
        let given = body.str_at(&["metadata", "name"]);
        if !name.is_empty() && name != given {
            return Err(Status::bad_request(
                "name in URL does not match name in Binding object",
            ));
        }
        let name = if name.is_empty() { given } else { name };
        let errors = binding::validate(&body);
        if !errors.is_empty() {
            return Err(Status::invalid("", "Binding", given, &errors));
        }
        for _ in 0..ATTEMPTS {
            let found = self.reader.get("", "pods", &ctx.namespace, name).await?;
            let mut pod = found.ok_or_else(|| Status::not_found("", "pods", name))?;
            binding::bind(&mut pod, &body, &ctx.now)?;
            if ctx.dry_run || self.reader.replace("", "pods", &pod).await? {
                return Ok(done());
            }
        }
        Err(busy("pods", name))
    }
}
