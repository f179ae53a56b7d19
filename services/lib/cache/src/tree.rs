//! An ordered tree whose copies share their nodes: a change copies the path to
//! a leaf, a reader keeps the root it began with.

mod iter;
mod leaf;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub(crate) use iter::Leaves;
use leaf::Leaf;

use crate::entry::{Entry, Extra};

/// Most items of a node.
const MOST: usize = 64;
/// Items of a node of a tree that is built from sorted objects; room for more.
const FILLED: usize = 48;
/// A node with fewer is joined with its neighbour if both fit into one.
const FEW: usize = 16;

pub(crate) struct Tree<X: Extra> {
    root: Arc<Node<X>>,
    len: usize,
}

enum Node<X: Extra> {
    Leaf(Leaf<X>),
    Branch(Vec<Child<X>>),
}

struct Child<X: Extra> {
    node: Arc<Node<X>>,
    /// Objects below.
    len: usize,
}

impl<X: Extra> Clone for Tree<X> {
    fn clone(&self) -> Self {
        Self {
            root: Arc::clone(&self.root),
            len: self.len,
        }
    }
}

impl<X: Extra> Clone for Node<X> {
    fn clone(&self) -> Self {
        match self {
            Self::Leaf(leaf) => Self::Leaf(leaf.clone()),
            Self::Branch(children) => Self::Branch(with_room(children)),
        }
    }
}

impl<X: Extra> Clone for Child<X> {
    fn clone(&self) -> Self {
        Self {
            node: Arc::clone(&self.node),
            len: self.len,
        }
    }
}

/// A copy that the change which it is made for does not move again.
fn with_room<T: Clone>(items: &[T]) -> Vec<T> {
    let mut copy = Vec::with_capacity(items.len() + 1);
    copy.extend_from_slice(items);
    copy
}

impl<X: Extra> Default for Tree<X> {
    fn default() -> Self {
        Self {
            root: Arc::new(Node::Leaf(Leaf::default())),
            len: 0,
        }
    }
}

impl<X: Extra> Node<X> {
    fn items(&self) -> usize {
        match self {
            Self::Leaf(leaf) => leaf.entries().len(),
            Self::Branch(children) => children.len(),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Leaf(leaf) => leaf.entries().len(),
            Self::Branch(children) => children.iter().map(|c| c.len).sum(),
        }
    }

    fn first_key(&self) -> &[u8] {
        match self {
            Self::Leaf(leaf) => leaf.entries().first().map_or(&[], |e| e.key()),
            Self::Branch(children) => children.first().map_or(&[], |c| c.node.first_key()),
        }
    }

    /// Puts an entry in its place; a node that grew too large gives its right half.
    fn insert(&mut self, entry: Arc<Entry<X>>, old: &mut Option<Arc<Entry<X>>>) -> Option<Self> {
        match self {
            Self::Leaf(leaf) => {
                let entries = leaf.change();
                match entries.binary_search_by(|e| e.key().cmp(entry.key())) {
                    Ok(i) => *old = Some(std::mem::replace(&mut entries[i], entry)),
                    Err(i) => entries.insert(i, entry),
                }
                halve(entries).map(|right| Self::Leaf(right.into()))
            }
            Self::Branch(children) => {
                let i = child_of(children, entry.key());
                let child = &mut children[i];
                let right = Arc::make_mut(&mut child.node).insert(entry, old);
                child.len = child.node.len();
                if let Some(right) = right {
                    children.insert(i + 1, Child::of(right));
                }
                halve(children).map(Self::Branch)
            }
        }
    }

    fn remove(&mut self, key: &[u8]) -> Option<Arc<Entry<X>>> {
        match self {
            Self::Leaf(leaf) => {
                let i = leaf.find(key).ok()?;
                Some(leaf.change().remove(i))
            }
            Self::Branch(children) => {
                let i = child_of(children, key);
                let child = &mut children[i];
                let old = Arc::make_mut(&mut child.node).remove(key)?;
                child.len -= 1;
                if child.node.items() < FEW {
                    join(children, i);
                }
                Some(old)
            }
        }
    }
}

impl<X: Extra> Child<X> {
    fn of(node: Node<X>) -> Self {
        Self {
            len: node.len(),
            node: Arc::new(node),
        }
    }
}

/// The child below which a key stands, if it is there.
fn child_of<X: Extra>(children: &[Child<X>], key: &[u8]) -> usize {
    children
        .partition_point(|c| c.node.first_key() <= key)
        .saturating_sub(1)
}

fn halve<T>(items: &mut Vec<T>) -> Option<Vec<T>> {
    (items.len() > MOST).then(|| items.split_off(items.len() / 2))
}

/// Joins a small child with its neighbour, or drops it when it is empty.
fn join<X: Extra>(children: &mut Vec<Child<X>>, i: usize) {
    if children[i].node.items() == 0 {
        children.remove(i);
        return;
    }
    let left = i.saturating_sub(1);
    let Some(right) = children.get(left + 1) else {
        return;
    };
    if children[left].node.items() + right.node.items() > FILLED {
        return;
    }
    let right = children.remove(left + 1);
    let into = &mut children[left];
    into.len += right.len;
    match (Arc::make_mut(&mut into.node), &*right.node) {
        (Node::Leaf(into), Node::Leaf(from)) => into.change().extend_from_slice(from.entries()),
        (Node::Branch(into), Node::Branch(from)) => into.extend_from_slice(from),
        _ => unreachable!("all leaves are equally deep"),
    }
}

impl<X: Extra> Tree<X> {
    /// A tree of entries that are in order.
    pub(crate) fn from_sorted(entries: &[Arc<Entry<X>>]) -> Self {
        let mut level: Vec<Child<X>> = entries
            .chunks(FILLED)
            .map(|c| Child::of(Node::Leaf(c.to_vec().into())))
            .collect();
        while level.len() > 1 {
            level = level
                .chunks(FILLED)
                .map(|c| Child::of(Node::Branch(c.to_vec())))
                .collect();
        }
        match level.pop() {
            Some(Child { node, len }) => Self { root: node, len },
            None => Self::default(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Puts an entry in its place and returns the one it replaces.
    pub(crate) fn insert(&mut self, entry: Arc<Entry<X>>) -> Option<Arc<Entry<X>>> {
        let mut old = None;
        let root = Arc::make_mut(&mut self.root);
        if let Some(right) = root.insert(entry, &mut old) {
            let left = std::mem::replace(root, Node::Leaf(Leaf::default()));
            *root = Node::Branch(vec![Child::of(left), Child::of(right)]);
        }
        self.len += usize::from(old.is_none());
        old
    }

    pub(crate) fn remove(&mut self, key: &[u8]) -> Option<Arc<Entry<X>>> {
        // Nothing is copied for a key that is not there.
        self.get(key)?;
        let old = Arc::make_mut(&mut self.root).remove(key)?;
        self.len -= 1;
        loop {
            let only = match &*self.root {
                Node::Branch(children) if children.is_empty() => {
                    self.root = Arc::new(Node::Leaf(Leaf::default()));
                    break;
                }
                Node::Branch(children) if children.len() == 1 => Arc::clone(&children[0].node),
                _ => break,
            };
            self.root = only;
        }
        Some(old)
    }

    pub(crate) fn get(&self, key: &[u8]) -> Option<&Arc<Entry<X>>> {
        let mut node = &*self.root;
        loop {
            match node {
                Node::Leaf(leaf) => {
                    let i = leaf.find(key).ok()?;
                    return leaf.entries().get(i);
                }
                Node::Branch(children) => node = &children[child_of(children, key)].node,
            }
        }
    }

    /// How many keys are smaller.
    pub(crate) fn rank(&self, key: &[u8]) -> usize {
        let (mut node, mut before) = (&*self.root, 0);
        loop {
            match node {
                Node::Leaf(leaf) => return before + leaf.rank(key),
                Node::Branch(children) => {
                    let i = child_of(children, key);
                    before += children[..i].iter().map(|c| c.len).sum::<usize>();
                    node = &children[i].node;
                }
            }
        }
    }

    /// Leaves from the one with `start` on, until the end of the tree.
    pub(crate) fn leaves(&self, start: &[u8]) -> Leaves<'_, X> {
        Leaves::new(&self.root, start)
    }
}
