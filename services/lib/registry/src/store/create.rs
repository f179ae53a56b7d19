//! Create.

use catena_objects::{Reason, Status, Value, field, meta as object_meta};
use catena_storage::TxnRequest;
use catena_telemetry::trace;

use super::{Store, Written, meta};
use crate::{
    Context,
    admission::{Attributes, Operation},
    codec, metrics,
};

/// Attempts with a new random suffix before a generateName create gives up.
const NAME_ATTEMPTS: usize = 8;

impl Store {
    /// Creates `object` (storage version, decoded and checked against the schema).
    pub async fn create(&self, ctx: &Context, object: Value) -> Result<Written, Status> {
        let generated = object.str_at(&["metadata", "name"]).is_empty()
            && !object.str_at(&["metadata", "generateName"]).is_empty();
        // A copy would be shared, and each map that changes copied.
        if !generated {
            return self.try_create(ctx, object).await;
        }
        let mut attempt = 1;
        loop {
            match self.try_create(ctx, object.clone()).await {
                Err(s) if s.reason == Reason::AlreadyExists && attempt < NAME_ATTEMPTS => {
                    attempt += 1;
                }
                other => return other,
            }
        }
    }

    async fn try_create(&self, ctx: &Context, mut object: Value) -> Result<Written, Status> {
        let strategy = &self.resource.strategy;
        self.check_namespace(ctx, &mut object)?;
        trace::span("default").within(|| strategy.default(&mut object));
        self.name_generated(&mut object);
        let name = object.str_at(&["metadata", "name"]).to_owned();
        self.admit(&mut Attributes {
            operation: Operation::Create,
            ctx,
            resource: &self.resource,
            name: &name,
            object: Some(&mut object),
            old: None,
        })
        .await?;
        meta::fill_new(ctx, &mut object);
        strategy.prepare_create(ctx, &mut object);
        match strategy.first_generation() {
            Some(first) if strategy.has_generation() => {
                object.set(&["metadata", "generation"], first);
            }
            _ => drop(object.unset(&["metadata", "generation"])),
        }
        self.validate_new(ctx, &object, &name)?;
        self.admit_validate(&Attributes {
            operation: Operation::Create,
            ctx,
            resource: &self.resource,
            name: &name,
            object: Some(&mut object.clone()),
            old: None,
        })
        .await?;
        object = self.canonical(object);
        ctx.warnings.extend(strategy.warnings(ctx, &object, None));
        let undo = self.resource.hooks.begin_create(ctx, &mut object).await?;
        meta::order(&mut object, self.resource.custom);
        let written = if ctx.dry_run {
            self.check_absent(ctx, &name).await.map(|()| object)
        } else {
            let span = trace::span("Create etcd3");
            span.run(self.insert(ctx, object, &name)).await
        };
        if let (Some(undo), true) = (undo, ctx.dry_run || written.is_err()) {
            undo().await;
        }
        Ok(Written {
            object: written?,
            created: true,
            changed: !ctx.dry_run,
        })
    }

    /// The object's namespace must be that of the request; an absent one is filled in.
    fn check_namespace(&self, ctx: &Context, object: &mut Value) -> Result<(), Status> {
        let own = object.str_at(&["metadata", "namespace"]).to_owned();
        if !self.resource.namespaced {
            object.unset(&["metadata", "namespace"]);
            return Ok(());
        }
        if own.is_empty() {
            object.set(&["metadata", "namespace"], ctx.namespace.as_str());
        } else if own != ctx.namespace {
            return Err(Status::bad_request(
                "the namespace of the provided object does not match the namespace sent on the request",
            ));
        }
        Ok(())
    }

    fn name_generated(&self, object: &mut Value) {
        let base = object.str_at(&["metadata", "generateName"]).to_owned();
        if !base.is_empty() && object.str_at(&["metadata", "name"]).is_empty() {
            object.set(&["metadata", "name"], object_meta::generate_name(&base));
        }
    }

    fn validate_new(&self, ctx: &Context, object: &Value, name: &str) -> Result<(), Status> {
        let _span = trace::span("validate");
        let strategy = &self.resource.strategy;
        let empty = Value::object();
        let metadata = object.get("metadata").unwrap_or(&empty);
        let mut errors = object_meta::validate_object_meta(
            metadata,
            self.resource.namespaced,
            &|n, prefix| strategy.validate_name(n, prefix),
            &field::Path::new("metadata"),
        );
        errors.extend(strategy.validate(ctx, object));
        if errors.is_empty() {
            return Ok(());
        }
        Err(self.invalid(name, &errors))
    }

    async fn check_absent(&self, ctx: &Context, name: &str) -> Result<(), Status> {
        match self.read(&ctx.namespace, name).await {
            Ok(_) => Err(self.already_exists(name)),
            Err(s) if s.reason == catena_objects::Reason::NotFound => Ok(()),
            Err(s) => Err(s),
        }
    }

    fn already_exists(&self, name: &str) -> Status {
        Status::already_exists(&self.resource.group, &self.resource.plural, name)
    }

    async fn insert(&self, ctx: &Context, mut object: Value, name: &str) -> Result<Value, Status> {
        let version = object.str_at(&["metadata", "resourceVersion"]);
        if !matches!(version, "" | "0") {
            return Err(Status::new(
                Reason::Unknown,
                "resourceVersion should not be set on objects to be created",
            ));
        }
        object.unset(&["metadata", "resourceVersion"]);
        let key = self.resource.key(&ctx.namespace, name);
        let request = TxnRequest::create(key, codec::encode(&object));
        let call = self.storage.txn(request);
        let answer = metrics::storage(&self.resource, "create", call)
            .await
            .map_err(codec::storage_error)?;
        if !answer.succeeded {
            return Err(self.already_exists(name));
        }
        object.set(
            &["metadata", "resourceVersion"],
            answer.revision.to_string(),
        );
        meta::order(&mut object, self.resource.custom);
        Ok(object)
    }
}
