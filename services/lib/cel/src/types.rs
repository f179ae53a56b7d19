//! Types of expressions, and which can stand for which (`cel-go`'s checker).

use std::{fmt, sync::Arc};

#[derive(Clone, Debug, PartialEq)]
pub enum Type {
    Dyn,
    /// A message of any kind: as `Dyn`, under a name of its own.
    Any,
    Error,
    Null,
    Bool,
    Int,
    Uint,
    Double,
    String,
    Bytes,
    Duration,
    Timestamp,
    List(Arc<Type>),
    Map(Arc<Type>, Arc<Type>),
    /// The type of types; what it is the type of, where that is known.
    Type(Option<Arc<Type>>),
    /// A parameter of a function's signature, or a type that is not known yet.
    Param(Arc<str>),
    /// `optional_type(V)`, `net.IP`, ...
    Opaque(Arc<str>, Arc<[Type]>),
    /// A type with fields.
    Object(Arc<str>),
}

impl Type {
    pub fn list(of: Type) -> Self {
        Self::List(Arc::new(of))
    }

    pub fn map(key: Type, value: Type) -> Self {
        Self::Map(Arc::new(key), Arc::new(value))
    }

    pub fn optional(of: Type) -> Self {
        Self::Opaque("optional_type".into(), Arc::new([of]))
    }

    pub(crate) fn param(name: &str) -> Self {
        Self::Param(name.into())
    }

    /// What an optional holds.
    pub(crate) fn unwrapped(&self) -> Option<&Type> {
        match self {
            Self::Opaque(name, params) if &**name == "optional_type" => params.first(),
            _ => None,
        }
    }

    pub(crate) fn is_dyn(&self) -> bool {
        matches!(self, Self::Dyn | Self::Any)
    }

    pub(crate) fn is_dyn_or_error(&self) -> bool {
        matches!(self, Self::Dyn | Self::Any | Self::Error)
    }

    /// The name that `type(x)` has at run time.
    pub(crate) fn runtime_name(&self) -> &str {
        match self {
            Self::Dyn => "dyn",
            Self::Any => "google.protobuf.Any",
            Self::Error => "error",
            Self::Null => "null_type",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Uint => "uint",
            Self::Double => "double",
            Self::String => "string",
            Self::Bytes => "bytes",
            Self::Duration => "google.protobuf.Duration",
            Self::Timestamp => "google.protobuf.Timestamp",
            Self::List(_) => "list",
            Self::Map(..) => "map",
            Self::Type(_) => "type",
            Self::Param(name) | Self::Opaque(name, _) | Self::Object(name) => name,
        }
    }
}

impl Type {
    /// As it is declared, which is how others than the checker name it.
    pub fn declared(&self) -> String {
        let all = |params: &[Type]| {
            let params: Vec<String> = params.iter().map(Type::declared).collect();
            format!("{}({})", self.runtime_name(), params.join(", "))
        };
        match self {
            Self::List(of) => format!("list({})", of.declared()),
            Self::Map(key, value) => format!("map({}, {})", key.declared(), value.declared()),
            Self::Type(Some(of)) => format!("type({})", of.declared()),
            Self::Opaque(_, params) if !params.is_empty() => all(params),
            other => other.runtime_name().to_owned(),
        }
    }
}

/// As errors of the checker name it.
impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::Error => f.write_str("!error!"),
            Self::Null => f.write_str("null"),
            Self::Duration => f.write_str("duration"),
            Self::Timestamp => f.write_str("timestamp"),
            Self::List(of) => write!(f, "list({of})"),
            Self::Map(key, value) => write!(f, "map({key}, {value})"),
            Self::Type(Some(of)) => write!(f, "type({of})"),
            Self::Opaque(name, params) if !params.is_empty() => {
                write!(f, "{name}(")?;
                for (i, p) in params.iter().enumerate() {
                    write!(f, "{}{p}", if i > 0 { ", " } else { "" })?;
                }
                f.write_str(")")
            }
            other => f.write_str(other.runtime_name()),
        }
    }
}

/// What type parameters stand for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mapping(Vec<(Arc<str>, Type)>);

impl Mapping {
    pub(crate) fn add(&mut self, name: Arc<str>, ty: Type) {
        match self.0.iter_mut().find(|(n, _)| *n == name) {
            Some((_, old)) => *old = ty,
            None => self.0.push((name, ty)),
        }
    }

    fn find(&self, ty: &Type) -> Option<&Type> {
        let Type::Param(name) = ty else { return None };
        self.0.iter().find(|(n, _)| n == name).map(|(_, t)| t)
    }

    /// The type with parameters replaced; `to_dyn` replaces also those that
    /// stand for nothing.
    pub(crate) fn substitute(&self, ty: &Type, to_dyn: bool) -> Type {
        if let Some(found) = self.find(ty) {
            return self.substitute(found, to_dyn);
        }
        let sub = |t: &Type| self.substitute(t, to_dyn);
        match ty {
            Type::Param(_) if to_dyn => Type::Dyn,
            Type::List(of) => Type::list(sub(of)),
            Type::Map(key, value) => Type::map(sub(key), sub(value)),
            Type::Type(Some(of)) => Type::Type(Some(Arc::new(sub(of)))),
            Type::Opaque(name, params) if !params.is_empty() => {
                Type::Opaque(name.clone(), params.iter().map(sub).collect())
            }
            other => other.clone(),
        }
    }

    /// Whether all of `given` can be used as `wanted`; parameters are bound then.
    pub(crate) fn assignable_all(&mut self, given: &[Type], wanted: &[Type]) -> bool {
        let mut copy = self.clone();
        if copy.all(given, wanted) {
            *self = copy;
            return true;
        }
        false
    }

    pub(crate) fn assignable(&mut self, given: &Type, wanted: &Type) -> bool {
        let mut copy = self.clone();
        if copy.unify(given, wanted) {
            *self = copy;
            return true;
        }
        false
    }

    fn all(&mut self, given: &[Type], wanted: &[Type]) -> bool {
        given.len() == wanted.len() && given.iter().zip(wanted).all(|(a, b)| self.unify(a, b))
    }

    fn unify(&mut self, a: &Type, b: &Type) -> bool {
        if let Type::Param(name) = b {
            let (valid, bound) = self.bind(a, b, name);
            if valid || bound {
                return valid;
            }
        }
        if let Type::Param(name) = a {
            return self.bind(b, a, name).0;
        }
        match (a, b) {
            (a, b) if a.is_dyn_or_error() || b.is_dyn_or_error() => true,
            (Type::Null, t) | (t, Type::Null) => matches!(
                t,
                Type::Null | Type::Opaque(..) | Type::Object(_) | Type::Duration | Type::Timestamp
            ),
            (Type::Type(_), Type::Type(_)) => true,
            (Type::List(a), Type::List(b)) => self.unify(a, b),
            (Type::Map(ak, av), Type::Map(bk, bv)) => self.unify(ak, bk) && self.unify(av, bv),
            (Type::Opaque(a, ap), Type::Opaque(b, bp)) => a == b && self.all(ap, bp),
            (a, b) => a == b,
        }
    }

    /// Lets `param` stand for `ty`. Whether that is possible, and whether the
    /// parameter stood for something before.
    fn bind(&mut self, ty: &Type, param: &Type, name: &Arc<str>) -> (bool, bool) {
        if ty == param {
            return (true, true);
        }
        if let Some(before) = self.find(param).cloned() {
            if *ty == before {
                return (true, true);
            }
            if self.unify(ty, &before) {
                let general = most_general(ty, &before);
                if self.free_of(param, &general) {
                    self.add(name.clone(), general);
                }
                return (true, true);
            }
            return (false, true);
        }
        if self.free_of(param, ty) {
            self.add(name.clone(), ty.clone());
            return (true, false);
        }
        (false, false)
    }

    /// Whether `param` does not occur within `ty`.
    fn free_of(&self, param: &Type, ty: &Type) -> bool {
        if param == ty {
            return false;
        }
        match ty {
            Type::Param(_) => self.find(ty).is_none_or(|t| self.free_of(param, t)),
            Type::List(of) | Type::Type(Some(of)) => self.free_of(param, of),
            Type::Map(k, v) => self.free_of(param, k) && self.free_of(param, v),
            Type::Opaque(_, params) => params.iter().all(|p| self.free_of(param, p)),
            _ => true,
        }
    }
}

/// The one of two compatible types that says less.
pub(crate) fn most_general(a: &Type, b: &Type) -> Type {
    if less_specific(a, b) { a } else { b }.clone()
}

fn less_specific(a: &Type, b: &Type) -> bool {
    let open = |t: &Type| t.is_dyn() || matches!(t, Type::Param(_));
    if open(a) || open(b) {
        return open(a);
    }
    match (a, b) {
        (Type::Opaque(an, ap), Type::Opaque(bn, bp)) => {
            an == bn
                && ap.len() == bp.len()
                && ap.iter().zip(bp.iter()).all(|(a, b)| less_specific(a, b))
        }
        (Type::List(a), Type::List(b)) => less_specific(a, b),
        (Type::Map(ak, av), Type::Map(bk, bv)) => less_specific(ak, bk) && less_specific(av, bv),
        (Type::Type(_), Type::Type(_)) => true,
        (a, b) => a == b,
    }
}
