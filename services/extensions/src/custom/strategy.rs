//! Rules of a custom resource in the version of a request
//! (`apiextensions-apiserver/pkg/registry/customresource`).

use std::sync::Arc;

use catena_objects::{
    Value,
    field::{Error, Errors, Kind, Path},
    names::qualified_name,
};
use catena_registry::{Context, Strategy};
use catena_schema::structural;

use super::{
    embedded,
    schemas::{Compiled, Schemas},
};

pub(super) struct Custom {
    pub(super) schemas: Arc<Schemas>,
    pub(super) version: usize,
    pub(super) group: String,
    /// Stored objects may hold what the schema does not know any more.
    pub(super) repairs: bool,
}

impl Custom {
    fn own(&self) -> &Compiled {
        &self.schemas.versions[self.version]
    }

    /// The object, which is in the storage version, as the request's version has it.
    fn converted(&self, object: &Value) -> Value {
        let mut object = object.clone();
        if self.version != self.schemas.storage {
            structural::prune(&self.own().structural, &mut object);
            let api = format!("{}/{}", self.group, self.own().name);
            object.set(&["apiVersion"], api);
        }
        object
    }

    /// Adds what rules in CEL say, unless something else is wrong that they rely on.
    fn finish(&self, mut errors: Errors, object: &Value, old: Option<&Value>) -> Errors {
        let Some(rules) = self.own().rules() else {
            return errors;
        };
        if errors.0.iter().any(blocks_rules) {
            errors.push(Error::invalid(
                &Path::new("<nil>"),
                Value::Null,
                "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation",
            ));
        } else {
            errors.extend(rules.validate(object, old).errors);
        }
        errors
    }

    fn validate_status(&self, object: &Value, old: &Value) -> Errors {
        let own = self.own();
        let mut errors = Errors::new();
        if let (Some(status), Some(node)) = (object.get("status"), own.structural.field("status")) {
            let null = Value::Null;
            let before = old.get("status").unwrap_or(&null);
            errors.extend(structural::validate_update_at(
                node.node.get(),
                status,
                before,
                &Path::new("status"),
            ));
        }
        if let Some(scale) = &own.scale {
            scale.check_status(object, &mut errors);
        }
        errors.extend(lists(own, object, old));
        self.finish(errors, object, Some(old))
    }
}

/// Errors that keep rules in CEL from running (`hasBlockingErr`).
fn blocks_rules(e: &Error) -> bool {
    use Kind::*;
    matches!(
        e.kind,
        NotSupported | Required | TooLong | TooMany | TypeInvalid
    )
}

/// Lists that were wrong before may stay so.
fn lists(own: &Compiled, object: &Value, old: &Value) -> Errors {
    let errors = structural::validate_lists(&own.structural, object);
    if errors.is_empty() || !structural::validate_lists(&own.structural, old).is_empty() {
        return Errors::new();
    }
    errors
}

impl Strategy for Custom {
    fn default(&self, object: &mut Value) {
        let storage = &self.schemas.storage().structural;
        structural::default(storage, object);
        if self.repairs {
            structural::prune(storage, object);
            structural::sorted(object);
        }
    }

    fn prepare_create(&self, _ctx: &Context, object: &mut Value) {
        if self.own().status {
            object.unset(&["status"]);
        }
    }

    fn prepare_update(&self, ctx: &Context, object: &mut Value, old: &Value) {
        if ctx.subresource == "status" {
            let status = object.get("status").cloned();
            let managed = object.at(&["metadata", "managedFields"]).cloned();
            *object = old.clone();
            put(object, &["metadata", "managedFields"], managed);
            put(object, &["status"], status);
        } else if self.own().status {
            put(object, &["status"], old.get("status").cloned());
        }
    }

    fn validate(&self, _ctx: &Context, object: &Value) -> Errors {
        let object = self.converted(object);
        let own = self.own();
        let mut errors = structural::validate(&own.structural, &object, None);
        if let Some(scale) = &own.scale {
            scale.check_spec(&object, &mut errors);
            scale.check_status(&object, &mut errors);
        }
        if own.embeds {
            errors.extend(embedded::validate(&own.structural, &object));
        }
        errors.extend(structural::validate_lists(&own.structural, &object));
        self.finish(errors, &object, None)
    }

    fn validate_update(&self, ctx: &Context, object: &Value, old: &Value) -> Errors {
        let (object, old) = (self.converted(object), self.converted(old));
        if ctx.subresource == "status" {
            return self.validate_status(&object, &old);
        }
        let own = self.own();
        let mut errors = structural::validate_update(&own.structural, &object, &old);
        if let Some(scale) = &own.scale {
            scale.check_spec(&object, &mut errors);
            scale.check_status(&object, &mut errors);
        }
        if own.embeds {
            errors.extend(embedded::validate(&own.structural, &object));
        }
        errors.extend(lists(own, &object, &old));
        self.finish(errors, &object, Some(&old))
    }

    fn warnings(&self, ctx: &Context, object: &Value, old: Option<&Value>) -> Vec<String> {
        let mut out = match (self.own().rules(), old) {
            (Some(rules), Some(old)) => {
                let (object, old) = (self.converted(object), self.converted(old));
                rules.validate(&object, Some(&old)).warnings
            }
            _ => Vec::new(),
        };
        if ctx.subresource == "status" {
            return out;
        }
        let of = |v: &Value| -> Vec<String> {
            v.items_at(&["metadata", "finalizers"])
                .iter()
                .filter_map(|f| f.as_str().map(str::to_owned))
                .collect()
        };
        let before = old.map(of).unwrap_or_default();
        let mut added = of(object);
        added.retain(|f| !before.contains(f));
        added.sort();
        added.dedup();
        out.extend(added.iter().flat_map(|f| finalizer_warnings(f)));
        out
    }

    fn has_generation(&self) -> bool {
        true
    }

    fn is_new_generation(&self, object: &Value, old: &Value) -> bool {
        let rest = |v: &Value| {
            let mut v = v.clone();
            v.unset(&["metadata"]);
            if self.own().status {
                v.unset(&["status"]);
            }
            v
        };
        rest(object) != rest(old)
    }

    fn selectable(&self, object: &Value) -> Vec<String> {
        let value = |path: &Option<catena_jsonpath::Path>| {
            let found = path.as_ref()?.find(object).ok()?.into_iter().next()?;
            (!found.is_null()).then(|| catena_jsonpath::text(&found))
        };
        self.own()
            .selectable
            .iter()
            .map(|s| value(&s.path).unwrap_or_default())
            .collect()
    }
}

fn put(object: &mut Value, path: &[&str], value: Option<Value>) {
    match value {
        Some(v) => object.set(path, v),
        None => drop(object.unset(path)),
    }
}

/// `validateKubeFinalizerName` of custom resources, which only warns.
fn finalizer_warnings(name: &str) -> Vec<String> {
    const STANDARD: [&str; 3] = ["orphan", "foregroundDeletion", "kubernetes"];
    let at = format!(
        "metadata.finalizers: {}",
        catena_objects::json::go_quote(name)
    );
    let mut out: Vec<String> = qualified_name(name)
        .into_iter()
        .map(|why| format!("{at}: {why}"))
        .collect();
    if !name.contains('/') && !STANDARD.contains(&name) {
        let how = if name.contains('.') {
            "name including a path (/)"
        } else {
            "name"
        };
        out.push(format!("{at}: prefer a domain-qualified finalizer {how} to avoid accidental conflicts with other finalizer writers"));
    }
    out
}
