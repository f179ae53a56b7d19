//! What the server keeps of a definition: an index, the stored bytes, and, once
//! somebody asks, its compiled schemas.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use catena_objects::{Value, meta};
use catena_registry::{Resource, ResourceCache, Store};
use catena_storage::Storage;

use crate::{
    custom::{self, Schemas},
    definition::{FINALIZER, conditions, versions},
    namespaces::Namespaces,
};

/// Names of a resource, as asked for or as accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Names {
    pub(crate) plural: String,
    pub(crate) singular: String,
    pub(crate) kind: String,
    pub(crate) list_kind: String,
    pub(crate) short_names: Vec<String>,
    pub(crate) categories: Vec<String>,
}

impl Names {
    pub(crate) fn read(v: Option<&Value>) -> Self {
        let Some(v) = v else { return Self::default() };
        let text = |key: &str| v.str_at(&[key]).to_owned();
        let list = |key: &str| {
            v.items_at(&[key])
                .iter()
                .filter_map(|s| s.as_str().map(str::to_owned))
                .collect()
        };
        Self {
            plural: text("plural"),
            singular: text("singular"),
            kind: text("kind"),
            list_kind: text("listKind"),
            short_names: list("shortNames"),
            categories: list("categories"),
        }
    }
}

/// A version of a definition, as far as routing and discovery need it.
#[derive(Clone, Debug)]
pub(crate) struct Version {
    pub(crate) name: String,
    pub(crate) served: bool,
    pub(crate) storage: bool,
    pub(crate) status: bool,
    pub(crate) scale: bool,
    /// Text for clients of a deprecated version.
    pub(crate) warning: Option<String>,
}

/// One definition at one revision.
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) revision: i64,
    pub(crate) uid: String,
    pub(crate) generation: i64,
    pub(crate) group: String,
    pub(crate) wanted: Names,
    pub(crate) accepted: Names,
    pub(crate) namespaced: bool,
    pub(crate) versions: Vec<Version>,
    /// Versions differ by more than their name: a webhook converts between them.
    pub(crate) webhook: bool,
    pub(crate) names_accepted: bool,
    pub(crate) established: bool,
    pub(crate) terminating: bool,
    /// Deletion has begun and waits for this server.
    pub(crate) cleaning: bool,
    /// The stored object.
    pub(crate) stored: Bytes,
    /// Shared with the next revision while the spec is the same.
    schemas: Arc<OnceLock<Arc<Schemas>>>,
    /// One for each version.
    resources: Vec<OnceLock<Arc<Resource>>>,
    /// Of all versions; shared as the schemas are.
    cache: Arc<OnceLock<Arc<ResourceCache>>>,
}

impl Entry {
    /// Reads a definition (decoded, in v1) that is stored as `stored`.
    pub(crate) fn read(object: &Value, stored: Bytes, revision: i64) -> Self {
        let wanted = Names::read(object.at(&["spec", "names"]));
        let group = object.str_at(&["spec", "group"]).to_owned();
        let versions: Vec<Version> = versions(object)
            .iter()
            .map(|v| version(v, object, &group, &wanted.kind))
            .collect();
        Self {
            name: meta::name(object).to_owned(),
            revision,
            uid: meta::uid(object).to_owned(),
            generation: object.i64_at(&["metadata", "generation"]).unwrap_or(0),
            accepted: Names::read(object.at(&["status", "acceptedNames"])),
            wanted,
            group,
            namespaced: object.str_at(&["spec", "scope"]) == "Namespaced",
            webhook: object.str_at(&["spec", "conversion", "strategy"]) == "Webhook",
            names_accepted: conditions::is_true(object, "NamesAccepted"),
            established: conditions::is_true(object, "Established"),
            terminating: conditions::is_true(object, "Terminating"),
            cleaning: meta::is_deleting(object) && meta::has_finalizer(object, FINALIZER),
            stored,
            schemas: Arc::default(),
            resources: versions.iter().map(|_| OnceLock::new()).collect(),
            versions,
            cache: Arc::default(),
        }
    }

    /// Takes over what `before` has compiled, if the spec is the same.
    pub(crate) fn inherit(&mut self, before: &Self) {
        if self.uid == before.uid && self.generation == before.generation {
            self.schemas = before.schemas.clone();
            self.cache = before.cache.clone();
        }
    }

    /// Whether its resources are served at all.
    pub(crate) fn is_served(&self) -> bool {
        self.names_accepted || self.established
    }

    pub(crate) fn version(&self, name: &str) -> Option<&Version> {
        self.versions.iter().find(|v| v.name == name)
    }

    pub(crate) fn serves(&self, version: &str) -> bool {
        self.is_served() && self.version(version).is_some_and(|v| v.served)
    }

    pub(crate) fn storage(&self) -> usize {
        self.versions.iter().position(|v| v.storage).unwrap_or(0)
    }

    /// The definition, decoded.
    pub(crate) fn definition(&self) -> Value {
        catena_objects::json::parse(&self.stored)
            .or_else(|_| catena_protobuf::decode_envelope(&self.stored).map_err(drop))
            .unwrap_or_default()
    }

    fn schemas(&self) -> Arc<Schemas> {
        self.schemas
            .get_or_init(|| Arc::new(Schemas::compile(self, &self.definition())))
            .clone()
    }

    /// The store of one version.
    pub(crate) fn store(
        &self,
        version: usize,
        storage: &Arc<dyn Storage>,
        namespaces: &Arc<Namespaces>,
    ) -> Store {
        let resource = self.resource(version, namespaces);
        let make = || Arc::new(Store::new_cache(&resource, storage.clone()));
        let cache = self.cache.get_or_init(make).clone();
        Store::new(resource, storage.clone()).with_cache(cache)
    }

    /// The resource with the rules of one version; compiled on first use.
    pub(crate) fn resource(&self, version: usize, namespaces: &Arc<Namespaces>) -> Arc<Resource> {
        let make = || Arc::new(custom::resource(self, &self.schemas(), version, namespaces));
        self.resources[version].get_or_init(make).clone()
    }
}

fn version(v: &Value, definition: &Value, group: &str, kind: &str) -> Version {
    let has = |part: &str| v.at(&["subresources", part]).is_some_and(|p| !p.is_null());
    let name = v.str_at(&["name"]).to_owned();
    let deprecated = v.bool_at(&["deprecated"]) == Some(true);
    let warning = deprecated.then(|| {
        v.at(&["deprecationWarning"])
            .and_then(Value::as_str)
            .map_or_else(
                || deprecation(&name, definition, group, kind),
                str::to_owned,
            )
    });
    Version {
        served: v.bool_at(&["served"]) == Some(true),
        storage: v.bool_at(&["storage"]) == Some(true),
        status: has("status"),
        scale: has("scale"),
        name,
        warning,
    }
}

/// `defaultDeprecationWarning`: names the newest version that is not deprecated.
fn deprecation(name: &str, definition: &Value, group: &str, kind: &str) -> String {
    let newest = versions(definition)
        .iter()
        .filter(|v| {
            v.bool_at(&["served"]) == Some(true) && v.bool_at(&["deprecated"]) != Some(true)
        })
        .map(|v| v.str_at(&["name"]))
        .filter(|v| rank(v) > rank(name))
        .max_by_key(|v| rank(v));
    let text = format!("{group}/{name} {kind} is deprecated");
    match newest {
        Some(v) => format!("{text}; use {group}/{v} {kind}"),
        None => text,
    }
}

/// Order of versions as `CompareKubeAwareVersionStrings` has it, greatest preferred:
/// v2, v1, v2beta1, v1alpha1, then other names, first of the alphabet preferred.
pub(crate) fn rank(version: &str) -> (u8, u64, u64, std::cmp::Reverse<String>) {
    let name = || std::cmp::Reverse(version.to_owned());
    let other = || (0, 0, 0, name());
    let Some(rest) = version.strip_prefix('v') else {
        return other();
    };
    let digits = |s: &str| -> Option<u64> {
        (!s.is_empty() && !s.starts_with('0') && s.bytes().all(|c| c.is_ascii_digit()))
            .then(|| s.parse().ok())
            .flatten()
    };
    let end = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    let Some(major) = digits(&rest[..end]) else {
        return other();
    };
    match &rest[end..] {
        "" => (3, major, 0, name()),
        tail => match (tail.strip_prefix("beta"), tail.strip_prefix("alpha")) {
            (Some(minor), _) if digits(minor).is_some() => {
                (2, major, digits(minor).unwrap_or(0), name())
            }
            (_, Some(minor)) if digits(minor).is_some() => {
                (1, major, digits(minor).unwrap_or(0), name())
            }
            _ => other(),
        },
    }
}
