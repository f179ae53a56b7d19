//! Message types, from `data/types.txt`: a line a message, sorted by name.

use std::{
    collections::HashMap,
    sync::{LazyLock, OnceLock},
};

mod parse;

static TEXT: &str = include_str!("../data/types.txt");

/// Group, version and kind; the group of core kinds is "".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Gvk {
    pub group: &'static str,
    pub version: &'static str,
    pub kind: &'static str,
}

/// What the Go type behind a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    Struct,
    /// A struct that inlines `TypeMeta`: `kind` and `apiVersion` come first in JSON.
    Object,
    /// A named list of strings (`ExtraValue`, `Verbs`); one repeated field `items` in protobuf.
    StringList,
    /// Any other named type.
    Named,
}

/// One message.
#[derive(Debug)]
pub struct Message {
    /// Full name: `k8s.io.api.core.v1.Pod`.
    pub name: &'static str,
    /// As Go prints the type: `v1.Pod`.
    pub go_type: &'static str,
    pub shape: Shape,
    /// `atomic` or "".
    pub map_type: &'static str,
    /// Kinds that this message is (several for options and lists of options).
    pub gvk: Vec<Gvk>,
    /// In Go's declaration order.
    pub fields: Vec<Field>,
    /// Indices of `fields` by ascending tag: the order on the wire.
    pub wire_order: Vec<u16>,
}

impl Message {
    pub fn field(&self, proto: &str) -> Option<&Field> {
        self.fields.iter().find(|f| f.name == proto)
    }

    /// The type name without package: `Pod`.
    pub fn short_name(&self) -> &'static str {
        self.name.rsplit('.').next().unwrap_or(self.name)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scalar {
    String,
    Bytes,
    Bool,
    Int32,
    Int64,
    Double,
}

/// Protobuf type of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ty {
    Scalar(Scalar),
    Message(&'static str),
    /// `map<string, …>` of scalars.
    ScalarMap(Scalar),
    /// `map<string, …>` of messages.
    MessageMap(&'static str),
}

/// When Go leaves a member out of JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Omit {
    /// Never: the zero value is printed.
    Never,
    /// `omitempty`: not for structs.
    Empty,
    /// `omitzero`: structs too.
    Zero,
}

/// One field of a message.
#[derive(Debug)]
pub struct Field {
    /// Protobuf name.
    pub name: &'static str,
    /// JSON name; `None` for inlined structs and for fields without JSON.
    pub json: Option<&'static str>,
    pub tag: u32,
    pub ty: Ty,
    pub repeated: bool,
    pub required: bool,
    pub optional: bool,
    /// Embedded struct whose members are members of the parent in JSON.
    pub inline: bool,
    /// The Go field is a pointer: absent and zero differ.
    pub pointer: bool,
    pub omit: Omit,
    /// As Go prints the type, without the `*` of a pointer: `[]v1.Container`.
    pub go_type: &'static str,
    /// JSON text.
    pub default: Option<&'static str>,
    /// `atomic`, `set`, `map` or "".
    pub list_type: &'static str,
    pub list_map_keys: Vec<&'static str>,
    /// `atomic`, `granular` or "" (of maps, and of structs where the field overrides).
    pub map_type: &'static str,
    pub patch_merge_key: &'static str,
    /// `merge`, `retainKeys`, `merge,retainKeys`, `replace` or "".
    pub patch_strategy: &'static str,
    pub feature_gate: &'static str,
    pub union_discriminator: bool,
    /// Declared validation markers, a JSON array of texts; "" for none.
    pub validation: &'static str,
}

struct Entry {
    name: &'static str,
    line: &'static str,
    message: OnceLock<Message>,
}

/// Every message of the API.
pub struct Types {
    entries: Vec<Entry>,
    /// By kind: the few groups and versions that have it.
    kinds: OnceLock<HashMap<&'static str, Vec<(Gvk, &'static str)>>>,
}

/// The messages.
pub fn types() -> &'static Types {
    static TYPES: LazyLock<Types> = LazyLock::new(Types::load);
    &TYPES
}

impl Types {
    fn load() -> Self {
        let entries = TEXT
            .lines()
            .filter_map(|line| {
                let (name, _) = line.split_once('\t')?;
                Some(Entry {
                    name,
                    line,
                    message: OnceLock::new(),
                })
            })
            .collect();
        Self {
            entries,
            kinds: OnceLock::new(),
        }
    }

    /// The message with this full name.
    pub fn get(&'static self, name: &str) -> Option<&'static Message> {
        let at = self.entries.binary_search_by(|e| e.name.cmp(name)).ok()?;
        let entry = &self.entries[at];
        Some(entry.message.get_or_init(|| parse::message(entry.line)))
    }

    /// The message of a kind: one that is served or its list, one that is only
    /// stored or was served once, options and other kinds of every group.
    pub fn by_gvk(
        &'static self,
        group: &str,
        version: &str,
        kind: &str,
    ) -> Option<&'static Message> {
        let kinds = self.kinds.get_or_init(|| {
            let mut kinds: HashMap<_, Vec<_>> = HashMap::new();
            for e in &self.entries {
                for gvk in parse::gvks(e.line) {
                    kinds.entry(gvk.kind).or_default().push((gvk, e.name));
                }
            }
            kinds
        });
        let served = kinds.get(kind).and_then(|named| {
            named
                .iter()
                .find(|(g, _)| g.group == group && g.version == version)
        });
        match served {
            Some((_, name)) => self.get(name),
            None => self.unserved(group, version, kind),
        }
    }

    fn unserved(&'static self, group: &str, version: &str, kind: &str) -> Option<&'static Message> {
        const META: &str = "k8s.io.apimachinery.pkg.apis.meta";
        let label = group.split('.').next().unwrap_or_default();
        let package = match group {
            "" => "k8s.io.api.core".to_owned(),
            "meta.k8s.io" => META.to_owned(),
            "internal.apiserver.k8s.io" => "k8s.io.api.apiserverinternal".to_owned(),
            "audit.k8s.io" => "k8s.io.apiserver.pkg.apis.audit".to_owned(),
            "apiextensions.k8s.io" => {
                "k8s.io.apiextensions_apiserver.pkg.apis.apiextensions".to_owned()
            }
            "apiregistration.k8s.io" => {
                "k8s.io.kube_aggregator.pkg.apis.apiregistration".to_owned()
            }
            _ => format!("k8s.io.api.{label}"),
        };
        let own = self.get(&format!("{package}.{version}.{kind}"));
        own.filter(|m| m.shape == Shape::Object).or_else(|| {
            self.get(&format!("{META}.v1.{kind}"))
                .filter(|m| m.shape == Shape::Object)
        })
    }

    /// Full names of all messages, sorted.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.entries.iter().map(|e| e.name)
    }
}
