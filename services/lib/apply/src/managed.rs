//! `metadata.managedFields`: who owns which fields, decoded and encoded.

use std::collections::BTreeMap;

use catena_objects::{Map, Value};

use crate::set::Set;

/// Identity of an entry. Appliers are the same across versions, so theirs has no version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Manager {
    pub(crate) name: String,
    pub(crate) operation: Operation,
    pub(crate) api_version: String,
    pub(crate) subresource: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Operation {
    Apply,
    Update,
}

impl Operation {
    fn as_str(self) -> &'static str {
        match self {
            Self::Apply => "Apply",
            Self::Update => "Update",
        }
    }
}

impl Manager {
    pub(crate) fn new(
        name: &str,
        operation: Operation,
        api_version: &str,
        subresource: &str,
    ) -> Self {
        let applies = operation == Operation::Apply;
        Self {
            name: if name.is_empty() { "unknown" } else { name }.to_owned(),
            operation,
            api_version: if applies { "" } else { api_version }.to_owned(),
            subresource: subresource.to_owned(),
        }
    }

    /// As conflict messages name it.
    pub(crate) fn describe(&self) -> String {
        let mut out = catena_objects::json::go_quote(&self.name);
        if !self.subresource.is_empty() {
            out.push_str(&format!(" with subresource {:?}", self.subresource));
        }
        if self.operation == Operation::Update {
            out.push_str(&format!(" using {}", self.api_version));
        }
        out
    }
}

/// What a manager owns, in the version in which it wrote.
#[derive(Clone, Debug)]
pub(crate) struct Owned {
    pub(crate) set: Set,
    pub(crate) api_version: String,
    /// RFC 3339; "" when the entry has none.
    pub(crate) time: String,
}

/// All entries of an object.
#[derive(Clone, Debug, Default)]
pub(crate) struct Managed(pub(crate) BTreeMap<Manager, Owned>);

impl Managed {
    /// # Errors
    /// Entries that are not well-formed, in Kubernetes' words.
    pub(crate) fn decode(entries: &[Value]) -> Result<Self, String> {
        let mut out = BTreeMap::new();
        for (i, entry) in entries.iter().enumerate() {
            let operation = match entry.str_at(&["operation"]) {
                "Apply" => Operation::Apply,
                "Update" => Operation::Update,
                _ => return Err("operation must be `Apply` or `Update`".to_owned()),
            };
            let api_version = entry.str_at(&["apiVersion"]);
            if api_version.is_empty() {
                return Err("apiVersion must not be empty".to_owned());
            }
            match entry.str_at(&["fieldsType"]) {
                "FieldsV1" => {}
                "" => return Err(format!("missing fieldsType in managed fields entry {i}")),
                other => {
                    return Err(format!(
                        "invalid fieldsType {other:?} in managed fields entry {i}"
                    ));
                }
            }
            let manager = Manager {
                name: entry.str_at(&["manager"]).to_owned(),
                operation,
                api_version: if operation == Operation::Apply {
                    ""
                } else {
                    api_version
                }
                .to_owned(),
                subresource: entry.str_at(&["subresource"]).to_owned(),
            };
            let set = match entry.get("fieldsV1") {
                Some(v) => Set::from_value(v).map_err(|e| format!("error decoding set: {e}"))?,
                None => Set::new(),
            };
            out.insert(
                manager,
                Owned {
                    set,
                    api_version: api_version.to_owned(),
                    time: entry.str_at(&["time"]).to_owned(),
                },
            );
        }
        Ok(Self(out))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Entries sorted by operation, time, manager, version, subresource.
    fn encode(&self) -> Vec<Value> {
        let mut entries: Vec<(&Manager, &Owned)> = self.0.iter().collect();
        entries.sort_by(|(a, x), (b, y)| {
            (
                a.operation,
                &x.time,
                &a.name,
                &x.api_version,
                &a.subresource,
            )
                .cmp(&(
                    b.operation,
                    &y.time,
                    &b.name,
                    &y.api_version,
                    &b.subresource,
                ))
        });
        entries.into_iter().map(|(m, o)| entry(m, o)).collect()
    }

    /// Puts the entries into the object's metadata.
    pub(crate) fn write(&self, object: &mut Value) {
        if self.is_empty() {
            object.unset(&["metadata", "managedFields"]);
        } else {
            object.set(&["metadata", "managedFields"], self.encode());
        }
    }
}

fn entry(manager: &Manager, owned: &Owned) -> Value {
    let mut out = Map::new();
    if !manager.name.is_empty() {
        out.insert("manager", manager.name.as_str());
    }
    out.insert("operation", manager.operation.as_str());
    out.insert("apiVersion", owned.api_version.as_str());
    if !owned.time.is_empty() {
        out.insert("time", owned.time.as_str());
    }
    out.insert("fieldsType", "FieldsV1");
    out.insert("fieldsV1", owned.set.to_value());
    if !manager.subresource.is_empty() {
        out.insert("subresource", manager.subresource.as_str());
    }
    out.into()
}
