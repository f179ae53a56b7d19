//! Schemas as expressions see them: what can be named, and how large it can be
//! (`apiserver/pkg/cel`'s `DeclType` and `SchemaDeclType`).

use std::{collections::BTreeMap, sync::Arc};

use catena_objects::Value;
use catena_schema::node::{ListType, Node, NodeRef, Rules, Type as Schema};

use crate::{escape::escape, types::Type};

/// Bytes of a request, the bound of everything that has none.
pub(crate) const MAX_REQUEST: u64 = 3 * 1024 * 1024;

/// A schema of a value.
#[derive(Clone, Debug)]
pub struct Decl {
    pub(crate) kind: Kind,
    pub(crate) nullable: bool,
    /// Most characters, bytes, items or members that a value can have.
    pub(crate) max: u64,
    /// Bytes of the smallest value in JSON.
    pub(crate) min_size: u64,
    /// Of a map: most characters of a key.
    pub(crate) keys: u64,
    /// Of a map: a value that is selected by name is bounded as the values are.
    pub(crate) members: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// What expressions cannot look into.
    Hidden,
    IntOrString,
    Bool,
    Int,
    Double,
    String,
    Bytes,
    Duration,
    Date,
    DateTime,
    List {
        item: Arc<Decl>,
        order: ListType,
        keys: Vec<String>,
    },
    Map(Arc<Decl>),
    /// Members by the names that objects have for them.
    Object(BTreeMap<String, Arc<Decl>>),
}

impl Decl {
    pub(crate) fn new(kind: Kind, max: u64, min_size: u64) -> Self {
        Self {
            kind,
            nullable: false,
            max,
            min_size,
            keys: 0,
            members: false,
        }
    }

    /// Whether expressions can name values of it.
    pub fn visible(&self) -> bool {
        match &self.kind {
            Kind::Hidden => false,
            Kind::List { item, .. } => item.visible(),
            Kind::Map(value) => value.visible(),
            _ => true,
        }
    }

    /// The schema of a node. `resource`: `apiVersion`, `kind` and the names of
    /// `metadata` are there whether the schema has them or not.
    pub fn of(node: &Node, resource: bool) -> Self {
        let mut decl = read(node, resource);
        decl.nullable = node.nullable;
        decl
    }

    pub fn field(&self, name: &str) -> Option<&Arc<Decl>> {
        match &self.kind {
            Kind::Object(fields) => fields.get(name),
            _ => None,
        }
    }

    /// Schema of items, or of the values of a map.
    pub fn element(&self) -> Option<&Arc<Decl>> {
        match &self.kind {
            Kind::List { item, .. } => Some(item),
            Kind::Map(value) => Some(value),
            _ => None,
        }
    }

    /// How often data of this schema can be in one request.
    pub fn cardinality(&self) -> u64 {
        MAX_REQUEST / (self.min_size + 1)
    }

    pub(crate) fn ty(
        &self,
        name: &str,
        objects: &mut BTreeMap<Arc<str>, BTreeMap<String, Type>>,
    ) -> Type {
        match &self.kind {
            Kind::Hidden | Kind::IntOrString => Type::Dyn,
            Kind::Bool => Type::Bool,
            Kind::Int => Type::Int,
            Kind::Double => Type::Double,
            Kind::String => Type::String,
            Kind::Bytes => Type::Bytes,
            Kind::Duration => Type::Duration,
            Kind::Date | Kind::DateTime => Type::Timestamp,
            Kind::List { item, .. } => Type::list(item.ty(&format!("{name}.@idx"), objects)),
            Kind::Map(value) => {
                Type::map(Type::String, value.ty(&format!("{name}.@elem"), objects))
            }
            Kind::Object(members) => {
                let mut fields = BTreeMap::new();
                for (field, decl) in members.iter().filter(|(_, d)| d.visible()) {
                    if let Some(escaped) = escape(field) {
                        let ty = decl.ty(&format!("{name}.{escaped}"), objects);
                        fields.insert(escaped, ty);
                    }
                }
                objects.insert(name.into(), fields);
                Type::Object(name.into())
            }
        }
    }
}

fn read(node: &Node, resource: bool) -> Decl {
    let rules = node.rules.as_deref();
    match node.ty {
        Schema::IntOrString => {
            let max = rules
                .and_then(|r| r.max_length)
                .map_or(MAX_REQUEST - 2, utf8);
            Decl::new(Kind::IntOrString, max, 1)
        }
        Schema::Array => list(node, rules),
        Schema::Object => object(node, rules, resource),
        Schema::Boolean => Decl::new(Kind::Bool, 0, 4),
        Schema::Number => Decl::new(Kind::Double, 0, 1),
        Schema::Int32 | Schema::Int64 | Schema::Integer => Decl::new(Kind::Int, 0, 1),
        Schema::Any | Schema::FieldsV1 => Decl::new(Kind::Hidden, 0, 1),
        _ => string(rules),
    }
}

fn utf8(length: i64) -> u64 {
    length.max(0) as u64 * 4
}

fn string(rules: Option<&Rules>) -> Decl {
    let length = rules.and_then(|r| r.max_length);
    match rules.map_or("", |r| r.format.as_str()) {
        "byte" => {
            let max = length.map_or(MAX_REQUEST - 2, |n| n.max(0) as u64);
            Decl::new(Kind::Bytes, max, 2)
        }
        "duration" => Decl::new(Kind::Duration, 32, 3),
        "date" => Decl::new(Kind::Date, 12, 12),
        "date-time" => Decl::new(Kind::DateTime, 32, 21),
        _ => {
            let values = rules.map_or(&[][..], |r| r.enum_values.as_slice());
            let longest = values.iter().filter_map(Value::as_str).map(str::len).max();
            let max = match length {
                Some(n) => utf8(n),
                None if values.is_empty() => MAX_REQUEST - 2,
                None => longest.unwrap_or_default() as u64,
            };
            Decl::new(Kind::String, max, 2)
        }
    }
}

fn list(node: &Node, rules: Option<&Rules>) -> Decl {
    let Some(items) = node.items.as_ref().map(NodeRef::get) else {
        return Decl::new(Kind::Hidden, 0, 1);
    };
    let item = Decl::of(items, items.embedded_resource);
    let max = rules
        .and_then(|r| r.max_items)
        .map_or((MAX_REQUEST - 2) / (item.min_size + 1), |n| n.max(0) as u64);
    let kind = Kind::List {
        item: Arc::new(item),
        order: node.list_type,
        keys: node.list_map_keys.iter().map(ToString::to_string).collect(),
    };
    Decl::new(kind, max, 2)
}

fn object(node: &Node, rules: Option<&Rules>, resource: bool) -> Decl {
    if let Some(values) = node.additional.as_ref().map(NodeRef::get) {
        let value = Decl::of(values, values.embedded_resource);
        let max = rules
            .and_then(|r| r.max_properties)
            .map_or((MAX_REQUEST - 2) / (value.min_size + 6), |n| {
                n.max(0) as u64
            });
        return Decl::new(Kind::Map(Arc::new(value)), max, 2);
    }
    let mut members = BTreeMap::new();
    let mut min_size = 2;
    for field in &node.fields {
        let child = field.node.get();
        let decl = Decl::of(child, child.embedded_resource);
        if decl.visible() && node.required.contains(&field.name) && child.default.is_none() {
            min_size += field.name.len() as u64 + decl.min_size + 4;
        }
        members.insert(field.name.to_string(), Arc::new(decl));
    }
    if resource {
        add_meta(node, &mut members);
    }
    Decl::new(Kind::Object(members), 0, min_size)
}

/// What every resource has.
fn add_meta(node: &Node, members: &mut BTreeMap<String, Arc<Decl>>) {
    let is = |n: Option<&Node>, ty: Schema| n.is_some_and(|n| n.ty == ty);
    let field = |n: &Node, name: &str| n.field(name).map(|f| f.node.get().clone());
    let metadata = field(node, "metadata");
    let named = |name: &str| {
        let child = metadata.as_deref().and_then(|m| field(m, name));
        is(child.as_deref(), Schema::String)
    };
    let complete = is(field(node, "kind").as_deref(), Schema::String)
        && is(field(node, "apiVersion").as_deref(), Schema::String)
        && is(metadata.as_deref(), Schema::Object)
        && named("name")
        && named("generateName");
    if complete {
        return;
    }
    let text = || Arc::new(string(None));
    members.insert("kind".to_owned(), text());
    members.insert("apiVersion".to_owned(), text());
    let names = ["name", "generateName"].map(|n| (n.to_owned(), text()));
    let metadata = Decl::new(Kind::Object(BTreeMap::from(names)), 0, 2);
    members.insert("metadata".to_owned(), Arc::new(metadata));
}
