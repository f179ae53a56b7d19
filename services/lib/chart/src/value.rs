//! Values of templates: those of Go that charts see.

mod drop;
mod native;
mod tree;

use std::{
    cell::{Ref, RefCell},
    collections::BTreeMap,
    rc::Rc,
    sync::Arc,
};

pub(crate) use native::{Files, Native};

/// A value with its type. Maps are shared by reference, as Go's are: what one
/// template sets, others see. Lists never change.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// Nothing at all: what a pipeline makes of nil. It has no fields, and asking
    /// for them is no error.
    Missing,
    /// A nil in a map, a list or a variable of any type; asking for its fields is an error.
    Nil,
    Bool(bool),
    Int(i64),
    Int64(i64),
    /// `uint8`, what indexing a string gives.
    Byte(u8),
    Float(f64),
    Text(Arc<str>),
    List(Rc<List>),
    Map(Rc<Map>),
    Native(Native),
}

pub(crate) type Members = BTreeMap<Arc<str>, Value>;

#[derive(Debug)]
pub(crate) struct List {
    pub(crate) items: Vec<Value>,
    pub(crate) of: Of,
    /// A slice that was never made: JSON says null.
    pub(crate) nil: bool,
}

/// Types of elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Of {
    Any,
    Text,
    Int,
    Lists,
}

#[derive(Debug)]
pub(crate) struct Map {
    members: RefCell<Members>,
    pub(crate) of: MapOf,
}

/// Types of maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MapOf {
    Any,
    /// `chartutil.Values`.
    Values,
    /// `map[string]string`: what is missing is "".
    Text,
    /// A map that was never made: nothing can be set in it.
    Nil,
}

impl Map {
    /// A map that was never made.
    pub(crate) fn nil() -> Rc<Self> {
        Rc::new(Self {
            members: RefCell::default(),
            of: MapOf::Nil,
        })
    }

    pub(crate) fn members(&self) -> Ref<'_, Members> {
        self.members.borrow()
    }

    pub(crate) fn get(&self, key: &str) -> Option<Value> {
        self.members.borrow().get(key).cloned()
    }

    /// Only through [`crate::session::Session`], which frees maps that hold themselves.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut Members) -> T) -> T {
        change(&mut self.members.borrow_mut())
    }

    pub(crate) fn len(&self) -> usize {
        self.members.borrow().len()
    }

    /// What a missing key reads as.
    pub(crate) fn zero(&self) -> Value {
        match self.of {
            MapOf::Text => Value::text(""),
            _ => Value::Nil,
        }
    }
}

impl Value {
    pub(crate) fn text(text: impl Into<Arc<str>>) -> Self {
        Self::Text(text.into())
    }

    pub(crate) fn list(items: Vec<Self>) -> Self {
        Self::list_of(Of::Any, items)
    }

    pub(crate) fn list_of(of: Of, items: Vec<Self>) -> Self {
        let nil = false;
        Self::List(Rc::new(List { items, of, nil }))
    }

    /// A list that is nil where it is empty.
    pub(crate) fn list_or_nil(items: Vec<Self>) -> Self {
        let nil = items.is_empty();
        let of = Of::Any;
        Self::List(Rc::new(List { items, of, nil }))
    }

    pub(crate) fn texts<T: Into<Arc<str>>>(items: impl IntoIterator<Item = T>) -> Self {
        Self::list_of(Of::Text, items.into_iter().map(Self::text).collect())
    }

    pub(crate) fn map(members: Members) -> Self {
        Self::map_of(MapOf::Any, members)
    }

    pub(crate) fn map_of(of: MapOf, members: Members) -> Self {
        let members = RefCell::new(members);
        Self::Map(Rc::new(Map { members, of }))
    }

    /// As an argument of any type: there nothing is nil.
    pub(crate) fn or_nil(self) -> Self {
        match self {
            Self::Missing => Self::Nil,
            other => other,
        }
    }

    /// As a pipeline gives it: there nil is nothing.
    pub(crate) fn or_missing(self) -> Self {
        match self {
            Self::Nil => Self::Missing,
            other => other,
        }
    }

    pub(crate) fn is_nil(&self) -> bool {
        matches!(self, Self::Missing | Self::Nil)
    }

    /// What `if` asks; also the contrary of Sprig's `empty`.
    pub(crate) fn truth(&self) -> bool {
        match self {
            Self::Missing | Self::Nil => false,
            Self::Bool(b) => *b,
            Self::Int(i) | Self::Int64(i) => *i != 0,
            Self::Byte(b) => *b != 0,
            Self::Float(f) => *f != 0.0,
            Self::Text(s) => !s.is_empty(),
            Self::List(list) => !list.items.is_empty(),
            Self::Map(map) => map.len() > 0,
            Self::Native(native) => native.truth(),
        }
    }

    /// `%T`.
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::Missing | Self::Nil => "<nil>",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Int64(_) => "int64",
            Self::Byte(_) => "uint8",
            Self::Float(_) => "float64",
            Self::Text(_) => "string",
            Self::List(list) => list.of.type_name(),
            Self::Map(map) => match map.of {
                MapOf::Values => "chartutil.Values",
                MapOf::Text => "map[string]string",
                MapOf::Any | MapOf::Nil => "map[string]interface {}",
            },
            Self::Native(native) => native.type_name(),
        }
    }

    /// `reflect.Kind`.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Missing | Self::Nil => "invalid",
            Self::List(_) => "slice",
            Self::Map(_) => "map",
            Self::Native(native) => native.kind(),
            scalar => scalar.type_name(),
        }
    }
}

impl Of {
    pub(crate) fn type_name(self) -> &'static str {
        match self {
            Self::Any => "[]interface {}",
            Self::Text => "[]string",
            Self::Int => "[]int",
            Self::Lists => "[][]interface {}",
        }
    }
}
