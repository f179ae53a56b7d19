//! Nodes of a schema.

use std::sync::{Arc, OnceLock};

use catena_objects::{Value, map::Key};

/// Shape of a value. Named Go types with an own JSON form are types of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// Anything (`x-kubernetes-preserve-unknown-fields` without type, RawExtension, JSON).
    Any,
    Object,
    Array,
    String,
    Boolean,
    Int32,
    Int64,
    /// `integer` of a CRD without format.
    Integer,
    Number,
    IntOrString,
    Quantity,
    /// RFC 3339, whole seconds.
    Time,
    MicroTime,
    Duration,
    /// Base64 text.
    Bytes,
    /// `managedFields[].fieldsV1`.
    FieldsV1,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ListType {
    #[default]
    Atomic,
    Set,
    Map,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MapType {
    #[default]
    Granular,
    Atomic,
}

/// `x-kubernetes-patch-strategy`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PatchStrategy {
    pub merge: bool,
    pub retain_keys: bool,
}

/// A member of an object, in the order in which Go declares it.
#[derive(Clone, Debug)]
pub struct Field {
    pub name: Key,
    pub node: NodeRef,
    /// Built-in kinds: printed even when it holds its zero value (no `omitempty`).
    pub always_printed: bool,
    pub patch: PatchStrategy,
    pub patch_merge_key: Option<Key>,
}

/// A reference to a node; nodes of recursive types are filled in after they are made.
#[derive(Clone, Debug, Default)]
pub struct NodeRef(pub Arc<OnceLock<Arc<Node>>>);

impl NodeRef {
    pub fn new(node: Node) -> Self {
        Self::from(Arc::new(node))
    }

    /// The node.
    ///
    /// # Panics
    /// When the reference was never filled in, which the builder rules out.
    pub fn get(&self) -> &Arc<Node> {
        self.0
            .get()
            .expect("schema nodes are linked by their builder")
    }
}

impl From<Arc<Node>> for NodeRef {
    fn from(node: Arc<Node>) -> Self {
        let cell = OnceLock::new();
        let _ = cell.set(node);
        Self(Arc::new(cell))
    }
}

/// One node. `Default` is an object without members.
#[derive(Clone, Debug)]
pub struct Node {
    pub ty: Type,
    /// Go type name for decode errors of built-in kinds (`v1.PodSpec`); "" for custom resources.
    pub go_type: String,
    /// Full name of the message in the facts (`k8s.io.api.core.v1.PodSpec`); "" for custom resources.
    pub message: String,
    pub fields: Vec<Field>,
    /// Schema of other members (maps).
    pub additional: Option<NodeRef>,
    pub items: Option<NodeRef>,
    pub list_type: ListType,
    pub list_map_keys: Vec<Key>,
    pub map_type: MapType,
    pub required: Vec<Key>,
    pub nullable: bool,
    pub default: Option<Value>,
    /// `x-kubernetes-preserve-unknown-fields`.
    pub preserve_unknown: bool,
    /// `x-kubernetes-embedded-resource`.
    pub embedded_resource: bool,
    /// Value validations of a custom resource.
    pub rules: Option<Box<crate::node::Rules>>,
    /// How Go reads and prints the members; built-in structs only.
    pub go: Option<Box<GoStruct>>,
}

/// What only a Go struct knows of its members.
#[derive(Clone, Debug, Default)]
pub struct GoStruct {
    /// `PodSpec`, as decode errors name it.
    pub name: &'static str,
    /// One for each of the node's fields, in the same order.
    pub members: Vec<GoMember>,
}

/// One member of a Go struct.
#[derive(Clone, Debug)]
pub struct GoMember {
    /// Absent and zero differ.
    pub pointer: bool,
    pub omit: catena_facts::Omit,
    /// Embedded structs on the way to the member, for decode errors.
    pub via: Vec<&'static str>,
}

impl Node {
    pub fn of(ty: Type) -> Self {
        Self {
            ty,
            go_type: String::new(),
            message: String::new(),
            fields: Vec::new(),
            additional: None,
            items: None,
            list_type: ListType::default(),
            list_map_keys: Vec::new(),
            map_type: MapType::default(),
            required: Vec::new(),
            nullable: false,
            default: None,
            preserve_unknown: false,
            embedded_resource: false,
            rules: None,
            go: None,
        }
    }

    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|f| f.name == name)
    }

    /// Schema of the member `name`: a declared field, else that of other members.
    pub fn member(&self, name: &str) -> Option<&Arc<Node>> {
        self.field(name)
            .map(|f| f.node.get())
            .or_else(|| self.additional.as_ref().map(NodeRef::get))
    }
}

/// A compiled pattern, or why it does not compile.
#[derive(Clone, Debug, Default)]
pub struct Compiled(pub Arc<OnceLock<Result<regex_automata::meta::Regex, String>>>);

/// JSON-schema validations of one node of a custom resource.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    pub format: String,
    pub title: String,
    pub minimum: Option<f64>,
    pub exclusive_minimum: bool,
    pub maximum: Option<f64>,
    pub exclusive_maximum: bool,
    pub multiple_of: Option<f64>,
    pub min_length: Option<i64>,
    pub max_length: Option<i64>,
    pub pattern: Option<String>,
    /// `pattern`, compiled on first use.
    pub compiled: Compiled,
    pub min_items: Option<i64>,
    pub max_items: Option<i64>,
    pub unique_items: bool,
    pub min_properties: Option<i64>,
    pub max_properties: Option<i64>,
    pub enum_values: Vec<Value>,
    pub all_of: Vec<Node>,
    pub any_of: Vec<Node>,
    pub one_of: Vec<Node>,
    pub not: Option<Node>,
    /// `x-kubernetes-validations`, as written; evaluated by the CEL crate when there is one.
    pub validations: Vec<Value>,
}
