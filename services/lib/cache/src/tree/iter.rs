//! Walking a tree in order.

use std::{slice, sync::Arc};

use super::{Child, Node, child_of};
use crate::entry::{Entry, Extra};

/// Entries in the order of their keys.
pub(crate) struct Iter<'a, X> {
    /// Children still to visit, the root's first.
    path: Vec<slice::Iter<'a, Child<X>>>,
    leaf: slice::Iter<'a, Arc<Entry<X>>>,
}

impl<'a, X: Extra> Iter<'a, X> {
    pub(super) fn new(root: &'a Node<X>, start: &[u8]) -> Self {
        let mut path = Vec::new();
        let mut node = root;
        loop {
            match node {
                Node::Branch(children) => {
                    let i = child_of(children, start);
                    path.push(children[i + 1..].iter());
                    node = &children[i].node;
                }
                Node::Leaf(entries) => {
                    let i = entries.partition_point(|e| e.key() < start);
                    let leaf = entries[i..].iter();
                    return Self { path, leaf };
                }
            }
        }
    }
}

impl<'a, X> Iterator for Iter<'a, X> {
    type Item = &'a Arc<Entry<X>>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(entry) = self.leaf.next() {
                return Some(entry);
            }
            let child = self.path.last_mut()?.next();
            match child.map(|c| &*c.node) {
                None => drop(self.path.pop()),
                Some(Node::Branch(children)) => self.path.push(children.iter()),
                Some(Node::Leaf(entries)) => self.leaf = entries.iter(),
            }
        }
    }
}
