//! Update: read, change, check, write, again when another writer was faster.

use catena_objects::{Reason, Status, Value, field, meta as object_meta};
use catena_storage::{Compare, KeyValue, Op, TxnRequest};
use catena_telemetry::trace;

use super::{Store, Written, meta};
use crate::{
    Context,
    admission::{Attributes, Operation},
    codec, metrics,
    options::Preconditions,
    resource::MetadataChecks,
};

/// Makes the new object from the stored one (`None`: it does not exist), both in
/// the storage version. Runs again when the stored object changed in between.
pub type Change<'a> = &'a (dyn Fn(Option<&Value>) -> Result<Value, Status> + Send + Sync);

const CHANGED: &str =
    "the object has been modified; please apply your changes to the latest version and try again";

/// Attempts against writers that were faster, each after a fresh read.
const ATTEMPTS: usize = 64;

/// What one attempt made of the stored object.
enum Attempt {
    Done(Box<Written>),
    /// Another write came between read and write.
    Raced,
}

impl Store {
    /// Updates an object with `change`. With `allow_create` (server-side apply) or a
    /// strategy that allows it, an absent object is created.
    pub async fn update(
        &self,
        ctx: &Context,
        name: &str,
        preconditions: &Preconditions,
        allow_create: bool,
        change: Change<'_>,
    ) -> Result<Written, Status> {
        let work = self.guaranteed_update(ctx, name, preconditions, allow_create, change);
        trace::span("GuaranteedUpdate etcd3").run(work).await
    }

    async fn guaranteed_update(
        &self,
        ctx: &Context,
        name: &str,
        preconditions: &Preconditions,
        allow_create: bool,
        change: Change<'_>,
    ) -> Result<Written, Status> {
        if let Some(w) = self.update_known(ctx, name, preconditions, change).await {
            return Ok(w);
        }
        let create = allow_create || self.resource.strategy.allow_create_on_update();
        for _ in 0..ATTEMPTS {
            let kv = match self.read(&ctx.namespace, name).await {
                Ok(kv) => kv,
                Err(s) if s.reason == Reason::NotFound && create => {
                    let mut object = change(None)?;
                    let uid = object.str_at(&["metadata", "uid"]);
                    if !uid.is_empty() {
                        let why = format!(
                            "uid mismatch: the provided object specified uid {uid}, and no existing object was found"
                        );
                        return Err(self.conflict(name, &why));
                    }
                    object.unset(&["metadata", "resourceVersion"]);
                    match self.create(ctx, object).await {
                        Err(s) if s.reason == Reason::AlreadyExists => continue,
                        other => return other,
                    }
                }
                Err(s) => return Err(s),
            };
            if let Attempt::Done(w) = self
                .try_update(ctx, name, preconditions, &kv, change)
                .await?
            {
                return Ok(*w);
            }
        }
        Err(self.conflict(name, CHANGED))
    }

    /// One attempt on what the cache has, which saves a read where it is current
    /// (`origStateIsCurrent` of the etcd3 store). Only a write proves that it was:
    /// failures, dry runs and updates that change nothing are judged again.
    async fn update_known(
        &self,
        ctx: &Context,
        name: &str,
        preconditions: &Preconditions,
        change: Change<'_>,
    ) -> Option<Written> {
        if ctx.dry_run {
            return None;
        }
        let snapshot = self.cache.as_ref()?.peek()?;
        let key = self.resource.key(&ctx.namespace, name);
        let kv = snapshot.get(key.as_bytes())?.kv();
        let warned = ctx.warnings.len();
        let done = self.try_update(ctx, name, preconditions, &kv, change).await;
        match done {
            Ok(Attempt::Done(w)) if w.changed => Some(*w),
            _ => {
                ctx.warnings.truncate(warned);
                None
            }
        }
    }

    async fn try_update(
        &self,
        ctx: &Context,
        name: &str,
        preconditions: &Preconditions,
        kv: &KeyValue,
        change: Change<'_>,
    ) -> Result<Attempt, Status> {
        let strategy = &self.resource.strategy;
        let mut old = codec::decode(&self.resource, kv)?;
        strategy.default(&mut old);
        self.check_preconditions(ctx, name, preconditions, &old)?;
        let mut object = change(Some(&old))?;
        self.check_version(name, &mut object, &old)?;
        strategy.default(&mut object);
        self.admit(&mut Attributes {
            operation: Operation::Update,
            ctx,
            resource: &self.resource,
            name,
            object: Some(&mut object),
            old: Some(&old),
        })
        .await?;
        self.before_update(ctx, name, &mut object, &old)?;
        object = self.canonical(object);
        if catena_apply::same_but_times(&object, &old) {
            catena_apply::keep_times(&mut object, &old);
        }
        self.admit_validate(&Attributes {
            operation: Operation::Update,
            ctx,
            resource: &self.resource,
            name,
            object: Some(&mut object.clone()),
            old: Some(&old),
        })
        .await?;
        ctx.warnings
            .extend(strategy.warnings(ctx, &object, Some(&old)));
        let undo = self
            .resource
            .hooks
            .begin_update(ctx, &mut object, &old)
            .await?;
        meta::order(&mut object, self.resource.custom);
        let done = self.write(ctx, kv, object, &old).await;
        if let (Some(undo), true) = (undo, ctx.dry_run || !matches!(done, Ok(Some(_)))) {
            undo().await;
        }
        let done = done?;
        if let (Some((object, _)), false) = (&done, ctx.dry_run) {
            self.resource.hooks.after_update(ctx, object, &old).await;
        }
        Ok(match done {
            Some((object, changed)) => Attempt::Done(Box::new(Written {
                object,
                created: false,
                changed,
            })),
            None => Attempt::Raced,
        })
    }

    /// An update names the version that it changes, or overwrites where that is allowed.
    fn check_version(&self, name: &str, object: &mut Value, old: &Value) -> Result<(), Status> {
        let live = old.str_at(&["metadata", "resourceVersion"]).to_owned();
        let given = object.str_at(&["metadata", "resourceVersion"]).to_owned();
        if given == live {
            return Ok(());
        }
        if given.is_empty() || given == "0" {
            if self.resource.unconditional_update {
                object.set(&["metadata", "resourceVersion"], live);
                return Ok(());
            }
            let mut errors = field::Errors::new();
            errors.push(field::Error::invalid(
                &field::Path::new("metadata").child("resourceVersion"),
                0i64,
                "must be specified for an update",
            ));
            return Err(Status::invalid(
                &self.resource.group,
                &self.resource.plural,
                name,
                &errors,
            ));
        }
        if given.parse::<u64>().is_err() {
            let why = format!("strconv.ParseUint: parsing {given:?}: invalid syntax");
            return Err(Status::new(Reason::Unknown, why));
        }
        Err(self.conflict(name, CHANGED))
    }

    fn before_update(
        &self,
        ctx: &Context,
        name: &str,
        object: &mut Value,
        old: &Value,
    ) -> Result<(), Status> {
        let _span = trace::span("validate");
        let strategy = &self.resource.strategy;
        if self.resource.namespaced {
            let own = object.str_at(&["metadata", "namespace"]).to_owned();
            if own.is_empty() {
                object.set(&["metadata", "namespace"], ctx.namespace.as_str());
            } else if own != ctx.namespace {
                return Err(Status::bad_request(
                    "the namespace of the provided object does not match the namespace sent on the request",
                ));
            }
        } else {
            object.unset(&["metadata", "namespace"]);
        }
        meta::keep_system(object, old);
        strategy.prepare_update(ctx, object, old);
        meta::keep_system(object, old);
        let counts = ctx.subresource != "status" && strategy.has_generation();
        if counts && strategy.is_new_generation(object, old) {
            let generation = old.i64_at(&["metadata", "generation"]).unwrap_or(0);
            object.set(&["metadata", "generation"], generation + 1);
        }
        let empty = Value::object();
        let metadata = object.get("metadata").unwrap_or(&empty);
        let path = field::Path::new("metadata");
        let whole = || {
            let namespaced = self.resource.namespaced;
            object_meta::validate_object_meta(metadata, namespaced, &|_, _| Vec::new(), &path)
        };
        let old_metadata = old.get("metadata").unwrap_or(&empty);
        let changes = || object_meta::validate_object_meta_update(metadata, old_metadata, &path);
        let again = match ctx.subresource.as_str() {
            "" => self.resource.metadata_checks,
            _ => MetadataChecks::default(),
        };
        let mut errors = whole();
        errors.extend(changes());
        if !errors.is_empty() {
            (0..again.whole).for_each(|_| errors.extend(whole()));
            (0..again.changes).for_each(|_| errors.extend(changes()));
        }
        errors.extend(strategy.validate_update(ctx, object, old));
        if errors.is_empty() {
            return Ok(());
        }
        Err(self.invalid(name, &errors))
    }

    /// Writes the new object, or deletes it when nothing holds it any more, and
    /// says whether there was anything to write.
    /// `None`: the stored object changed in between.
    async fn write(
        &self,
        ctx: &Context,
        kv: &KeyValue,
        mut object: Value,
        old: &Value,
    ) -> Result<Option<(Value, bool)>, Status> {
        let release = self.released(&object, old);
        let value = codec::encode(&object);
        if ctx.dry_run || (!release && value == kv.value) {
            return Ok(Some((object, false)));
        }
        let op = if release {
            Op::Delete {
                key: kv.key.clone(),
            }
        } else {
            Op::Put {
                key: kv.key.clone(),
                value,
                lease: kv.lease,
            }
        };
        let Some(revision) = self.swap(kv, op).await? else {
            return Ok(None);
        };
        object.set(&["metadata", "resourceVersion"], revision.to_string());
        meta::order(&mut object, self.resource.custom);
        if release {
            self.resource.hooks.after_delete(ctx, &object).await;
        }
        Ok(Some((object, true)))
    }

    /// A deleted object goes with its last finalizer, once its grace is over.
    fn released(&self, object: &Value, old: &Value) -> bool {
        let grace = old
            .i64_at(&["metadata", "deletionGracePeriodSeconds"])
            .unwrap_or(0);
        old.at(&["metadata", "deletionTimestamp"]).is_some()
            && grace == 0
            && object.items_at(&["metadata", "finalizers"]).is_empty()
            && !self.resource.strategy.held(object)
    }

    /// Runs `op` if the key is still at the revision that was read.
    pub(super) async fn swap(&self, kv: &KeyValue, op: Op) -> Result<Option<i64>, Status> {
        let operation = match op {
            Op::Delete { .. } => "delete",
            _ => "update",
        };
        let call = self.storage.txn(TxnRequest {
            compare: vec![Compare::ModRevision {
                key: kv.key.clone(),
                equals: kv.mod_revision,
            }],
            success: vec![op],
            failure: Vec::new(),
        });
        let answer = metrics::storage(&self.resource, operation, call)
            .await
            .map_err(codec::storage_error)?;
        Ok(answer.succeeded.then_some(answer.revision))
    }
}
