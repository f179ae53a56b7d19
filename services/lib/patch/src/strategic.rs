//! Strategic merge patch: lists of built-in kinds merge by the key that their
//! type declares, and directives (`$patch`, `$retainKeys`, `$setElementOrder/x`,
//! `$deleteFromPrimitiveList/x`) say what else to do.

mod lists;

use std::mem::discriminant;
use std::sync::Arc;

use catena_objects::{Map, Status, Value, go};
use catena_schema::{Node, Type};

use crate::plain_error;

const DIRECTIVE: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const DELETE_FROM_LIST: &str = "$deleteFromPrimitiveList/";
const SET_ORDER: &str = "$setElementOrder/";

/// Applies a strategic merge patch to an object of the kind that `node` describes.
///
/// # Errors
/// 400 for malformed directives, 500 with the reason for patches that do not fit
/// the object, in the words of `apimachinery/pkg/util/strategicpatch`.
pub fn strategic_merge(doc: &Value, patch: &Value, node: &Node) -> Result<Value, Status> {
    let original = doc.as_object().cloned().unwrap_or_default();
    let patch = patch.as_object().cloned().unwrap_or_default();
    merge_map(original, patch, Schema::Node(node)).map(Value::from)
}

/// Where in the schema the merge is.
#[derive(Clone, Copy)]
enum Schema<'a> {
    Node(&'a Node),
    /// Below a type without declared members: no lookups succeed.
    Opaque,
}

/// How a member merges, and the schema of it (of its items for a list).
struct Member<'a> {
    schema: Schema<'a>,
    merge: bool,
    merge_key: &'a str,
}

impl<'a> Schema<'a> {
    fn name(&self) -> String {
        match self {
            Self::Node(n) => n.go_type.rsplit('.').next().unwrap_or_default().to_owned(),
            Self::Opaque => "RawExtension".to_owned(),
        }
    }

    fn member(&self, key: &str) -> Result<Member<'a>, Status> {
        let missing = || {
            plain_error(format!(
                "unable to find api field in struct {} for the json field {key:?}",
                self.name()
            ))
        };
        let Self::Node(node) = *self else {
            return Err(missing());
        };
        let Some(field) = node.field(key) else {
            let other = node.additional.as_ref().ok_or_else(missing)?.get();
            return Ok(Member {
                schema: descend(other),
                merge: false,
                merge_key: "",
            });
        };
        Ok(Member {
            schema: descend(field.node.get()),
            merge: field.patch.merge,
            merge_key: field.patch_merge_key.as_deref().unwrap_or_default(),
        })
    }

    /// As [`Self::member`], with the schema of the items of the list.
    fn list(&self, key: &str) -> Result<Member<'a>, Status> {
        let mut member = self.member(key)?;
        member.schema = match member.schema {
            Schema::Node(n) => n
                .items
                .as_ref()
                .map_or(Schema::Opaque, |i| descend(i.get())),
            Schema::Opaque => Schema::Opaque,
        };
        Ok(member)
    }
}

fn descend(node: &Arc<Node>) -> Schema<'_> {
    match node.ty {
        Type::Any => Schema::Opaque,
        _ => Schema::Node(node),
    }
}

fn bad_format(what: &str) -> Status {
    Status::bad_request(format!("invalid patch format of {what}"))
}

fn bad_type(expected: &str, actual: &Value) -> Status {
    // Kubernetes prints the type with %s, and a null has none.
    let given = match actual {
        Value::Null => "%!s(<nil>)",
        other => go::type_of(other),
    };
    plain_error(format!("expected a {expected}, but received a {given}"))
}

fn no_merge_key(item: &Value, key: &str) -> Status {
    plain_error(format!(
        "map: {} does not contain declared merge key: {key}",
        go::print(item)
    ))
}

fn bad_patch_type(directive: &Value, patch: &Value) -> Status {
    plain_error(format!(
        "unknown patch type: {} in map: {}",
        go::print(directive),
        go::print(patch)
    ))
}

fn merge_map(mut original: Map, mut patch: Map, schema: Schema<'_>) -> Result<Map, Status> {
    if let Some(directive) = patch.get(DIRECTIVE) {
        return match directive.as_str() {
            Some("replace") => {
                patch.remove(DIRECTIVE);
                Ok(patch)
            }
            Some("delete") => Ok(Map::new()),
            _ => Err(bad_patch_type(directive, &patch.clone().into())),
        };
    }
    retain_keys(&mut original, &mut patch)?;
    lists::apply_orders(&mut original, &mut patch, schema)?;
    for (key, change) in patch {
        let (key, deletes) = match key.strip_prefix(DELETE_FROM_LIST) {
            Some(name) => (name, true),
            None => (key.as_str(), false),
        };
        if change.is_null() {
            original.remove(key);
            continue;
        }
        let same_type = original
            .get(key)
            .is_some_and(|v| discriminant(v) == discriminant(&change));
        if !same_type {
            if !deletes {
                set_or_drop(
                    &mut original,
                    key,
                    without_directives(without_nulls(change)),
                );
            }
            continue;
        }
        let current = original.get(key).cloned().unwrap_or_default();
        let merged = match (current, change) {
            (Value::Object(_), change @ Value::Object(_)) => {
                let member = schema.member(key)?;
                let current = original.get(key).and_then(Value::as_object).cloned();
                let change = change.as_object().cloned().unwrap_or_default();
                Some(merge_map(current.unwrap_or_default(), change, member.schema)?.into())
            }
            (Value::Array(current), Value::Array(change)) => {
                let member = schema.list(key)?;
                if member.merge || deletes {
                    let merged = lists::merge(current.to_vec(), change.to_vec(), &member, deletes)?;
                    Some(merged.into())
                } else {
                    Some(Value::Array(change))
                }
            }
            (_, change) => without_directives(Some(change)),
        };
        set_or_drop(&mut original, key, merged);
    }
    Ok(original)
}

fn set_or_drop(map: &mut Map, key: &str, value: Option<Value>) {
    match value {
        Some(v) => drop(map.insert(key, v)),
        None => drop(map.remove(key)),
    }
}

/// `$retainKeys`: members that the list does not name go; the patch may set only named ones.
fn retain_keys(original: &mut Map, patch: &mut Map) -> Result<(), Status> {
    let Some(list) = patch.remove(RETAIN_KEYS) else {
        return Ok(());
    };
    let Some(list) = list.as_array() else {
        return Err(bad_format("retainKeys"));
    };
    let named = |key: &str| list.iter().any(|v| v.as_str() == Some(key));
    for (key, value) in patch.iter() {
        let special = key.starts_with(DELETE_FROM_LIST) || key.starts_with(SET_ORDER);
        if !value.is_null() && !special && !named(key) {
            return Err(bad_format("retainKeys"));
        }
    }
    original.retain(|key, _| named(key));
    Ok(())
}

/// Drops null members of objects at any depth, of what is new to the object.
fn without_nulls(v: Value) -> Option<Value> {
    fn strip(v: &Value) -> Value {
        match v {
            Value::Object(m) => m
                .iter()
                .filter(|(_, v)| !v.is_null())
                .map(|(k, v)| (k.clone(), strip(v)))
                .collect::<Map>()
                .into(),
            Value::Array(items) => items.iter().map(strip).collect::<Vec<_>>().into(),
            other => other.clone(),
        }
    }
    Some(strip(&v))
}

/// Drops objects that carry a `$patch` directive, and everything below; `None` if `v` is one.
fn without_directives(v: Option<Value>) -> Option<Value> {
    match v? {
        Value::Object(m) => {
            if m.contains_key(DIRECTIVE) {
                return None;
            }
            let kept: Map = m
                .iter()
                .filter_map(|(k, v)| Some((k.clone(), without_directives(Some(v.clone()))?)))
                .collect();
            Some(kept.into())
        }
        Value::Array(items) => {
            let kept: Vec<Value> = items
                .iter()
                .filter_map(|v| without_directives(Some(v.clone())))
                .collect();
            Some(kept.into())
        }
        other => Some(other),
    }
}
