//! Nodes of built-in kinds, made from the facts on first use and shared.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use catena_facts::{Message, Omit, Scalar, Shape, Ty, types};
use catena_objects::{json, map::Key};

use crate::node::{
    Field, GoMember, GoStruct, ListType, MapType, Node, NodeRef, PatchStrategy, Type,
};

/// The schema of a built-in kind or its list; `None` for kinds without one.
pub fn builtin(group: &str, version: &str, kind: &str) -> Option<Arc<Node>> {
    let found = types().by_gvk(group, version, kind)?;
    message(found.name)
}

/// The schema of a message of the facts: `k8s.io.api.core.v1.PodSpec`.
pub fn message(name: &str) -> Option<Arc<Node>> {
    static BUILT: LazyLock<Mutex<Builder>> = LazyLock::new(Mutex::default);
    let message = types().get(name)?;
    // A builder that panicked would have left an unlinked reference behind;
    // nothing in it can, so a poisoned lock is as good as any.
    let mut builder = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    Some(builder.struct_ref(message).get().clone())
}

#[derive(Default)]
struct Builder {
    structs: HashMap<&'static str, NodeRef>,
    /// Plain scalars by kind and Go type.
    scalars: HashMap<(u8, &'static str), NodeRef>,
}

/// Messages whose JSON is not an object of their fields.
fn special(name: &str) -> Option<Type> {
    Some(match name {
        "k8s.io.apimachinery.pkg.api.resource.Quantity" => Type::Quantity,
        "k8s.io.apimachinery.pkg.util.intstr.IntOrString" => Type::IntOrString,
        "k8s.io.apimachinery.pkg.apis.meta.v1.Time" => Type::Time,
        "k8s.io.apimachinery.pkg.apis.meta.v1.MicroTime" => Type::MicroTime,
        "k8s.io.apimachinery.pkg.apis.meta.v1.Duration" => Type::Duration,
        "k8s.io.apimachinery.pkg.apis.meta.v1.FieldsV1" => Type::FieldsV1,
        "k8s.io.apimachinery.pkg.runtime.RawExtension" => Type::Any,
        _ if name.contains(".apiextensions.v1")
            && matches!(
                name.rsplit('.').next(),
                Some(
                    "JSON"
                        | "JSONSchemaPropsOrArray"
                        | "JSONSchemaPropsOrBool"
                        | "JSONSchemaPropsOrStringArray"
                )
            ) =>
        {
            Type::Any
        }
        _ => return None,
    })
}

impl Builder {
    fn struct_ref(&mut self, message: &'static Message) -> NodeRef {
        if let Some(found) = self.structs.get(message.name) {
            return found.clone();
        }
        let made = NodeRef::default();
        self.structs.insert(message.name, made.clone());
        let node = self.message_node(message);
        let _ = made.0.set(Arc::new(node));
        made
    }

    fn message_node(&mut self, message: &'static Message) -> Node {
        if let Some(ty) = special(message.name) {
            return self.special_node(message, ty);
        }
        if message.shape == Shape::StringList {
            let mut node = Node::of(Type::Array);
            message.go_type.clone_into(&mut node.go_type);
            message.name.clone_into(&mut node.message);
            node.items = Some(self.scalar(Scalar::String, "string"));
            return node;
        }
        let mut node = Node::of(Type::Object);
        message.go_type.clone_into(&mut node.go_type);
        message.name.clone_into(&mut node.message);
        node.map_type = map_type(message.map_type);
        let mut go = GoStruct {
            name: message.short_name(),
            members: Vec::new(),
        };
        if message.shape == Shape::Object {
            for name in ["kind", "apiVersion"] {
                node.fields.push(Field {
                    name: Key::from(name),
                    node: self.scalar(Scalar::String, "string"),
                    always_printed: false,
                    patch: PatchStrategy::default(),
                    patch_merge_key: None,
                });
                go.members.push(GoMember {
                    pointer: false,
                    omit: Omit::Empty,
                    via: vec!["TypeMeta"],
                });
            }
        }
        self.members(message, &[], &mut node, &mut go);
        node.go = Some(Box::new(go));
        node
    }

    fn special_node(&mut self, message: &'static Message, ty: Type) -> Node {
        let mut node = Node::of(ty);
        message.go_type.clone_into(&mut node.go_type);
        message.name.clone_into(&mut node.message);
        node.preserve_unknown = ty == Type::Any;
        // A schema, or a list, or a boolean: the schema is kept for decoding.
        if message.short_name().starts_with("JSONSchemaPropsOr") {
            let props = message.name.rsplit_once('.').map_or("", |(p, _)| p);
            if let Some(props) = types().get(&format!("{props}.JSONSchemaProps")) {
                node.items = Some(self.struct_ref(props));
            }
        }
        node
    }

    /// Adds the fields of `message`, those of inlined structs in their place.
    fn members(
        &mut self,
        message: &'static Message,
        via: &[&'static str],
        node: &mut Node,
        go: &mut GoStruct,
    ) {
        for fact in &message.fields {
            if fact.inline {
                if let Ty::Message(name) = fact.ty
                    && let Some(inner) = types().get(name)
                {
                    let mut via = via.to_vec();
                    via.push(inner.short_name());
                    self.members(inner, &via, node, go);
                }
                continue;
            }
            let Some(name) = fact.json else { continue };
            let child = self.field_node(fact);
            let is_struct = !fact.repeated
                && matches!(fact.ty, Ty::Message(m) if types().get(m).is_none_or(|m| m.shape != Shape::StringList));
            let always = match fact.omit {
                Omit::Never => true,
                Omit::Empty => is_struct && !fact.pointer,
                Omit::Zero => false,
            };
            if fact.required {
                node.required.push(Key::from(name));
            }
            node.fields.push(Field {
                name: Key::from(name),
                node: child,
                always_printed: always,
                patch: PatchStrategy {
                    merge: fact.patch_strategy.split(',').any(|s| s == "merge"),
                    retain_keys: fact.patch_strategy.split(',').any(|s| s == "retainKeys"),
                },
                patch_merge_key: (!fact.patch_merge_key.is_empty())
                    .then(|| Key::from(fact.patch_merge_key)),
            });
            go.members.push(GoMember {
                pointer: fact.pointer,
                omit: fact.omit,
                via: via.to_vec(),
            });
        }
    }

    fn field_node(&mut self, fact: &'static catena_facts::Field) -> NodeRef {
        let go_type = fact.go_type;
        if fact.repeated {
            let item_go = go_type.strip_prefix("[]").unwrap_or("string");
            let mut node = Node::of(Type::Array);
            go_type.clone_into(&mut node.go_type);
            node.items = Some(self.single(fact.ty, item_go));
            node.list_type = match fact.list_type {
                "set" => ListType::Set,
                "map" => ListType::Map,
                _ => ListType::Atomic,
            };
            node.list_map_keys = fact.list_map_keys.iter().map(|k| Key::from(*k)).collect();
            return NodeRef::new(node);
        }
        let node = self.single(fact.ty, go_type);
        let default = fact.default.and_then(|d| json::parse(d.as_bytes()).ok());
        let plain = default.is_none() || matches!(fact.default, Some("{}" | "\"\"" | "0"));
        if fact.map_type.is_empty() && (plain || !matches!(fact.ty, Ty::Scalar(_))) {
            return node;
        }
        let mut own = Node::clone(node.get());
        if !fact.map_type.is_empty() {
            own.map_type = map_type(fact.map_type);
        }
        own.default = default;
        NodeRef::new(own)
    }

    fn single(&mut self, ty: Ty, go_type: &'static str) -> NodeRef {
        match ty {
            Ty::Scalar(s) => self.scalar(s, go_type),
            Ty::Message(name) => match types().get(name) {
                Some(m) => self.struct_ref(m),
                None => NodeRef::new(Node::of(Type::Any)),
            },
            Ty::ScalarMap(s) => {
                let value = self.scalar(s, map_value(go_type));
                map_of(value, go_type)
            }
            Ty::MessageMap(name) => {
                let value = self.single(Ty::Message(name), "");
                map_of(value, go_type)
            }
        }
    }

    fn scalar(&mut self, scalar: Scalar, go_type: &'static str) -> NodeRef {
        let ty = match scalar {
            Scalar::String => Type::String,
            Scalar::Bytes => Type::Bytes,
            Scalar::Bool => Type::Boolean,
            Scalar::Int32 => Type::Int32,
            Scalar::Int64 => Type::Int64,
            Scalar::Double => Type::Number,
        };
        self.scalars
            .entry((scalar as u8, go_type))
            .or_insert_with(|| {
                let mut node = Node::of(ty);
                go_type.clone_into(&mut node.go_type);
                NodeRef::new(node)
            })
            .clone()
    }
}

fn map_of(value: NodeRef, go_type: &str) -> NodeRef {
    let mut node = Node::of(Type::Object);
    go_type.clone_into(&mut node.go_type);
    node.additional = Some(value);
    NodeRef::new(node)
}

/// `map[string]string` → `string`.
fn map_value(go_type: &'static str) -> &'static str {
    go_type
        .strip_prefix("map[")
        .and_then(|t| t.split_once(']'))
        .map_or("string", |(_, v)| v)
}

fn map_type(text: &str) -> MapType {
    match text {
        "atomic" => MapType::Atomic,
        _ => MapType::Granular,
    }
}
