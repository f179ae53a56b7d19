//! One step of a path through an object, and its text in `fieldsV1`.

use std::cmp::Ordering;
use std::fmt;

use catena_objects::{Map, Value, json, map::Key};

/// A step: a member, an item of a keyed list, an item of a set, or an index.
#[derive(Clone, Debug)]
pub enum Element {
    Field(Key),
    /// Key members and their values, sorted by name.
    Key(Vec<(Key, Value)>),
    Value(Value),
    Index(i64),
}

impl Element {
    pub fn field(name: &str) -> Self {
        Self::Field(name.into())
    }

    /// Reads `f:name`, `k:{...}`, `v:...`, `i:0`.
    ///
    /// # Errors
    /// Text that is none of them.
    pub fn parse(text: &str) -> Result<Self, String> {
        let Some((kind, rest)) = text.split_once(':').filter(|(k, _)| k.len() == 1) else {
            return Err(format!("missing colon: {text}"));
        };
        let value = || json::parse(rest.as_bytes()).map_err(|e| e.message);
        match kind {
            "f" => Ok(Self::field(rest)),
            "v" => Ok(Self::Value(value()?)),
            "i" => rest
                .parse()
                .map(Self::Index)
                .map_err(|_| format!("bad index: {rest}")),
            "k" => {
                let value = value()?;
                let members = value
                    .as_object()
                    .ok_or_else(|| format!("bad key: {rest}"))?;
                let mut key: Vec<_> = members
                    .iter()
                    .map(|(k, v)| (k.clone(), v.clone()))
                    .collect();
                key.sort_by(|a, b| a.0.cmp(&b.0));
                Ok(Self::Key(key))
            }
            _ => Err("unknown path element type".to_owned()),
        }
    }

    /// The text in `fieldsV1`.
    pub fn encode(&self) -> String {
        match self {
            Self::Field(name) => format!("f:{name}"),
            Self::Key(key) => {
                let members: Map = key.iter().cloned().collect();
                format!("k:{}", json::to_string(&members.into()))
            }
            Self::Value(v) => format!("v:{}", json::to_string(v)),
            Self::Index(i) => format!("i:{i}"),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Field(_) => 0,
            Self::Key(_) => 1,
            Self::Value(_) => 2,
            Self::Index(_) => 3,
        }
    }
}

/// As a path prints it: `.name`, `[key="x"]`, `[="x"]`, `[0]`.
impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => write!(f, ".{name}"),
            Self::Key(key) => {
                let parts: Vec<String> = key
                    .iter()
                    .map(|(k, v)| format!("{k}={}", value_text(v)))
                    .collect();
                write!(f, "[{}]", parts.join(","))
            }
            Self::Value(v) => write!(f, "[={}]", value_text(v)),
            Self::Index(i) => write!(f, "[{i}]"),
        }
    }
}

fn value_text(v: &Value) -> String {
    match v {
        Value::String(s) => json::go_quote(s),
        other => json::to_string(other),
    }
}

/// Order of structured-merge-diff: numbers, strings, booleans, lists, maps, null.
fn compare(a: &Value, b: &Value) -> Ordering {
    fn rank(v: &Value) -> u8 {
        match v {
            Value::Float(_) | Value::Int(_) => 0,
            Value::String(_) => 1,
            Value::Bool(_) => 2,
            Value::Array(_) => 3,
            Value::Object(_) => 4,
            Value::Null => 5,
        }
    }
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => a.cmp(b),
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Array(a), Value::Array(b)) => a
            .iter()
            .zip(b.iter())
            .map(|(a, b)| compare(a, b))
            .find(|o| o.is_ne())
            .unwrap_or_else(|| a.len().cmp(&b.len())),
        (Value::Object(_), Value::Object(_)) => json::to_vec(a).cmp(&json::to_vec(b)),
        _ if rank(a) == 0 && rank(b) == 0 => {
            let (a, b) = (a.as_f64().unwrap_or(0.0), b.as_f64().unwrap_or(0.0));
            a.total_cmp(&b)
        }
        _ => rank(a).cmp(&rank(b)),
    }
}

impl Ord for Element {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Field(a), Self::Field(b)) => a.cmp(b),
            (Self::Key(a), Self::Key(b)) => a
                .iter()
                .zip(b)
                .map(|(a, b)| a.0.cmp(&b.0).then_with(|| compare(&a.1, &b.1)))
                .find(|o| o.is_ne())
                .unwrap_or_else(|| a.len().cmp(&b.len())),
            (Self::Value(a), Self::Value(b)) => compare(a, b),
            (Self::Index(a), Self::Index(b)) => a.cmp(b),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

impl PartialOrd for Element {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Element {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Element {}
