//! Values at run time. Data of objects stays where it is; it is looked at as
//! its schema says (`apiserver/pkg/cel/common/values.go`).

use std::{borrow::Cow, collections::BTreeMap, ops::Deref, sync::Arc};

use catena_objects::{Map, Value, go};
use jiff::Timestamp;

use crate::{
    decl::{Decl, Kind},
    escape,
    extra::Extra,
    functions::convert,
    types::Type,
};

/// Why an evaluation ended without a value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Fault {
    /// An error as expressions can have them; `&&` and `||` may pass it by.
    Error(String),
    /// The limit of the cost is reached.
    Limit,
}

pub(crate) type Outcome<T> = Result<T, Fault>;

pub(crate) fn fault<T>(message: impl Into<String>) -> Outcome<T> {
    Err(Fault::Error(message.into()))
}

pub(crate) fn no_overload<T>() -> Outcome<T> {
    fault("no such overload")
}

/// A string of the data, or one that was made.
#[derive(Clone, Debug)]
pub(crate) enum Text<'a> {
    Data(&'a str),
    Made(Arc<str>),
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Data(s) => s,
            Self::Made(s) => s,
        }
    }
}

/// A key of a map.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    Bool(bool),
    Int(i64),
    /// Beyond the range of `Int`.
    Uint(u64),
    Text(String),
}

#[derive(Clone, Debug)]
pub(crate) enum Val<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    Text(Text<'a>),
    Bytes(Arc<[u8]>),
    List(Arc<Vec<Val<'a>>>),
    Map(Arc<BTreeMap<Key, (Val<'a>, Val<'a>)>>),
    /// Nanoseconds.
    Duration(i64),
    /// A time, and the seconds east of UTC that it is written with.
    Time(Timestamp, i32),
    Type(Type),
    Optional(Option<Arc<Val<'a>>>),
    /// A list, map or object of the data.
    Data(&'a Value, &'a Decl),
    Extra(Arc<Extra>),
}

impl<'a> Val<'a> {
    pub(crate) fn text(s: impl Into<Arc<str>>) -> Self {
        Self::Text(Text::Made(s.into()))
    }

    pub(crate) fn list(items: Vec<Val<'a>>) -> Self {
        Self::List(Arc::new(items))
    }

    pub(crate) fn some(value: Val<'a>) -> Self {
        Self::Optional(Some(Arc::new(value)))
    }

    pub(crate) const NONE: Val<'static> = Val::Optional(None);

    /// A value of the data.
    pub(crate) fn of(value: &'a Value, decl: &'a Decl) -> Outcome<Self> {
        if value.is_null() {
            return match decl.nullable {
                true => Ok(Self::Null),
                false => fault("invalid data, got null for schema with nullable=false"),
            };
        }
        let wrong = |what: &str| {
            let given = go::type_of(value);
            Fault::Error(format!("invalid data, expected {what}, got {given}"))
        };
        let text = || value.as_str().ok_or_else(|| wrong("string"));
        match &decl.kind {
            Kind::Hidden => Ok(Self::Data(value, decl)),
            Kind::IntOrString => match value {
                Value::String(s) => Ok(Self::Text(Text::Data(s))),
                Value::Int(i) => Ok(Self::Int(*i)),
                _ => fault(
                    "invalid data, expected XIntOrString value to be either a string or integer",
                ),
            },
            Kind::Bool => value.as_bool().map(Self::Bool).ok_or_else(|| wrong("bool")),
            Kind::Int => match value {
                Value::Int(i) => Ok(Self::Int(*i)),
                _ => Err(wrong("int")),
            },
            Kind::Double => value
                .as_f64()
                .map(Self::Double)
                .ok_or_else(|| wrong("float")),
            Kind::String => Ok(Self::Text(Text::Data(text()?))),
            Kind::Bytes => convert::base64(text()?),
            Kind::Duration => convert::format_duration(text()?),
            Kind::Date => convert::date(text()?),
            Kind::DateTime => convert::date_time(text()?),
            Kind::List { .. } => match value.as_array() {
                Some(_) => Ok(Self::Data(value, decl)),
                None => {
                    fault("invalid data, expected an array for the provided schema with type=array")
                }
            },
            Kind::Map(_) | Kind::Object(_) => match value.as_object() {
                Some(_) => Ok(Self::Data(value, decl)),
                None => {
                    fault("invalid data, expected a map for the provided schema with type=object")
                }
            },
        }
    }

    /// What `type()` says.
    pub(crate) fn ty(&self) -> Type {
        match self {
            Self::Null => Type::Null,
            Self::Bool(_) => Type::Bool,
            Self::Int(_) => Type::Int,
            Self::Uint(_) => Type::Uint,
            Self::Double(_) => Type::Double,
            Self::Text(_) => Type::String,
            Self::Bytes(_) => Type::Bytes,
            Self::List(_) => Type::list(Type::Dyn),
            Self::Map(_) => Type::map(Type::Dyn, Type::Dyn),
            Self::Duration(_) => Type::Duration,
            Self::Time(..) => Type::Timestamp,
            Self::Type(_) => Type::Type(None),
            Self::Optional(_) => Type::optional(Type::Dyn),
            Self::Data(Value::Array(_), _) => Type::list(Type::Dyn),
            Self::Data(..) => Type::map(Type::Dyn, Type::Dyn),
            Self::Extra(extra) => extra.ty(),
        }
    }

    /// Number of characters, bytes, items or members; `None` for what has no size.
    pub(crate) fn size(&self) -> Option<u64> {
        Some(match self {
            Self::Text(s) => s.chars().count() as u64,
            Self::Bytes(b) => b.len() as u64,
            Self::List(items) => items.len() as u64,
            Self::Map(entries) => entries.len() as u64,
            Self::Data(Value::Array(items), _) => items.len() as u64,
            Self::Data(Value::Object(members), _) => members.len() as u64,
            Self::Extra(extra) => extra.size()?,
            _ => return None,
        })
    }

    pub(crate) fn is_list(&self) -> bool {
        matches!(self, Self::List(_) | Self::Data(Value::Array(_), _))
    }

    pub(crate) fn is_map(&self) -> bool {
        matches!(self, Self::Map(_) | Self::Data(Value::Object(_), _))
    }

    /// The items of a list.
    pub(crate) fn items(&self) -> Outcome<Cow<'_, [Val<'a>]>> {
        match self {
            Self::List(items) => Ok(Cow::Borrowed(items)),
            Self::Data(Value::Array(items), decl) => {
                let Some(item) = decl.element() else {
                    return fault("invalid array type, expected Items with a non-empty Schema");
                };
                let items: Outcome<Vec<_>> = items.iter().map(|v| Val::of(v, item)).collect();
                items.map(Cow::Owned)
            }
            _ => no_overload(),
        }
    }

    /// Item `i` of a list.
    pub(crate) fn item(&self, i: usize) -> Outcome<Val<'a>> {
        let found = match self {
            Self::List(items) => items.get(i).cloned().map(Ok),
            Self::Data(Value::Array(items), decl) => {
                let item = items.get(i).zip(decl.element());
                item.map(|(v, d)| Val::of(v, d))
            }
            _ => return no_overload(),
        };
        found.unwrap_or_else(|| fault(format!("index out of bounds: {i}")))
    }

    /// Keys and values of a map, or members of an object that expressions can name.
    pub(crate) fn entries(&self) -> Outcome<Vec<(Val<'a>, Val<'a>)>> {
        match self {
            Self::Map(entries) => Ok(entries.values().cloned().collect()),
            Self::Data(Value::Object(members), decl) => members
                .iter()
                .filter_map(|(k, v)| {
                    let (name, decl) = match &decl.kind {
                        Kind::Map(d) => (Cow::Borrowed(k.as_str()), d),
                        _ => {
                            let name =
                                escape::escape(k).map_or(Cow::Borrowed(k.as_str()), Cow::Owned);
                            (name, decl.field(k)?)
                        }
                    };
                    Some(Val::of(v, decl).map(|v| (Val::text(&*name), v)))
                })
                .collect(),
            _ => no_overload(),
        }
    }

    /// What a map has under a key; `None` when it has nothing.
    pub(crate) fn find(&self, key: &Val<'_>) -> Outcome<Option<Val<'a>>> {
        match self {
            Self::Map(entries) => {
                let key = key.key()?;
                Ok(entries.get(&key).map(|(_, v)| v.clone()))
            }
            Self::Data(Value::Object(_), _) => match key {
                Val::Text(name) => self.member(name),
                _ => no_overload(),
            },
            _ => no_overload(),
        }
    }

    /// The member of a map or object by its name.
    pub(crate) fn member(&self, name: &str) -> Outcome<Option<Val<'a>>> {
        let Self::Data(Value::Object(members), decl) = self else {
            return self.find(&Val::text(name));
        };
        match &decl.kind {
            Kind::Map(value) => members.get(name).map(|v| Val::of(v, value)).transpose(),
            Kind::Object(fields) => {
                let name = match name.contains("__") {
                    true => escape::unescape(name).map(Cow::Owned),
                    false => Some(Cow::Borrowed(name)),
                };
                let Some(name) = name else { return Ok(None) };
                // Null is as good as absent.
                let value = members.get(&name).filter(|v| !v.is_null());
                let found = value.zip(fields.get(&*name));
                found.map(|(v, d)| Val::of(v, d)).transpose()
            }
            _ => Ok(None),
        }
    }

    pub(crate) fn key(&self) -> Outcome<Key> {
        Ok(match self {
            Self::Bool(b) => Key::Bool(*b),
            Self::Int(i) => Key::Int(*i),
            Self::Uint(u) => i64::try_from(*u).map_or(Key::Uint(*u), Key::Int),
            Self::Double(d) if d.fract() == 0.0 && d.abs() < 9.2e18 => Key::Int(*d as i64),
            Self::Text(s) => Key::Text(s.to_string()),
            other => {
                return fault(format!(
                    "unsupported key type: {}",
                    other.ty().runtime_name()
                ));
            }
        })
    }

    /// The data behind a value, to compare it with other data as it is.
    fn raw(&self) -> Option<Value> {
        Some(match self {
            Self::Data(v, _) => Value::clone(v),
            Self::Null => Value::Null,
            Self::Bool(b) => (*b).into(),
            Self::Int(i) => (*i).into(),
            Self::Text(s) => (&**s).into(),
            Self::Double(d) => (*d).into(),
            _ => return None,
        })
    }

    /// Whether two values are equal, as `==` has it.
    pub(crate) fn equal(&self, other: &Val<'a>) -> Outcome<bool> {
        use Val::*;
        Ok(match (self, other) {
            (Null, Null) => true,
            (Bool(a), Bool(b)) => a == b,
            (Text(a), Text(b)) => **a == **b,
            (Bytes(a), Bytes(b)) => a == b,
            (Duration(a), Duration(b)) => a == b,
            (Time(a, _), Time(b, _)) => a == b,
            (Type(a), Type(b)) => a.runtime_name() == b.runtime_name(),
            (Int(_) | Uint(_) | Double(_), Int(_) | Uint(_) | Double(_)) => {
                convert::order(self, other).is_some_and(std::cmp::Ordering::is_eq)
            }
            (Optional(a), Optional(b)) => match (a, b) {
                (Some(a), Some(b)) => a.equal(b)?,
                (a, b) => a.is_none() && b.is_none(),
            },
            (Extra(a), Extra(b)) => a == b,
            (a, b) if a.is_list() && b.is_list() => lists_equal(a, b)?,
            (Data(Value::Object(a), ad), Data(Value::Object(b), bd)) => {
                objects_equal(a, ad, b, bd)?
            }
            (Data(a, _), Data(b, _)) => a == b,
            (a, b) if a.is_map() && b.is_map() => {
                if a.size() != b.size() {
                    return Ok(false);
                }
                for (key, value) in a.entries()? {
                    match b.find(&key)? {
                        Some(v) if value.equal(&v)? => {}
                        _ => return Ok(false),
                    }
                }
                true
            }
            _ => false,
        })
    }
}

fn objects_equal(a: &Map, ad: &Decl, b: &Map, bd: &Decl) -> Outcome<bool> {
    if a.len() != b.len() {
        return Ok(false);
    }
    let known = |decl: &Decl, key: &str| match &decl.kind {
        Kind::Map(value) => Some(value.clone()),
        _ => decl.field(key).cloned(),
    };
    for (key, value) in a {
        let (decl, other) = (known(ad, key), b.get(key));
        let same = match (decl.zip(known(bd, key)), other) {
            (Some(_), None) => value.is_null(),
            (Some((x, y)), Some(other)) => match (value.is_null(), other.is_null()) {
                (false, false) => Val::of(value, &x)?.equal(&Val::of(other, &y)?)?,
                (x, y) => x == y,
            },
            // Nothing is known of it: it is compared as it is, if it is there.
            (None, other) => other.is_none_or(|o| o == value),
        };
        if !same {
            return Ok(false);
        }
    }
    Ok(true)
}

fn lists_equal<'a>(a: &Val<'a>, b: &Val<'a>) -> Outcome<bool> {
    use catena_schema::ListType;
    if a.size() != b.size() {
        return Ok(false);
    }
    if let Val::Data(Value::Array(items), decl) = a
        && let Kind::List { item, order, keys } = &decl.kind
        && *order != ListType::Atomic
    {
        let others = b.items()?;
        for other in others.iter() {
            let Some(raw) = other.raw() else {
                return Ok(false);
            };
            let same = match order {
                ListType::Set => items.contains(&raw),
                _ => {
                    let twin = items
                        .iter()
                        .find(|v| keys.iter().all(|k| v.get(k) == raw.get(k)));
                    match twin {
                        Some(twin) => Val::of(twin, item)?.equal(other)?,
                        None => false,
                    }
                }
            };
            if !same {
                return Ok(false);
            }
        }
        return Ok(true);
    }
    for (x, y) in a.items()?.iter().zip(b.items()?.iter()) {
        if !x.equal(y)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// `a + b`: sets are united, items of keyed lists replaced.
pub(crate) fn concatenate<'a>(a: &Val<'a>, b: &Val<'a>) -> Outcome<Val<'a>> {
    use catena_schema::ListType;
    let (mut items, more) = (a.items()?.into_owned(), b.items()?);
    let order = match a {
        Val::Data(_, decl) => match &decl.kind {
            Kind::List { order, keys, .. } => Some((*order, keys)),
            _ => None,
        },
        _ => None,
    };
    for item in more.iter() {
        let at = match order {
            Some((ListType::Set, _)) => find(&items, |i| i.equal(item)),
            Some((ListType::Map, keys)) => {
                let raw = item.raw();
                find(&items, |i| {
                    let same = i.raw().zip(raw.as_ref());
                    Ok(same.is_some_and(|(a, b)| keys.iter().all(|k| a.get(k) == b.get(k))))
                })
            }
            _ => Ok(None),
        };
        match at? {
            Some(at) => items[at] = item.clone(),
            None => items.push(item.clone()),
        }
    }
    Ok(Val::list(items))
}

fn find<'a>(
    items: &[Val<'a>],
    mut same: impl FnMut(&Val<'a>) -> Outcome<bool>,
) -> Outcome<Option<usize>> {
    for (i, item) in items.iter().enumerate() {
        if same(item)? {
            return Ok(Some(i));
        }
    }
    Ok(None)
}
