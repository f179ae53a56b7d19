//! Label and field selectors of a list or watch.

use catena_objects::{Status, Value, fields, labels};
use catena_registry::Resource;

use super::Call;

/// Both selectors of a request.
pub(crate) struct Selectors {
    labels: labels::Selector,
    fields: fields::Selector,
    /// The one object that the field selector or the path names.
    pub(crate) name: Option<String>,
}

impl Selectors {
    pub(crate) fn parse(call: &Call<'_>) -> Result<Self, Status> {
        let resource = &call.served.store.resource;
        let labels = labels::Selector::parse(call.query.get("labelSelector").unwrap_or_default())
            .map_err(|e| Status::bad_request(e.to_string()))?;
        let fields = fields::Selector::parse(call.query.get("fieldSelector").unwrap_or_default())
            .map_err(|e| Status::bad_request(e.to_string()))?;
        for requirement in fields.requirements() {
            if !known(resource, &requirement.field) {
                return Err(Status::bad_request(unknown(resource, &requirement.field)));
            }
        }
        let in_path = call.request.info.parts.get(1).cloned();
        let name = in_path.or_else(|| fields.exact("metadata.name").map(str::to_owned));
        Ok(Self {
            labels,
            fields,
            name: name.filter(|n| !n.is_empty()),
        })
    }

    /// Whether everything matches, so that objects need not be looked at.
    pub(crate) fn is_empty(&self) -> bool {
        self.labels.is_everything() && self.fields.is_everything() && self.name.is_none()
    }

    pub(crate) fn matches(&self, resource: &Resource, object: &Value) -> bool {
        if let Some(name) = &self.name
            && object.str_at(&["metadata", "name"]) != name
        {
            return false;
        }
        if !self
            .labels
            .matches_labels(object.at(&["metadata", "labels"]))
        {
            return false;
        }
        if self.fields.is_everything() {
            return true;
        }
        let selectable = resource.strategy.selectable(object);
        self.fields.matches(|field| match field {
            "metadata.name" => Some(object.str_at(&["metadata", "name"])),
            "metadata.namespace" => Some(object.str_at(&["metadata", "namespace"])),
            other => resource
                .selectable_fields
                .iter()
                .position(|f| f == other)
                .and_then(|i| selectable.get(i).map(String::as_str)),
        })
    }
}

fn known(resource: &Resource, field: &str) -> bool {
    match field {
        "metadata.name" => true,
        "metadata.namespace" => resource.namespaced || !resource.custom,
        other => resource.selectable_fields.iter().any(|f| f == other),
    }
}

/// Kinds with selectable fields of their own word it differently from those without.
fn unknown(resource: &Resource, field: &str) -> String {
    if resource.custom || !resource.selectable_fields.is_empty() {
        return format!("field label not supported: {field}");
    }
    format!(
        "{field:?} is not a known field selector: only \"metadata.name\", \"metadata.namespace\""
    )
}
