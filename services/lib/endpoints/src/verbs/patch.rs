//! PATCH: JSON patch, merge patch, strategic merge patch and server-side apply.

use catena_delegate::Response;
use catena_objects::{Reason, Status, Value, json, yaml};
use catena_registry::{Context, options::Preconditions};
use parking_lot::Mutex;

use super::{Call, create, update};
use crate::{
    body,
    query::{self, FieldValidation},
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Json,
    Merge,
    Strategic,
    Apply,
}

fn kind(call: &Call<'_>) -> Result<Kind, Status> {
    let custom = call.served.store.resource.custom;
    let content_type = call.request.header("content-type");
    match content_type.split(';').next().unwrap_or_default().trim() {
        "application/json-patch+json" => Ok(Kind::Json),
        "application/merge-patch+json" => Ok(Kind::Merge),
        "application/strategic-merge-patch+json" if !custom => Ok(Kind::Strategic),
        "application/apply-patch+yaml" => Ok(Kind::Apply),
        _ => {
            let strategic = if custom {
                ""
            } else {
                ", application/strategic-merge-patch+json"
            };
            Err(Status::new(
                Reason::UnsupportedMediaType,
                format!(
                    "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json{strategic}, application/apply-patch+yaml"
                ),
            ))
        }
    }
}

pub(super) async fn run(call: &Call<'_>) -> Result<Response, Status> {
    let kind = kind(call)?;
    let output = call.output()?;
    let options = query::write_options(&call.query, "PatchOptions", kind == Kind::Apply)?;
    let context = call.context(options.dry_run);
    let name = &call.request.info.name;
    let warnings = Mutex::new(Vec::new());
    let patch = Patch::read(call, kind, options.field_validation)?;
    let manager = call.manager(&options.field_manager);
    let change = |live: Option<&Value>| -> Result<Value, Status> {
        let decoded = patch.change(call, live, &manager, &context, options.force)?;
        *warnings.lock() = decoded.warnings;
        Ok(decoded.object)
    };
    let written = call
        .served
        .store
        .update(
            &context,
            name,
            &Preconditions::default(),
            kind == Kind::Apply,
            &change,
        )
        .await?;
    let status = if written.created { 201 } else { 200 };
    create::finish(call, &output, status, written, warnings.into_inner())
}

/// A patch that was read from the body.
struct Patch {
    kind: Kind,
    value: Value,
    duplicates: Vec<String>,
    validation: FieldValidation,
}

impl Patch {
    fn read(call: &Call<'_>, kind: Kind, validation: FieldValidation) -> Result<Self, Status> {
        let text = &call.request.body;
        let (value, duplicates) = if kind == Kind::Apply {
            let value = yaml::to_value(text)
                .map_err(|e| Status::bad_request(format!("error decoding YAML: {e}")))?;
            (value, Vec::new())
        } else {
            let parsed = json::parse_strict(text)
                .map_err(|e| Status::bad_request(format!("error decoding patch: {e}")))?;
            (parsed.value, parsed.duplicates)
        };
        Ok(Self {
            kind,
            value,
            duplicates,
            validation,
        })
    }

    fn change(
        &self,
        call: &Call<'_>,
        live: Option<&Value>,
        manager: &str,
        context: &Context,
        force: Option<bool>,
    ) -> Result<body::Decoded, Status> {
        let served = call.served;
        let resource = &served.store.resource;
        let version = served.version();
        let mut tracking = update::tracking(call, manager, context);
        if self.kind == Kind::Apply {
            tracking.force = force.unwrap_or(false);
            return self.apply(call, live, &tracking);
        }
        let Some(live) = live else {
            return Err(served.store.not_found(&call.request.info.name));
        };
        let before = body::from_storage(resource, version, live.clone());
        let after = match self.kind {
            Kind::Json => catena_patch::json_patch(&before, &self.value)?,
            Kind::Merge => catena_patch::merge_patch(&before, &self.value),
            Kind::Strategic => {
                catena_patch::strategic_merge(&before, &self.value, &version.schema)?
            }
            Kind::Apply => return Err(Status::internal("apply is not a patch of the object")),
        };
        let mut decoded = body::finish(
            resource,
            version,
            after,
            self.duplicates.clone(),
            self.validation,
        )?;
        decoded.object = catena_apply::track_update(Some(live), decoded.object, &tracking)?;
        Ok(decoded)
    }

    /// The configuration is checked as an object of its own, then merged.
    fn apply(
        &self,
        call: &Call<'_>,
        live: Option<&Value>,
        tracking: &catena_apply::Request<'_>,
    ) -> Result<body::Decoded, Status> {
        let served = call.served;
        let resource = &served.store.resource;
        let version = served.version();
        let name = &call.request.info.name;
        let mut config = self.value.clone();
        if config
            .at(&["metadata", "managedFields"])
            .is_some_and(|m| !m.is_null())
        {
            return Err(Status::bad_request("metadata.managedFields must be nil"));
        }
        let given = config.str_at(&["metadata", "name"]).to_owned();
        if given.is_empty() {
            config.set(&["metadata", "name"], name.as_str());
        } else if given != *name {
            return Err(Status::bad_request(format!(
                "the name of the object ({given}) does not match the name on the URL ({name})"
            )));
        }
        let mut decoded = body::finish(
            resource,
            version,
            config,
            self.duplicates.clone(),
            self.validation,
        )?;
        if resource.namespaced {
            decoded.object.set_default(
                &["metadata", "namespace"],
                call.request.info.namespace.as_str(),
            );
        }
        decoded.object = catena_apply::apply(live, &decoded.object, tracking)?;
        Ok(decoded)
    }
}
