//! Label and field selectors of a list or watch.

mod shards;

use std::borrow::Cow;

use catena_cache::Neighbours;
use catena_objects::{Reason, Status, fields, labels};
use catena_registry::{Cached, Resource, Wanted};
use catena_runtime::features::{self, Feature};

use super::{Call, list::Object};
use shards::Shards;

/// All selectors of a request.
pub(crate) struct Selectors {
    labels: labels::Selector,
    fields: fields::Selector,
    /// The one object that the field selector or the path names.
    pub(crate) name: Option<String>,
    pub(crate) shards: Option<Shards>,
    wanted: Wanted,
}

impl Selectors {
    pub(crate) fn parse(call: &Call<'_>) -> Result<Self, Status> {
        let resource = &call.served.store.resource;
        let labels = labels::Selector::parse(call.query.get("labelSelector").unwrap_or_default())
            .map_err(|e| Status::bad_request(e.to_string()))?;
        let fields = fields::Selector::parse(call.query.get("fieldSelector").unwrap_or_default())
            .map_err(|e| Status::bad_request(e.to_string()))?;
        let in_path = call.request.info.parts.get(1).cloned();
        let name = in_path.or_else(|| fields.exact("metadata.name").map(str::to_owned));
        Ok(Self {
            wanted: Wanted::of(resource, &labels, &fields),
            labels,
            fields,
            name: name.filter(|n| !n.is_empty()),
            shards: shards(call)?,
        })
    }

    /// A watch of one object that selects another (`/watch/` before its path).
    ///
    /// # Errors
    /// 400.
    pub(crate) fn check_name(&self, call: &Call<'_>) -> Result<(), Status> {
        let named = call.request.info.parts.get(1);
        let selected = self.fields.exact("metadata.name");
        match named.zip(selected) {
            Some((named, selected)) if named != selected => Err(Status::bad_request(
                "fieldSelector metadata.name doesn't match requested name",
            )),
            _ => Ok(()),
        }
    }

    /// Whether the resource has the fields; asked after the other options were judged.
    ///
    /// # Errors
    /// 400, with the first that it has not.
    pub(crate) fn check_fields(&self, resource: &Resource) -> Result<(), Status> {
        let mut named = self.fields.requirements().iter().map(|r| &r.field);
        match named.find(|field| !known(resource, field)) {
            Some(field) => Err(Status::bad_request(unknown(resource, field))),
            None => Ok(()),
        }
    }

    /// Whether everything matches, so that objects need not be looked at.
    pub(crate) fn is_empty(&self) -> bool {
        let by_name = self.name.is_some() || self.shards.is_some();
        self.labels.is_everything() && self.fields.is_everything() && !by_name
    }

    /// Whether something among neighbours may be selected; most that have nothing
    /// are known without a look at them.
    pub(crate) fn may_match(&self, resource: &Resource, group: &Neighbours<'_, Cached>) -> bool {
        self.wanted.may_be_in(resource, group)
    }

    /// Whether an object is selected; looks no further than its key where that tells.
    ///
    /// # Errors
    /// When the object has to be decoded for the first time, and cannot be.
    pub(crate) fn matches_entry(
        &self,
        resource: &Resource,
        object: &Object,
    ) -> Result<bool, Status> {
        if !self.labels.is_everything() {
            let labels = Cached::labels(resource, object)?;
            if !self.labels.matches(|key| labels.get(key)) {
                return Ok(false);
            }
        }
        if self.name.is_none() && self.fields.is_everything() && self.shards.is_none() {
            return Ok(true);
        }
        let (namespace, name) = place(resource, object.key());
        if let Some(shards) = &self.shards
            && !shards.matches(resource, object, &namespace)?
        {
            return Ok(false);
        }
        if self.name.as_ref().is_some_and(|n| *n != name) {
            return Ok(false);
        }
        if self.fields.is_everything() {
            return Ok(true);
        }
        let matches = |values: &[String]| {
            self.fields.matches(|field| match field {
                "metadata.name" => Some(&*name),
                "metadata.namespace" => Some(&*namespace),
                other => resource
                    .selectable_fields
                    .iter()
                    .position(|f| f == other)
                    .and_then(|i| values.get(i).map(String::as_str)),
            })
        };
        let by_key = |f: &str| matches!(f, "metadata.name" | "metadata.namespace");
        if self.fields.requirements().iter().all(|r| by_key(&r.field)) {
            return Ok(matches(&[]));
        }
        Cached::fields(resource, object, matches)
    }
}

fn shards(call: &Call<'_>) -> Result<Option<Shards>, Status> {
    let text = call.query.get("shardSelector").filter(|t| !t.is_empty());
    match text.filter(|_| features::enabled(Feature::Shards)) {
        Some(text) => Shards::parse(text)
            .map(Some)
            .map_err(|why| Status::new(Reason::Unknown, format!("invalid shard selector: {why}"))),
        None => Ok(None),
    }
}

/// Namespace and name of the object with a key.
fn place<'a>(resource: &Resource, key: &'a [u8]) -> (Cow<'a, str>, Cow<'a, str>) {
    let rest = key.get(resource.key_prefix.len() + 1..).unwrap_or_default();
    let split = rest.iter().position(|c| *c == b'/');
    let (namespace, name) = match split {
        Some(i) if resource.namespaced => (&rest[..i], &rest[i + 1..]),
        _ => (&rest[..0], rest),
    };
    (
        String::from_utf8_lossy(namespace),
        String::from_utf8_lossy(name),
    )
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
    match resource.kind.as_str() {
        "Job" if !resource.custom => return format!("field label {field:?} not supported for Job"),
        "ResourceSlice" if !resource.custom => {
            let version = &resource.versions[resource.storage_version].name;
            let group = &resource.group;
            return format!(
                "field label not supported for {group}/{version}, Kind=ResourceSlice: {field}"
            );
        }
        _ => {}
    }
    if resource.custom || !resource.selectable_fields.is_empty() {
        return format!("field label not supported: {field}");
    }
    format!(
        "{field:?} is not a known field selector: only \"metadata.name\", \"metadata.namespace\""
    )
}
