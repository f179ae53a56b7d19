//! Rules of CustomResourceDefinitions
//! (`apiextensions-apiserver/pkg/registry/customresourcedefinition`).

pub(crate) mod approval;
pub(crate) mod conditions;
pub(crate) mod conversion;
mod formats;
mod hub;
mod names;
mod parts;
pub(crate) mod resource;
mod schema;
mod spec;
mod status;
#[cfg(test)]
mod tests;

use catena_objects::{
    Value,
    field::{Error, Errors, Path},
};
use catena_registry::{Context, Strategy, strategy::keep_other_half};

pub(crate) const GROUP: &str = "apiextensions.k8s.io";
pub(crate) const VERSION: &str = "v1";
pub(crate) const KIND: &str = "CustomResourceDefinition";
pub(crate) const PLURAL: &str = "customresourcedefinitions";
/// Set on old definitions whose resources keep what the schema does not know.
pub(crate) const PRESERVE: [&str; 2] = ["spec", "preserveUnknownFields"];
/// Keeps a definition until its instances are gone.
pub(crate) const FINALIZER: &str = "customresourcecleanup.apiextensions.k8s.io";

/// Strategy of the definitions themselves.
#[derive(Debug)]
pub struct Definition;

/// Versions of a definition, as they stand in `spec.versions`.
pub(crate) fn versions(definition: &Value) -> &[Value] {
    definition.items_at(&["spec", "versions"])
}

/// Name of the version in which instances are stored, "" for a broken definition.
pub(crate) fn storage_version(definition: &Value) -> &str {
    versions(definition)
        .iter()
        .find(|v| v.bool_at(&["storage"]) == Some(true))
        .map_or("", |v| v.str_at(&["name"]))
}

fn stored_versions(definition: &Value) -> Vec<&str> {
    definition
        .items_at(&["status", "storedVersions"])
        .iter()
        .filter_map(Value::as_str)
        .collect()
}

/// The storage version belongs to the stored ones.
fn add_stored_version(object: &mut Value) {
    let storage = storage_version(object).to_owned();
    if storage.is_empty() || stored_versions(object).contains(&storage.as_str()) {
        return;
    }
    let mut list = object.items_at(&["status", "storedVersions"]).to_vec();
    list.push(storage.into());
    object.set(&["status", "storedVersions"], list);
}

/// Members in the order in which Go prints them.
pub(crate) fn canonical(object: &mut Value) {
    let Some(node) = catena_schema::builtin(GROUP, VERSION, KIND) else {
        return;
    };
    *object = catena_schema::ordered(&node, std::mem::take(object));
}

impl Strategy for Definition {
    fn default(&self, object: &mut Value) {
        let kind = object.str_at(&["spec", "names", "kind"]).to_owned();
        let mut changed = false;
        let mut fill = |path: &[&str], text: String| {
            if object.str_at(path).is_empty() && !text.is_empty() {
                object.set(path, text);
                changed = true;
            }
        };
        fill(&["spec", "names", "singular"], kind.to_lowercase());
        if !kind.is_empty() {
            fill(&["spec", "names", "listKind"], format!("{kind}List"));
        }
        if object
            .at(&["spec", "conversion"])
            .is_none_or(Value::is_null)
        {
            object.set(&["spec", "conversion", "strategy"], "None");
            changed = true;
        }
        // The server's own version of a definition has no webhook without content.
        const WEBHOOK: [&str; 3] = ["spec", "conversion", "webhook"];
        if let Some(webhook) = object.at(&WEBHOOK)
            && webhook.get("clientConfig").is_none_or(Value::is_null)
            && webhook.items_at(&["conversionReviewVersions"]).is_empty()
        {
            object.unset(&WEBHOOK);
            changed = true;
        }
        const SERVICE: [&str; 5] = ["spec", "conversion", "webhook", "clientConfig", "service"];
        if let Some(service) = object.at(&SERVICE).filter(|s| s.as_object().is_some())
            && service.get("port").is_none_or(Value::is_null)
        {
            let mut path = SERVICE.to_vec();
            path.push("port");
            object.set(&path, 443i64);
            changed = true;
        }
        if stored_versions(object).is_empty() && !storage_version(object).is_empty() {
            add_stored_version(object);
            changed = true;
        }
        if changed {
            canonical(object);
        }
    }

    fn prepare_create(&self, _ctx: &Context, object: &mut Value) {
        object.set(&["status"], Value::object());
        add_stored_version(object);
        canonical(object);
    }

    fn prepare_update(&self, ctx: &Context, object: &mut Value, old: &Value) {
        keep_other_half(ctx, object, old);
        if ctx.subresource.is_empty() {
            add_stored_version(object);
        }
        canonical(object);
    }

    fn validate(&self, _ctx: &Context, object: &Value) -> Errors {
        let mut errors = Errors::new();
        let name = object.str_at(&["metadata", "name"]);
        let plural = object.str_at(&["spec", "names", "plural"]);
        let required = format!("{plural}.{}", object.str_at(&["spec", "group"]));
        if !name.is_empty() && name != required {
            let at = Path::new("metadata").child("name");
            errors.push(Error::invalid(
                &at,
                name,
                r#"must be spec.names.plural+"."+spec.group"#,
            ));
        }
        errors.extend(spec::validate(object, None));
        errors.extend(status::validate(object));
        errors.extend(approval::validate(object, None));
        errors.extend(spec::preserve_unknown(object, None));
        errors
    }

    fn validate_update(&self, ctx: &Context, object: &Value, old: &Value) -> Errors {
        if ctx.subresource == "status" {
            return status::names(object);
        }
        let mut errors = spec::validate(object, Some(old));
        errors.extend(spec::immutable(object, old));
        errors.extend(status::validate(object));
        errors.extend(approval::validate(object, Some(old)));
        errors.extend(spec::preserve_unknown(object, Some(old)));
        errors
    }

    fn warnings(&self, ctx: &Context, object: &Value, old: Option<&Value>) -> Vec<String> {
        if ctx.subresource == "status" {
            return Vec::new();
        }
        let before = old.map(formats::unrecognized).unwrap_or_default();
        formats::unrecognized(object)
            .into_iter()
            .filter(|f| !before.contains(f))
            .map(|f| format!("unrecognized format {f:?}"))
            .collect()
    }

    fn has_generation(&self) -> bool {
        true
    }

    fn mark_terminating(&self, ctx: &Context, object: &mut Value) -> bool {
        if !catena_objects::meta::has_finalizer(object, FINALIZER) {
            let mut list = object.items_at(&["metadata", "finalizers"]).to_vec();
            list.push(FINALIZER.into());
            object.set(&["metadata", "finalizers"], list);
        }
        conditions::set(
            object,
            &ctx.now,
            "Terminating",
            "True",
            "InstanceDeletionPending",
            "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
        );
        canonical(object);
        true
    }
}
