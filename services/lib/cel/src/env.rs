//! What expressions can name: functions and types of Kubernetes 1.36.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, LazyLock},
};

use crate::{decl::Decl, types::Type};

/// A signature of a function: `name overload target.(arguments) result`, in the
/// order in which the checker tries them.
const FUNCTIONS: &str = include_str!("functions.txt");

/// Types that have a name of their own, besides those of the language.
const OBJECTS: [&str; 9] = [
    "kubernetes.Quantity",
    "kubernetes.URL",
    "kubernetes.Semver",
    "kubernetes.NamedFormat",
    "kubernetes.authorization.Authorizer",
    "kubernetes.authorization.PathCheck",
    "kubernetes.authorization.GroupCheck",
    "kubernetes.authorization.ResourceCheck",
    "kubernetes.authorization.Decision",
];

pub(crate) struct Overload {
    pub(crate) id: &'static str,
    pub(crate) member: bool,
    pub(crate) args: Vec<Type>,
    pub(crate) result: Type,
    pub(crate) params: Vec<Arc<str>>,
}

static TABLE: LazyLock<HashMap<&'static str, Vec<Overload>>> = LazyLock::new(|| {
    let mut out: HashMap<&str, Vec<Overload>> = HashMap::new();
    for line in FUNCTIONS.lines() {
        let (name, rest) = line.split_once(' ').unwrap_or((line, ""));
        let (id, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        out.entry(name).or_default().push(signature(id, rest));
    }
    out
});

/// The type that a name of a type stands for.
pub(crate) fn named_type(name: &str) -> Option<Type> {
    Some(match name {
        "bool" => Type::Bool,
        "bytes" => Type::Bytes,
        "double" => Type::Double,
        "google.protobuf.Duration" => Type::Duration,
        "google.protobuf.Timestamp" => Type::Timestamp,
        "int" => Type::Int,
        "uint" => Type::Uint,
        "string" => Type::String,
        "null_type" => Type::Null,
        "list" => Type::list(Type::param("A")),
        "map" => Type::map(Type::param("A"), Type::param("B")),
        "type" => Type::Type(None),
        "optional_type" => Type::optional(Type::param("V")),
        "net.IP" | "net.CIDR" => Type::Opaque(name.into(), Arc::new([])),
        _ if OBJECTS.contains(&name) => Type::Object(name.into()),
        _ => return None,
    })
}

fn signature(id: &'static str, text: &'static str) -> Overload {
    let mut reader = Reader {
        rest: text,
        params: Vec::new(),
    };
    let mut args = Vec::new();
    let member = !reader.rest.starts_with('(');
    if member {
        args.push(reader.ty());
        reader.skip(".");
    }
    reader.skip("(");
    while !reader.skip(")") {
        args.push(reader.ty());
        reader.skip(", ");
    }
    reader.skip(" ");
    let result = reader.ty();
    Overload {
        id,
        member,
        args,
        result,
        params: reader.params,
    }
}

struct Reader {
    rest: &'static str,
    params: Vec<Arc<str>>,
}

impl Reader {
    fn skip(&mut self, text: &str) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn ty(&mut self) -> Type {
        // Names have dots; the dot before the arguments of a method ends one.
        let end = self
            .rest
            .find(['(', ')', ',', ' '])
            .unwrap_or(self.rest.len());
        let name = &self.rest[..end];
        let name = name.strip_suffix('.').unwrap_or(name);
        self.rest = &self.rest[name.len()..];
        match name {
            "list" => Type::list(self.inner()),
            "optional_type" => Type::optional(self.inner()),
            "map" => {
                self.skip("(");
                let key = self.ty();
                self.skip(", ");
                let value = self.ty();
                self.skip(")");
                Type::map(key, value)
            }
            "type" => Type::Type(Some(Arc::new(self.inner()))),
            "dyn" => Type::Dyn,
            "null" => Type::Null,
            "duration" => Type::Duration,
            "timestamp" => Type::Timestamp,
            _ if name.len() == 1 => {
                let name: Arc<str> = name.into();
                if !self.params.contains(&name) {
                    self.params.push(name.clone());
                }
                Type::Param(name)
            }
            _ => named_type(name).unwrap_or(Type::Dyn),
        }
    }

    fn inner(&mut self) -> Type {
        self.skip("(");
        let inner = self.ty();
        self.skip(")");
        inner
    }
}

/// The type of an operation of a JSON patch.
const PATCH: &str = "JSONPatch";
/// The only function of this library.
const ESCAPE_KEY: &str = "jsonpatch.escapeKey";

/// Variables of an expression, and the types that they have.
#[derive(Clone, Default)]
pub struct Env {
    pub(crate) variables: Vec<(String, Type)>,
    /// Object types by their name, with their fields by the names that
    /// expressions have for them.
    pub(crate) objects: BTreeMap<Arc<str>, BTreeMap<String, Type>>,
    /// Expressions may bind values to names (`cel.bind`).
    pub(crate) bindings: bool,
    /// Expressions may make objects and JSON patches.
    patches: bool,
}

impl Env {
    /// An environment of functions alone.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a variable. Values are given in the order of these calls.
    #[must_use]
    pub fn with(mut self, name: &str, ty: Type) -> Self {
        self.variables.push((name.to_owned(), ty));
        self
    }

    /// Adds a variable with the type of a schema; its object types are called
    /// `root` and what is below.
    #[must_use]
    pub fn with_decl(mut self, name: &str, decl: &Decl, root: &str) -> Self {
        let ty = self.declare(decl, root);
        self.with(name, ty)
    }

    /// The type of a schema, whose object types become known.
    pub fn declare(&mut self, decl: &Decl, name: &str) -> Type {
        decl.ty(name, &mut self.objects)
    }

    /// An object type by hand: fields and their types.
    #[must_use]
    pub fn with_object(mut self, name: &str, fields: &[(&str, Type)]) -> Self {
        let fields = fields.iter().map(|(n, t)| ((*n).to_owned(), t.clone()));
        self.objects.insert(name.into(), fields.collect());
        self
    }

    /// Lets expressions bind values to names (`cel.bind`).
    #[must_use]
    pub fn with_bindings(mut self) -> Self {
        self.bindings = true;
        self
    }

    /// Lets expressions make objects (`Object{}`, `Object.spec{}`, ...), whose
    /// members nobody checks, and operations of JSON patches
    /// (`apiserver/pkg/cel/mutation`).
    #[must_use]
    pub fn with_patches(mut self) -> Self {
        self.patches = true;
        self
    }

    /// The overloads of a function.
    pub(crate) fn function(&self, name: &str) -> Option<&'static [Overload]> {
        if name == ESCAPE_KEY && !self.patches {
            return None;
        }
        TABLE.get(name).map(Vec::as_slice)
    }

    /// Whether a name is that of a type with members.
    pub(crate) fn has_object(&self, name: &str) -> bool {
        self.objects.contains_key(name) || self.patches && (name == PATCH || is_made(name))
    }

    /// Whether a type is that of an operation of a JSON patch.
    pub(crate) fn is_patch(&self, ty: &Type) -> bool {
        self.patches && matches!(ty, Type::Object(name) if &**name == PATCH)
    }

    /// The type of a member.
    pub(crate) fn member(&self, object: &str, name: &str) -> Option<Type> {
        if let Some(fields) = self.objects.get(object) {
            return fields.get(name).cloned();
        }
        match (object, name) {
            _ if !self.patches => None,
            (PATCH, "op" | "path" | "from") => Some(Type::String),
            (PATCH, "value") => Some(Type::Dyn),
            _ => is_made(object).then_some(Type::Dyn),
        }
    }

    pub(crate) fn variable(&self, name: &str) -> Option<(usize, &Type)> {
        let at = self.variables.iter().rposition(|(n, _)| n == name)?;
        Some((at, &self.variables[at].1))
    }
}

/// Whether a name is that of a part of an object that an expression makes.
fn is_made(name: &str) -> bool {
    let rest = name.strip_prefix("Object");
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}
