//! What is compiled of a definition: schemas, printer columns, paths.

use std::sync::{Arc, OnceLock};

use catena_cel::rules::Validator;
use catena_objects::Value;
use catena_schema::{Node, Type, structural};

use super::{printer::Columns, scale::Scale};
use crate::{
    definition::{PRESERVE, versions},
    entry::Entry,
};

/// All versions of a definition, in its order.
pub(crate) struct Schemas {
    pub(super) versions: Vec<Compiled>,
    pub(super) storage: usize,
}

/// One version.
pub(super) struct Compiled {
    pub(super) name: String,
    /// As the definition has it.
    pub(super) structural: Arc<Node>,
    /// With the members that every object has.
    pub(super) typed: Arc<Node>,
    pub(super) embeds: bool,
    pub(super) has_rules: bool,
    /// `x-kubernetes-validations`, compiled when the first object is judged by them.
    rules: OnceLock<Option<Validator>>,
    pub(super) status: bool,
    pub(super) scale: Option<Scale>,
    pub(super) selectable: Vec<Selectable>,
    pub(super) printer: Arc<dyn catena_printers::Printer>,
}

/// A field that selectors may name.
pub(super) struct Selectable {
    pub(super) name: String,
    pub(super) path: Option<catena_jsonpath::Path>,
}

impl Schemas {
    pub(crate) fn compile(entry: &Entry, definition: &Value) -> Self {
        let preserve = definition.bool_at(&PRESERVE) == Some(true);
        let compiled = versions(definition)
            .iter()
            .map(|v| compile(v, preserve))
            .collect();
        Self {
            versions: compiled,
            storage: entry.storage(),
        }
    }

    pub(super) fn storage(&self) -> &Compiled {
        &self.versions[self.storage]
    }
}

impl Compiled {
    pub(super) fn rules(&self) -> Option<&Validator> {
        if !self.has_rules {
            return None;
        }
        let rules = self.rules.get_or_init(|| Validator::new(&self.structural));
        rules.as_ref()
    }
}

fn compile(version: &Value, preserve: bool) -> Compiled {
    let structural = node(version, preserve);
    let status = version
        .at(&["subresources", "status"])
        .is_some_and(|s| !s.is_null());
    let selectable = version
        .items_at(&["selectableFields"])
        .iter()
        .map(|f| {
            let path = f.str_at(&["jsonPath"]);
            Selectable {
                name: path.strip_prefix('.').unwrap_or(path).to_owned(),
                path: catena_jsonpath::Path::parse(path).ok(),
            }
        })
        .collect();
    Compiled {
        name: version.str_at(&["name"]).to_owned(),
        typed: Arc::new(structural::typed(&structural)),
        embeds: super::embedded::any(&structural),
        has_rules: structural::has_validations(&structural),
        rules: OnceLock::new(),
        structural: Arc::new(structural),
        status,
        scale: version.at(&["subresources", "scale"]).and_then(Scale::read),
        selectable,
        printer: Arc::new(Columns::read(version)),
    }
}

/// A version without a schema, or one that is too odd to read, takes anything.
fn node(version: &Value, preserve: bool) -> Node {
    let mut node = version
        .at(&["schema", "openAPIV3Schema"])
        .filter(|s| !s.is_null())
        .and_then(|s| structural::parse(s).ok())
        .unwrap_or_else(|| {
            let mut any = Node::of(Type::Object);
            any.preserve_unknown = true;
            any
        });
    node.preserve_unknown |= preserve;
    node
}
