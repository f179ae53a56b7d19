//! Between values and the trees that are printed as JSON and YAML.

use std::sync::Arc;

use catena_objects as objects;
use serde_json as json;

use super::{MapOf, Members, Native, Value};
use crate::{budget::Budget, fault::Fault};

impl Value {
    /// As `encoding/json` sees it, members sorted.
    ///
    /// # Errors
    /// Too large or too deep, which a map that holds itself is, or not to be said in JSON.
    pub(crate) fn to_tree(&self, budget: &Budget) -> Result<objects::Value, Fault> {
        budget.spend(1)?;
        Ok(match self {
            Self::Missing | Self::Nil => objects::Value::Null,
            Self::Bool(b) => (*b).into(),
            Self::Int(i) | Self::Int64(i) => (*i).into(),
            Self::Byte(b) => i64::from(*b).into(),
            Self::Float(f) if !f.is_finite() => {
                let shown = crate::format::float(*f);
                return Err(Fault::new(format!("json: unsupported value: {shown}")));
            }
            Self::Float(f) if f.fract() == 0.0 && f.abs() < 9.0e15 => (*f as i64).into(),
            Self::Float(f) => (*f).into(),
            Self::Text(s) => {
                budget.text(s.len())?;
                (&**s).into()
            }
            Self::List(list) if list.nil => objects::Value::Null,
            Self::List(list) => {
                let _level = budget.deeper()?;
                let items: Result<Vec<_>, _> =
                    list.items.iter().map(|v| v.to_tree(budget)).collect();
                items?.into()
            }
            Self::Map(map) if map.of == MapOf::Nil => objects::Value::Null,
            Self::Map(map) => {
                let _level = budget.deeper()?;
                let members = map.members();
                let mut out = objects::Map::with_capacity(members.len());
                for (key, value) in members.iter() {
                    budget.text(key.len())?;
                    out.insert(&**key, value.to_tree(budget)?);
                }
                out.into()
            }
            Self::Native(native) => return native.to_tree(budget),
        })
    }

    /// A tree as JSON and YAML are read: numbers are `float64`.
    ///
    /// # Errors
    /// Too large.
    pub(crate) fn of_tree(tree: &objects::Value, budget: &Budget) -> Result<Self, Fault> {
        budget.spend(1)?;
        Ok(match tree {
            objects::Value::Null => Self::Nil,
            objects::Value::Bool(b) => Self::Bool(*b),
            objects::Value::Int(i) => Self::Float(*i as f64),
            objects::Value::Float(f) => Self::Float(*f),
            objects::Value::String(s) => {
                budget.text(s.len())?;
                Self::text(s.as_str())
            }
            objects::Value::Array(items) => {
                let items: Result<Vec<_>, _> =
                    items.iter().map(|v| Self::of_tree(v, budget)).collect();
                Self::list(items?)
            }
            objects::Value::Object(members) => {
                let mut out = Members::new();
                for (key, value) in members.iter() {
                    out.insert(Arc::from(key.as_str()), Self::of_tree(value, budget)?);
                }
                Self::map(out)
            }
        })
    }

    /// An object of the cluster: whole numbers are `int64`, as the clients of
    /// Kubernetes read them.
    pub(crate) fn of_object(value: &json::Value) -> Self {
        match value {
            json::Value::Number(n) => match n.as_i64() {
                Some(i) => Self::Int64(i),
                None => Self::Float(n.as_f64().unwrap_or_default()),
            },
            json::Value::Array(items) => Self::list(items.iter().map(Self::of_object).collect()),
            json::Value::Object(members) => {
                let members = members.iter();
                Self::map(
                    members
                        .map(|(k, v)| (Arc::from(k.as_str()), Self::of_object(v)))
                        .collect(),
                )
            }
            other => Self::of_json(other),
        }
    }

    /// Values of a caller: numbers are `float64`, as those of values files are.
    pub(crate) fn of_json(value: &json::Value) -> Self {
        match value {
            json::Value::Null => Self::Nil,
            json::Value::Bool(b) => Self::Bool(*b),
            json::Value::Number(n) => Self::Float(n.as_f64().unwrap_or_default()),
            json::Value::String(s) => Self::text(s.as_str()),
            json::Value::Array(items) => Self::list(items.iter().map(Self::of_json).collect()),
            json::Value::Object(members) => {
                let members = members.iter();
                Self::map(
                    members
                        .map(|(k, v)| (Arc::from(k.as_str()), Self::of_json(v)))
                        .collect(),
                )
            }
        }
    }
}

impl Native {
    fn to_tree(&self, budget: &Budget) -> Result<objects::Value, Fault> {
        let fields: &[(&str, &str)] = match self {
            Self::Files(files) => {
                use base64::Engine as _;
                let mut out = objects::Map::new();
                for (name, text) in files.iter() {
                    budget.text(text.len() * 2)?;
                    let coded = base64::engine::general_purpose::STANDARD.encode(&**text);
                    out.insert(&**name, coded);
                }
                return Ok(out.into());
            }
            Self::Versions(c) => {
                budget.spend(c.api_versions.len())?;
                let items: Vec<_> = c.api_versions.iter().map(|v| v.as_str().into()).collect();
                return Ok(items.into());
            }
            Self::Time(time) => return Ok(time.to_string().into()),
            Self::Capabilities(_) => &[
                ("KubeVersion", "KubeVersion"),
                ("APIVersions", "APIVersions"),
            ],
            Self::KubeVersion(_) => &[
                ("Version", "Version"),
                ("Major", "Major"),
                ("Minor", "Minor"),
            ],
            Self::HelmVersion => &[("version", "Version")],
            Self::Pair(_) => &[("Cert", "Cert"), ("Key", "Key")],
            Self::Chart(_) => &[
                ("name", "Name"),
                ("home", "Home"),
                ("sources", "Sources"),
                ("version", "Version"),
                ("description", "Description"),
                ("keywords", "Keywords"),
                ("icon", "Icon"),
                ("apiVersion", "APIVersion"),
                ("appVersion", "AppVersion"),
                ("annotations", "Annotations"),
                ("kubeVersion", "KubeVersion"),
                ("type", "Type"),
            ],
        };
        let mut out = objects::Map::new();
        for (name, field) in fields {
            let value = self.field(field).unwrap_or(Value::Nil);
            let keep = !matches!(self, Self::Chart(_)) || value.truth();
            if keep {
                out.insert(*name, value.to_tree(budget)?);
            }
        }
        if matches!(self, Self::Chart(_)) {
            out.insert("IsRoot", true);
        }
        Ok(out.into())
    }
}
