//! Values in each other are freed one after the other: a template makes chains
//! that are longer than a stack is deep.

use std::rc::Rc;

use super::{List, Map, Value};

impl Drop for List {
    fn drop(&mut self) {
        free(std::mem::take(&mut self.items));
    }
}

impl Drop for Map {
    fn drop(&mut self) {
        let members = std::mem::take(self.members.get_mut());
        free(members.into_values().collect());
    }
}

fn free(mut pending: Vec<Value>) {
    while let Some(value) = pending.pop() {
        match value {
            Value::List(list) => {
                if let Some(mut list) = Rc::into_inner(list) {
                    pending.append(&mut list.items);
                }
            }
            Value::Map(map) => {
                if let Some(mut map) = Rc::into_inner(map) {
                    pending.extend(std::mem::take(map.members.get_mut()).into_values());
                }
            }
            _ => {}
        }
    }
}
