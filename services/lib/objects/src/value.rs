//! The value tree.

use std::sync::Arc;

use compact_str::CompactString;

use crate::Map;

/// A JSON value. Integers and floats are kept apart as Go keeps them:
/// a number without fraction or exponent that fits `i64` is an `Int`.
#[derive(Clone, Debug, Default)]
pub enum Value {
    #[default]
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    String(CompactString),
    Array(Arc<Vec<Value>>),
    Object(Arc<Map>),
}

impl Value {
    pub fn object() -> Self {
        Self::Object(Arc::new(Map::new()))
    }

    pub fn array() -> Self {
        Self::Array(Arc::new(Vec::new()))
    }

    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(b) => Some(*b),
            _ => None,
        }
    }

    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Int(i) => Some(*i),
            _ => None,
        }
    }

    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Int(i) => Some(*i as f64),
            Self::Float(f) => Some(*f),
            _ => None,
        }
    }

    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(s) => Some(s),
            _ => None,
        }
    }

    pub fn as_array(&self) -> Option<&[Value]> {
        match self {
            Self::Array(a) => Some(a),
            _ => None,
        }
    }

    pub fn as_object(&self) -> Option<&Map> {
        match self {
            Self::Object(m) => Some(m),
            _ => None,
        }
    }

    /// The members for change; copies this node if it is shared.
    pub fn as_array_mut(&mut self) -> Option<&mut Vec<Value>> {
        match self {
            Self::Array(a) => Some(Arc::make_mut(a)),
            _ => None,
        }
    }

    /// The members for change; copies this node if it is shared.
    pub fn as_object_mut(&mut self) -> Option<&mut Map> {
        match self {
            Self::Object(m) => Some(Arc::make_mut(m)),
            _ => None,
        }
    }

    /// The member `key` of an object.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.as_object()?.get(key)
    }

    /// The value at a path of member names.
    pub fn at(&self, path: &[&str]) -> Option<&Value> {
        path.iter().try_fold(self, |v, key| v.get(key))
    }

    /// The string at a path; absent and other types read as "".
    pub fn str_at(&self, path: &[&str]) -> &str {
        self.at(path).and_then(Value::as_str).unwrap_or_default()
    }

    /// The integer at a path.
    pub fn i64_at(&self, path: &[&str]) -> Option<i64> {
        self.at(path)?.as_i64()
    }

    /// The boolean at a path.
    pub fn bool_at(&self, path: &[&str]) -> Option<bool> {
        self.at(path)?.as_bool()
    }

    /// The items at a path; absent and other types read as none.
    pub fn items_at(&self, path: &[&str]) -> &[Value] {
        self.at(path).and_then(Value::as_array).unwrap_or_default()
    }

    /// The value at a path for change; `None` where a step is absent.
    pub fn at_mut(&mut self, path: &[&str]) -> Option<&mut Value> {
        path.iter()
            .try_fold(self, |v, key| v.as_object_mut()?.get_mut(key))
    }

    /// Sets the value at a path. Steps that are absent or not objects become objects.
    pub fn set(&mut self, path: &[&str], value: impl Into<Value>) {
        let Some((last, parents)) = path.split_last() else {
            *self = value.into();
            return;
        };
        let mut node = self;
        for key in parents {
            node = node.force_object().entry_or(key, Value::object);
        }
        node.force_object().insert(*last, value);
    }

    /// Sets the value at a path unless something other than null is there.
    pub fn set_default(&mut self, path: &[&str], value: impl Into<Value>) {
        if self.at(path).is_none_or(Value::is_null) {
            self.set(path, value);
        }
    }

    /// Removes the value at a path.
    pub fn unset(&mut self, path: &[&str]) -> Option<Value> {
        let (last, parents) = path.split_last()?;
        self.at(parents)?.get(last)?;
        self.at_mut(parents)?.as_object_mut()?.remove(last)
    }

    fn force_object(&mut self) -> &mut Map {
        if !matches!(self, Self::Object(_)) {
            *self = Self::object();
        }
        match self {
            Self::Object(m) => Arc::make_mut(m),
            _ => unreachable!("made an object above"),
        }
    }

    /// Go's name of the JSON type, as its decoder puts it into messages.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Int(_) => "integer",
            Self::Float(_) => "number",
            Self::String(_) => "string",
            Self::Array(_) => "array",
            Self::Object(_) => "object",
        }
    }
}

/// `1` and `1.0` are the same number.
impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Float(a), Self::Float(b)) => a == b,
            (Self::Int(a), Self::Float(b)) | (Self::Float(b), Self::Int(a)) => *a as f64 == *b,
            (Self::String(a), Self::String(b)) => a == b,
            (Self::Array(a), Self::Array(b)) => Arc::ptr_eq(a, b) || a == b,
            (Self::Object(a), Self::Object(b)) => Arc::ptr_eq(a, b) || a == b,
            _ => false,
        }
    }
}

macro_rules! from {
    ($($t:ty, $v:ident => $e:expr;)*) => {$(
        impl From<$t> for Value {
            fn from($v: $t) -> Self {
                $e
            }
        }
    )*};
}

from! {
    bool, v => Self::Bool(v);
    i64, v => Self::Int(v);
    i32, v => Self::Int(v.into());
    u32, v => Self::Int(v.into());
    u16, v => Self::Int(v.into());
    f64, v => Self::Float(v);
    &str, v => Self::String(v.into());
    String, v => Self::String(v.into());
    CompactString, v => Self::String(v);
    Vec<Value>, v => Self::Array(Arc::new(v));
    Map, v => Self::Object(Arc::new(v));
}

/// Builds a [`Value`] with JSON syntax: `obj!({"a": 1, "b": [x, {"c": null}]})`.
/// Expressions of several tokens stand in parentheses.
#[macro_export]
macro_rules! obj {
    (null) => { $crate::Value::Null };
    ([ $($v:tt),* $(,)? ]) => { $crate::Value::from(vec![ $($crate::obj!($v)),* ]) };
    ({ $($k:tt : $v:tt),* $(,)? }) => {{
        #[allow(unused_mut)]
        let mut m = $crate::Map::new();
        $( m.insert($k, $crate::obj!($v)); )*
        $crate::Value::from(m)
    }};
    ($e:expr) => { $crate::Value::from($e) };
}
