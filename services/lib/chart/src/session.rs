//! What one rendering shares.

use std::{
    cell::RefCell,
    collections::HashMap,
    rc::{Rc, Weak},
};

use crate::{
    Cluster,
    budget::{Budget, Limits},
    fault::Fault,
    template::Trees,
    value::{Map, MapOf, Members},
};

/// Helm counts how often a template includes itself.
const INCLUDES: usize = 1_000;

pub(crate) struct Session<'c> {
    pub(crate) budget: Budget,
    pub(crate) cluster: &'c dyn Cluster,
    included: RefCell<HashMap<String, usize>>,
    changed: RefCell<Vec<Weak<Map>>>,
}

impl<'c> Session<'c> {
    pub(crate) fn new(limits: Limits, cluster: &'c dyn Cluster) -> Self {
        Self {
            budget: Budget::new(limits),
            cluster,
            included: RefCell::default(),
            changed: RefCell::default(),
        }
    }

    /// Changes a map. It may come to hold itself, so it is emptied when all is over.
    ///
    /// # Errors
    /// The map was never made.
    pub(crate) fn change<T>(
        &self,
        map: &Rc<Map>,
        change: impl FnOnce(&mut Members) -> T,
    ) -> Result<T, Fault> {
        self.budget.spend(1)?;
        if map.of == MapOf::Nil {
            return Err(Fault::new("assignment to entry in nil map"));
        }
        self.changed.borrow_mut().push(Rc::downgrade(map));
        Ok(map.change(change))
    }

    /// Runs the body of `include`, unless the template is in itself too often.
    ///
    /// # Errors
    /// Those of the body.
    pub(crate) fn including<T>(
        &self,
        name: &str,
        body: impl FnOnce() -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let depth = {
            let mut included = self.included.borrow_mut();
            let depth = included.entry(name.to_owned()).or_default();
            *depth += 1;
            *depth
        };
        let result = if depth > INCLUDES + 1 {
            Err(Fault::new(format!(
                "rendering template has a nested reference name: {name}: unable to execute template"
            )))
        } else {
            body()
        };
        if let Some(depth) = self.included.borrow_mut().get_mut(name) {
            *depth -= 1;
        }
        result
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        for map in self.changed.take() {
            if let Some(map) = map.upgrade() {
                let members = map.change(std::mem::take);
                drop(members);
            }
        }
    }
}

/// The templates that an execution sees, and what it shares.
#[derive(Clone, Copy)]
pub(crate) struct Env<'s> {
    pub(crate) session: &'s Session<'s>,
    pub(crate) trees: &'s Trees,
}

impl<'s> Env<'s> {
    pub(crate) fn budget(&self) -> &'s Budget {
        &self.session.budget
    }
}
