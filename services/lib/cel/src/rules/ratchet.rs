//! What an update left as it was may stay wrong
//! (`apiserver/pkg/cel/common/equality.go`).

use catena_objects::Value;
use catena_schema::{ListType, Node, node::NodeRef};

/// A value, what it was before, and their schema.
#[derive(Clone, Copy)]
struct Pair<'a> {
    node: &'a Node,
    new: &'a Value,
    old: &'a Value,
}

/// Where an update stands in the object.
#[derive(Clone, Copy, Default)]
pub(super) struct Ratchet<'a> {
    /// `None`: nothing before corresponds to this place.
    here: Option<Pair<'a>>,
    /// The nearest place above to which something corresponds.
    above: Option<Pair<'a>>,
}

impl<'a> Ratchet<'a> {
    pub(super) fn root(node: &'a Node, new: &'a Value, old: &'a Value) -> Self {
        Self {
            here: Some(Pair { node, new, old }),
            above: None,
        }
    }

    /// Whether nothing changed here, so that errors are only warnings.
    pub(super) fn unchanged(&self) -> bool {
        self.here.or(self.above).is_some_and(Pair::equal)
    }

    pub(super) fn key(self, name: &str) -> Self {
        let Some(here) = self.here else { return self };
        // These are converted before they are compared.
        if self.above.is_none() && matches!(name, "apiVersion" | "kind") {
            return Self::default();
        }
        Self {
            here: here.key(name),
            above: Some(here),
        }
    }

    pub(super) fn index(self, i: usize) -> Self {
        let Some(here) = self.here else { return self };
        Self {
            here: here.index(i),
            above: Some(here),
        }
    }
}

impl<'a> Pair<'a> {
    fn key(self, name: &str) -> Option<Self> {
        Some(Self {
            node: self.node.member(name)?,
            new: self.new.get(name)?,
            old: self.old.get(name)?,
        })
    }

    fn index(self, i: usize) -> Option<Self> {
        let new = self.new.as_array()?.get(i)?;
        Some(Self {
            node: self.node.items.as_ref()?.get(),
            new,
            old: twin(self.node, new, self.old)?,
        })
    }

    fn equal(self) -> bool {
        match (self.new, self.old) {
            (Value::Array(new), Value::Array(old)) => {
                if self.node.list_type != ListType::Map {
                    return new == old;
                }
                new.len() == old.len()
                    && (0..new.len()).all(|i| self.index(i).is_some_and(Pair::equal))
            }
            (Value::Object(new), Value::Object(old)) => {
                new.len() == old.len() && new.keys().all(|k| self.key(k).is_some_and(Pair::equal))
            }
            (new, old) => new == old,
        }
    }
}

/// The item before an update with the same keys.
pub(super) fn twin<'a>(node: &Node, item: &Value, old: &'a Value) -> Option<&'a Value> {
    if node.list_type != ListType::Map {
        return None;
    }
    let items = node.items.as_ref().map(NodeRef::get)?;
    let value = |v: &'a Value, key: &str| v.get(key);
    let default = |key: &str| items.field(key)?.node.get().default.as_ref().cloned();
    let mut before = old.as_array()?.iter();
    before.find(|o| {
        node.list_map_keys.iter().all(|key| {
            let or_default = |v: Option<&Value>| v.cloned().or_else(|| default(key));
            or_default(value(o, key)) == or_default(item.get(key))
        })
    })
}
