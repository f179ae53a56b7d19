//! Posts on pods: binding to a node, and eviction.

use std::sync::Arc;

use async_trait::async_trait;
use catena_objects::{Reason, Status, Value, obj};
use catena_registry::{
    Context, Handler, Store,
    options::{DeleteOptions, Preconditions},
};

use crate::{
    groups::core::pod::{binding, eviction},
    reader::ObjectReader,
};

/// Attempts against writers that were faster.
const ATTEMPTS: usize = 64;

/// The answer of both: `Status` with 201.
fn done() -> (u16, Value) {
    let status = obj!({
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "code": 201
    });
    (201, status)
}

fn busy(plural: &str, name: &str) -> Status {
    let why = "the object has been modified; please apply your changes to the latest version and try again";
    Status::conflict("", plural, name, why)
}

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
        if !name.is_empty() && !given.is_empty() && name != given {
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

/// POST `pods/<name>/eviction`.
pub(crate) struct Evictions {
    pub reader: Arc<dyn ObjectReader>,
}

#[async_trait]
impl Handler for Evictions {
    fn kind(&self) -> (&str, &str, &str) {
        ("policy", "v1", "Eviction")
    }

    async fn create(
        &self,
        ctx: &Context,
        store: &Store,
        name: &str,
        body: Value,
    ) -> Result<(u16, Value), Status> {
        let given = body.str_at(&["metadata", "name"]);
        if given != name && !given.is_empty() {
            return Err(Status::bad_request(
                "name in URL does not match name in Eviction object",
            ));
        }
        let options = options(&body);
        for _ in 0..ATTEMPTS {
            let pod = store.get(&ctx.namespace, name).await?;
            let budgets = self
                .reader
                .list("policy", "poddisruptionbudgets", &ctx.namespace)
                .await?;
            if let eviction::Decision::Spend(budget) = eviction::decide(&pod, &budgets, &ctx.now)? {
                let group = ("policy", "poddisruptionbudgets");
                if !ctx.dry_run && !self.reader.replace(group.0, group.1, &budget).await? {
                    continue;
                }
            }
            return match store.delete(ctx, name, &options).await {
                Err(s) if s.reason != Reason::NotFound => Err(s),
                _ => Ok(done()),
            };
        }
        Err(busy("pods", name))
    }
}

/// `deleteOptions` of the body.
fn options(body: &Value) -> DeleteOptions {
    let text = |field: &str| {
        let value = body.str_at(&["deleteOptions", "preconditions", field]);
        (!value.is_empty()).then(|| value.to_owned())
    };
    DeleteOptions {
        grace_period_seconds: body.i64_at(&["deleteOptions", "gracePeriodSeconds"]),
        preconditions: Preconditions {
            uid: text("uid"),
            resource_version: text("resourceVersion"),
        },
        propagation: None,
    }
}
