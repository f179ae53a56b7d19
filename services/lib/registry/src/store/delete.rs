//! Delete: at once, after a grace, or when the last finalizer is gone.

use catena_objects::{Reason, Status, Value, time};
use catena_storage::{KeyValue, Op};

use super::{Store, finalizers, meta};
use crate::{
    Context, Graceful,
    admission::{Attributes, Operation},
    codec,
    options::DeleteOptions,
};

/// Outcome of a deletion.
#[derive(Clone, Debug)]
pub struct Deleted {
    /// The last state of the object.
    pub object: Value,
    /// False: the object is marked and stays for now.
    pub gone: bool,
    /// Only tried, and the object would be updated before it goes: this update is
    /// what there is to show.
    pub shown: bool,
}

const ATTEMPTS: usize = 64;

/// What is to be done with the stored object.
enum Plan {
    /// Deletion is under way; the options change nothing.
    Nothing,
    Mark(Value),
    Remove {
        object: Value,
        /// The object is another than the stored one.
        updated: bool,
    },
}

impl Store {
    pub async fn delete(
        &self,
        ctx: &Context,
        name: &str,
        options: &DeleteOptions,
    ) -> Result<Deleted, Status> {
        if options.propagation.is_none() {
            let warnings = self.resource.strategy.deletion_warnings(ctx);
            ctx.warnings.extend(warnings);
        }
        for _ in 0..ATTEMPTS {
            let kv = self.read(&ctx.namespace, name).await?;
            let old = codec::decode(&self.resource, &kv)?;
            self.check_delete(name, &options.preconditions, &old)?;
            self.admit_delete(ctx, name, &old).await?;
            let done = match self.plan(ctx, &old, options) {
                Plan::Nothing => Some(Deleted::marked(old)),
                Plan::Mark(object) => self.mark(ctx, &kv, object).await?,
                Plan::Remove { object, updated } => {
                    let gone = self.remove(ctx, &kv, object).await?;
                    gone.map(|object| Deleted {
                        object,
                        gone: true,
                        shown: ctx.dry_run && updated,
                    })
                }
            };
            if let Some(done) = done {
                return Ok(done);
            }
        }
        Err(Status::new(
            Reason::Conflict,
            "the object kept changing while it was deleted",
        ))
    }

    async fn admit_delete(&self, ctx: &Context, name: &str, old: &Value) -> Result<(), Status> {
        let mut attributes = Attributes {
            operation: Operation::Delete,
            ctx,
            resource: &self.resource,
            name,
            object: None,
            old: Some(old),
        };
        self.admit(&mut attributes).await?;
        self.admit_validate(&attributes).await
    }

    fn plan(&self, ctx: &Context, old: &Value, options: &DeleteOptions) -> Plan {
        let strategy = &self.resource.strategy;
        let mut object = old.clone();
        let marked = old.at(&["metadata", "deletionTimestamp"]).is_some();
        if !marked && strategy.mark_terminating(ctx, &mut object) {
            object.set(&["metadata", "deletionTimestamp"], ctx.now.as_str());
            if strategy.has_dependents() {
                finalizers::apply(&mut object, options, strategy.orphans_by_default());
            }
            return Plan::Mark(object);
        }
        if marked && strategy.held(&object) {
            return Plan::Nothing;
        }
        let graceful = match self.begin_grace(ctx, &mut object, options, marked) {
            Grace::Pending => return Plan::Nothing,
            Grace::Started(seconds) => Some(seconds),
            Grace::None => None,
        };
        let updated = strategy.has_dependents()
            && finalizers::apply(&mut object, options, strategy.orphans_by_default());
        let pending = !object.items_at(&["metadata", "finalizers"]).is_empty();
        match graceful {
            Some(seconds) if seconds > 0 || pending => Plan::Mark(object),
            None if pending => {
                mark_now(ctx, &mut object, marked);
                Plan::Mark(object)
            }
            // An answer shows a grace of nothing, as one that is stored first.
            Some(_) => Plan::Remove {
                object,
                updated: true,
            },
            None => Plan::Remove {
                object: if updated { object } else { old.clone() },
                updated,
            },
        }
    }

    /// `rest.BeforeDelete`: a grace may start once and may only become shorter.
    fn begin_grace(
        &self,
        ctx: &Context,
        object: &mut Value,
        options: &DeleteOptions,
        marked: bool,
    ) -> Grace {
        let set = |object: &mut Value, at: String, seconds: i64| {
            object.set(&["metadata", "deletionTimestamp"], at);
            object.set(&["metadata", "deletionGracePeriodSeconds"], seconds);
        };
        let asked = options.grace_period_seconds;
        let grace = self.resource.strategy.graceful_delete(ctx, object, asked);
        let Graceful::Seconds(seconds) = grace else {
            return Grace::None;
        };
        if marked {
            let Some(current) = object.i64_at(&["metadata", "deletionGracePeriodSeconds"]) else {
                return Grace::None;
            };
            if current == 0 && options.grace_period_seconds.is_none() {
                return Grace::Pending;
            }
            let Some(asked) = options.grace_period_seconds.filter(|s| *s < current) else {
                return Grace::Pending;
            };
            let at = object.str_at(&["metadata", "deletionTimestamp"]).to_owned();
            set(object, time::add_seconds(&at, asked - current), asked);
            return Grace::Started(asked);
        }
        set(object, time::add_seconds(&ctx.now, seconds), seconds);
        grow_generation(object);
        Grace::Started(seconds)
    }

    async fn mark(
        &self,
        ctx: &Context,
        kv: &KeyValue,
        mut object: Value,
    ) -> Result<Option<Deleted>, Status> {
        meta::order(&mut object, self.resource.custom);
        let value = codec::encode(&object);
        if !ctx.dry_run && value != kv.value {
            let op = Op::Put {
                key: kv.key.clone(),
                value,
                lease: kv.lease,
            };
            let Some(revision) = self.swap(kv, op).await? else {
                return Ok(None);
            };
            object.set(&["metadata", "resourceVersion"], revision.to_string());
        }
        meta::order(&mut object, self.resource.custom);
        Ok(Some(Deleted::marked(object)))
    }

    async fn remove(
        &self,
        ctx: &Context,
        kv: &KeyValue,
        mut object: Value,
    ) -> Result<Option<Value>, Status> {
        if !ctx.dry_run {
            let op = Op::Delete {
                key: kv.key.clone(),
            };
            let Some(revision) = self.swap(kv, op).await? else {
                return Ok(None);
            };
            object.set(&["metadata", "resourceVersion"], revision.to_string());
            self.resource.hooks.after_delete(ctx, &object).await;
        }
        meta::order(&mut object, self.resource.custom);
        Ok(Some(object))
    }
}

impl Deleted {
    fn marked(object: Value) -> Self {
        Self {
            object,
            gone: false,
            shown: false,
        }
    }
}

enum Grace {
    None,
    Pending,
    Started(i64),
}

/// `markAsDeleting`: finalizers hold an object that has no grace of its own.
fn mark_now(ctx: &Context, object: &mut Value, marked: bool) {
    if !marked {
        grow_generation(object);
        object.set(&["metadata", "deletionTimestamp"], ctx.now.as_str());
    }
    object.set(&["metadata", "deletionGracePeriodSeconds"], 0i64);
}

fn grow_generation(object: &mut Value) {
    if let Some(g) = object
        .i64_at(&["metadata", "generation"])
        .filter(|g| *g > 0)
    {
        object.set(&["metadata", "generation"], g + 1);
    }
}
