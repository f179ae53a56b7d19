//! POST `pods/<name>/eviction`: deletion as far as disruption budgets allow it.

use std::sync::Arc;

use async_trait::async_trait;
use catena_endpoints::query::{self, Query};
use catena_objects::{Reason, Status, Value};
use catena_registry::{
    Context, Handler, Store,
    options::{DeleteOptions, Preconditions},
};

use super::{ATTEMPTS, busy, done};
use crate::{
    groups::core::pod::eviction::{self, Decision},
    reader::ObjectReader,
};

const BUDGETS: (&str, &str) = ("policy", "poddisruptionbudgets");

pub(crate) struct Evictions {
    pub reader: Arc<dyn ObjectReader>,
}

#[async_trait]
impl Handler for Evictions {
    fn kind(&self) -> (&str, &str, &str) {
        ("policy", "v1", "Eviction")
    }

    fn older(&self) -> &[&str] {
        &["policy/v1beta1"]
    }

    async fn create(
        &self,
        ctx: &Context,
        store: &Store,
        name: &str,
        body: Value,
    ) -> Result<(u16, Value), Status> {
        if body.str_at(&["metadata", "name"]) != name {
            return Err(Status::bad_request(
                "name in URL does not match name in Eviction object",
            ));
        }
        let (options, dry_run) = options(&body)?;
        let mut ctx = ctx.clone();
        ctx.dry_run |= dry_run;
        for _ in 0..ATTEMPTS {
            if self.evict(&ctx, store, name, &options).await? {
                return Ok(done());
            }
        }
        Err(busy("pods", name))
    }
}

impl Evictions {
    /// False: what the decision was made on has changed.
    async fn evict(
        &self,
        ctx: &Context,
        store: &Store,
        name: &str,
        asked: &DeleteOptions,
    ) -> Result<bool, Status> {
        let pod = store.get(&ctx.namespace, name).await?;
        store.check_delete(name, &asked.preconditions, &pod)?;
        let budgets = match eviction::ignores_budgets(&pod) {
            true => Vec::new(),
            false => {
                let (group, plural) = BUDGETS;
                self.reader.list(group, plural, &ctx.namespace).await?
            }
        };
        let mut options = asked.clone();
        let pinned = match eviction::decide(&pod, &budgets, &ctx.now)? {
            Decision::Delete => false,
            // A pod that becomes ready meanwhile is under its budget again.
            Decision::DeleteAsItIs => options.preconditions.resource_version.is_none(),
            Decision::Spend(budget) => {
                let (group, plural) = BUDGETS;
                if !ctx.dry_run && !self.reader.replace(group, plural, &budget).await? {
                    return Ok(false);
                }
                false
            }
        };
        if pinned {
            let version = pod.str_at(&["metadata", "resourceVersion"]).to_owned();
            options.preconditions.resource_version = Some(version);
        }
        match delete(ctx, store, name, options).await {
            Ok(()) => Ok(true),
            Err(s) if pinned && s.reason == Reason::Conflict => Ok(false),
            Err(s) => Err(s),
        }
    }
}

/// Says in the pod why it goes, then deletes it (`addConditionAndDeletePod`).
async fn delete(
    ctx: &Context,
    store: &Store,
    name: &str,
    mut options: DeleteOptions,
) -> Result<(), Status> {
    if !ctx.dry_run {
        let wanted = options.preconditions.clone();
        let change = |live: Option<&Value>| {
            let mut pod = live.ok_or_else(|| store.not_found(name))?.clone();
            store.check_delete(name, &wanted, &pod)?;
            eviction::set_disrupted(&mut pod, &ctx.now);
            Ok(pod)
        };
        let mut of_status = ctx.clone();
        of_status.subresource = "status".to_owned();
        let anyhow = Preconditions::default();
        let update = store.update(&of_status, name, &anyhow, false, &change);
        let written = update.await?;
        if options.preconditions.resource_version.is_some() {
            let version = written.object.str_at(&["metadata", "resourceVersion"]);
            options.preconditions.resource_version = Some(version.to_owned());
        }
    }
    store.delete(ctx, name, &options).await.map(drop)
}

/// `deleteOptions` of the body, and whether they only try.
fn options(body: &Value) -> Result<(DeleteOptions, bool), Status> {
    match body.get("deleteOptions").filter(|o| !o.is_null()) {
        Some(given) => query::delete_options(&Query::default(), Some(given)),
        None => Ok((DeleteOptions::default(), false)),
    }
}
