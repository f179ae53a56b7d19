//! PATCH: JSON patch, merge patch, strategic merge patch and server-side apply.

mod identity;

use catena_delegate::Response;
use catena_objects::{Reason, Status, Value, field, go, json, yaml};
use catena_registry::{Context, options::Preconditions};
use catena_runtime::features::{self, Feature};

use catena_patch::Format;
use identity::Identity;

use super::{Call, create, update};
use crate::{
    body,
    query::{self, FieldValidation},
};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Json,
    Merge,
    Strategic,
    Apply,
    /// Apply, in CBOR.
    ApplyCbor,
}

impl Kind {
    fn applies(self) -> bool {
        matches!(self, Self::Apply | Self::ApplyCbor)
    }
}

/// What the Content-Type says that the body is.
///
/// # Errors
/// 415.
pub(super) fn kind(call: &Call<'_>) -> Result<Kind, Status> {
    let custom = call.served.store.resource.custom;
    let content_type = call.request.header("content-type");
    match content_type.split(';').next().unwrap_or_default().trim() {
        "application/json-patch+json" => Ok(Kind::Json),
        "application/merge-patch+json" => Ok(Kind::Merge),
        "application/strategic-merge-patch+json" if !custom => Ok(Kind::Strategic),
        "application/apply-patch+yaml" => Ok(Kind::Apply),
        "application/apply-patch+cbor" if features::enabled(Feature::Cbor) => Ok(Kind::ApplyCbor),
        _ if custom => Err(Status::new(
            Reason::UnsupportedMediaType,
            "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml",
        )),
        _ => {
            let why = "415: Unsupported Media Type";
            let mut status = Status::new(Reason::UnsupportedMediaType, why);
            status.details = Some(Box::default());
            Err(status)
        }
    }
}

pub(super) async fn run(call: &Call<'_>) -> Result<Response, Status> {
    let kind = kind(call)?;
    let output = call.output()?;
    let options = query::write_options(&call.query, "PatchOptions", kind.applies())?;
    let context = call.context(options.dry_run);
    let name = &call.request.info.name;
    let patch = match Patch::read(call, kind, options.field_validation) {
        // That there is nothing to patch is told before what is wrong with the patch.
        Err(s) if !kind.applies() => {
            call.served.store.get(&context.namespace, name).await?;
            return Err(s);
        }
        read => read?,
    };
    let manager = call.manager(&options.field_manager);
    let change = |live: Option<&Value>| -> Result<Value, Status> {
        let decoded = patch.change(call, live, &manager, &context, options.force)?;
        call.warnings.extend(decoded.warnings);
        Ok(decoded.object)
    };
    let written = call
        .served
        .store
        .update(
            &context,
            name,
            &Preconditions::default(),
            kind.applies(),
            &change,
        )
        .await?;
    let status = if written.created { 201 } else { 200 };
    create::finish(call, &output, status, written)
}

/// A patch that was read from the body.
struct Patch {
    kind: Kind,
    value: Value,
    /// Problems of the text: warnings or errors, as `fieldValidation` says.
    problems: Vec<String>,
    validation: FieldValidation,
}

impl Patch {
    fn read(call: &Call<'_>, kind: Kind, validation: FieldValidation) -> Result<Self, Status> {
        let body = &call.request.body;
        let format = match kind {
            Kind::Json => catena_patch::Format::Json,
            Kind::Merge => catena_patch::Format::Merge,
            Kind::Strategic => catena_patch::Format::Strategic,
            Kind::Apply | Kind::ApplyCbor => {
                let (value, problems) = if kind == Kind::Apply {
                    configuration(body)?
                } else {
                    let value = catena_cbor::decode(body)
                        .map_err(|e| Status::bad_request(format!("error decoding CBOR: {e}")))?;
                    (value, Vec::new())
                };
                return Ok(Self {
                    kind,
                    value,
                    problems,
                    validation,
                });
            }
        };
        // What is ignored is not even looked at as a patch first.
        let strict = validation != FieldValidation::Ignore;
        let decoded = catena_patch::decode(body, format, strict)?;
        Ok(Self {
            kind,
            value: decoded.patch,
            problems: decoded.strict_errors,
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
        let (resource, version) = (&served.store.resource, served.version());
        let mut tracking = update::tracking(call, manager, context);
        if self.kind.applies() {
            tracking.force = force.unwrap_or(false);
            return self.apply(call, live, context, &tracking);
        }
        let Some(live) = live else {
            return Err(served.store.not_found(&call.request.info.name));
        };
        let before = body::from_storage(resource, version, live.clone());
        let after = match self.kind {
            Kind::Json => {
                let after = catena_patch::json_patch(&before, &self.value)?;
                catena_patch::ordered(after, &self.value, Format::Json)
            }
            Kind::Merge => {
                let after = catena_patch::merge_patch(&before, &self.value);
                catena_patch::ordered(after, &self.value, Format::Merge)
            }
            Kind::Strategic => {
                catena_patch::strategic_merge(&before, &self.value, &version.schema)?
            }
            Kind::Apply | Kind::ApplyCbor => {
                return Err(Status::internal("apply is not a patch of the object"));
            }
        };
        let mut decoded = self.decode(call, &after)?;
        let checked = update::check_names(call, context, &decoded.object);
        if let Err(status) = checked {
            call.warnings.extend(decoded.warnings);
            return Err(status);
        }
        decoded.object = update::track(call, Some(live), decoded.object, &tracking)?;
        Ok(decoded)
    }

    /// What the patch made, as an object of the resource.
    fn decode(&self, call: &Call<'_>, after: &Value) -> Result<body::Decoded, Status> {
        let (resource, version) = (&call.served.store.resource, call.served.version());
        let misfit = |why: String| self.does_not_fit(after, &why);
        let problems = self.problems.clone();
        let mut object = after.clone();
        if self.kind == Kind::Strategic {
            // It was a struct before, which has no other kind.
            object.set(&["kind"], resource.kind.as_str());
            if let Some(why) = catena_schema::misfit(&version.schema, &object) {
                return Err(misfit(why));
            }
            let warn = FieldValidation::Warn;
            return body::decode(resource, version, object, Vec::new(), warn)
                .and_then(|decoded| self.sorted(decoded))
                .map_err(misfit);
        }
        match identity::of(resource, version, after).map_err(misfit)? {
            Identity::Of(version) => {
                object.set(&["kind"], resource.kind.as_str());
                body::decode(resource, version, object, problems, self.validation).map_err(misfit)
            }
            Identity::Refused(status) => Err(*status),
            Identity::None => {
                identity::unversioned(after, problems, self.validation).map_err(misfit)
            }
        }
    }

    /// The converter of structs tells unknown fields in the order of their paths.
    fn sorted(&self, mut decoded: body::Decoded) -> Result<body::Decoded, String> {
        decoded.warnings.sort();
        decoded.warnings.splice(0..0, self.problems.clone());
        match self.validation {
            FieldValidation::Ignore => decoded.warnings.clear(),
            FieldValidation::Strict if !decoded.warnings.is_empty() => {
                let all = decoded.warnings.join(", ");
                return Err(format!("strict decoding error: {all}"));
            }
            FieldValidation::Strict | FieldValidation::Warn => {}
        }
        Ok(decoded)
    }

    fn does_not_fit(&self, after: &Value, why: &str) -> Status {
        does_not_fit(self.kind, &self.value, after, why)
    }

    /// The configuration as it came is merged in the version of the request: what
    /// it leaves out must not be taken for a default.
    fn apply(
        &self,
        call: &Call<'_>,
        live: Option<&Value>,
        context: &Context,
        tracking: &catena_apply::Request<'_>,
    ) -> Result<body::Decoded, Status> {
        let served = call.served;
        let (resource, version) = (&served.store.resource, served.version());
        let own = body::api_version(&resource.group, &version.name);
        let config = &self.value;
        catena_apply::check_type(config, &own, &resource.kind)?;
        let before = live.map(|l| body::from_storage(resource, version, l.clone()));
        let merged = catena_apply::apply(before.as_ref(), config, tracking)?;
        let repeated = self.repeated()?;
        let mut decoded = if resource.custom {
            // What the schema does not know was refused; pruning says nothing here.
            let silent = FieldValidation::Ignore;
            body::finish(resource, version, merged, Vec::new(), silent)?
        } else {
            match catena_schema::misfit(&version.schema, &merged) {
                Some(why) => Err(why),
                None => body::decode(resource, version, merged, Vec::new(), self.validation),
            }
            .map_err(|why| catena_apply::not_convertible(config, &why))?
        };
        decoded.warnings.splice(0..0, repeated);
        update::check_names(call, context, &decoded.object)?;
        Ok(decoded)
    }

    /// Warnings about keys that a configuration has more than once.
    ///
    /// # Errors
    /// With strict validation.
    fn repeated(&self) -> Result<Vec<String>, Status> {
        match self.validation {
            FieldValidation::Strict if !self.problems.is_empty() => {
                let lines = self.problems.join("\n  ");
                Err(Status::bad_request(format!(
                    "error strict decoding YAML: error converting YAML to JSON: {}{lines}",
                    body::YAML_ERRORS
                )))
            }
            FieldValidation::Ignore => Ok(Vec::new()),
            FieldValidation::Strict | FieldValidation::Warn => Ok(self.problems.clone()),
        }
    }
}

/// 422: what a patch makes of an object is none of its kind.
pub(super) fn does_not_fit(kind: Kind, patch: &Value, after: &Value, why: &str) -> Status {
    let shown = match kind {
        Kind::Json | Kind::Merge => json::to_string(after),
        _ => go::print(&without_directives(patch)),
    };
    let mut errors = field::Errors::new();
    errors.push(field::Error::invalid(
        &field::Path::new("patch"),
        shown,
        why,
    ));
    Status::invalid("", "", "", &errors)
}

/// A configuration in YAML, a map or nothing, and the keys that it repeats.
fn configuration(body: &[u8]) -> Result<(Value, Vec<String>), Status> {
    let bad = |why: String| Status::bad_request(format!("error decoding YAML: {why}"));
    let parsed = yaml::parse(body).map_err(|e| bad(e.to_string()))?;
    match parsed.value {
        Value::Object(_) | Value::Null => Ok((parsed.value, parsed.duplicates)),
        other => Err(bad(format!(
            "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {} into Go value of type map[string]interface {{}}",
            other.type_name()
        ))),
    }
}

/// A strategic patch as it is left when it was applied.
fn without_directives(patch: &Value) -> Value {
    let Value::Object(members) = patch else {
        return patch.clone();
    };
    let rest = members.iter().filter(|(name, _)| *name != "$retainKeys");
    let rest = rest.map(|(name, v)| (name.clone(), without_directives(v)));
    rest.collect::<catena_objects::Map>().into()
}
