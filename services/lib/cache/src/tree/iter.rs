//! Walking a tree in order.

use std::slice;

use super::{Child, Node, child_of, leaf::Leaf};
use crate::{entry::Extra, snapshot::Neighbours};

/// Leaves in order. The first begins with the first key that is not before the start.
pub(crate) struct Leaves<'a, X: Extra> {
    /// Children still to visit, the root's first.
    path: Vec<slice::Iter<'a, Child<X>>>,
    first: Option<Neighbours<'a, X>>,
}

impl<'a, X: Extra> Leaves<'a, X> {
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
                Node::Leaf(leaf) => {
                    let first = Some(neighbours(leaf, leaf.rank(start)));
                    return Self { path, first };
                }
            }
        }
    }
}

fn neighbours<X: Extra>(leaf: &Leaf<X>, skip: usize) -> Neighbours<'_, X> {
    Neighbours {
        entries: &leaf.entries()[skip..],
        all: leaf.entries(),
        group: leaf.group(),
    }
}

impl<'a, X: Extra> Iterator for Leaves<'a, X> {
    type Item = Neighbours<'a, X>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        loop {
            let child = self.path.last_mut()?.next();
            match child.map(|c| &*c.node) {
                None => drop(self.path.pop()),
                Some(Node::Branch(children)) => self.path.push(children.iter()),
                Some(Node::Leaf(leaf)) => return Some(neighbours(leaf, 0)),
            }
        }
    }
}
