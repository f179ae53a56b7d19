//! The rules of ownership: who loses what when an object changes, what an
//! applier may take, and what goes when it stops naming a field.

use std::collections::BTreeMap;

use catena_objects::Value;

use crate::Request;
use crate::managed::{Managed, Manager, Owned};
use crate::set::Set;
use crate::typed::{self, Comparison, Shape};

/// Fields that a manager owns and another one wants to change.
pub(crate) type Conflicts = BTreeMap<Manager, Set>;

/// The rules, for one request.
pub(crate) struct Rules<'a, 'r> {
    pub(crate) request: &'a Request<'r>,
    reset: Set,
}

pub(crate) enum Failure {
    Conflicts(Conflicts),
    Other(String),
}

impl<'a, 'r> Rules<'a, 'r> {
    pub(crate) fn new(request: &'a Request<'r>) -> Self {
        Self {
            request,
            reset: Set::of_fields(request.reset_fields),
        }
    }

    pub(crate) fn shape(&self) -> Shape<'a> {
        Shape::Node(self.request.node)
    }

    /// Entries of other versions are read as if they had the shape of this one:
    /// the kinds that are served in several versions share their fields.
    fn compare(&self, old: &Value, new: &Value) -> Comparison {
        typed::compare(old, new, self.shape()).excluding(&self.reset)
    }

    /// Takes from every manager but `workflow` what changed; with `force` even
    /// what differs from what it set. Returns what changed.
    fn take(
        &self,
        old: &Value,
        new: &Value,
        managed: &mut Managed,
        workflow: &Manager,
        force: bool,
    ) -> Result<Comparison, Failure> {
        let c = self.compare(old, new);
        let mut conflicts = Conflicts::new();
        let mut removed: BTreeMap<Manager, Set> = BTreeMap::new();
        for (manager, owned) in &managed.0 {
            if manager == workflow {
                continue;
            }
            let conflict = owned.set.intersection(&c.modified.union(&c.added));
            if !conflict.is_empty() {
                conflicts.insert(manager.clone(), conflict);
            }
            if !c.removed.is_empty() {
                removed.insert(manager.clone(), c.removed.clone());
            }
        }
        if !force && !conflicts.is_empty() {
            return Err(Failure::Conflicts(conflicts));
        }
        for (manager, lost) in conflicts.into_iter().chain(removed) {
            if let Some(owned) = managed.0.get_mut(&manager) {
                owned.set = owned.set.difference(&lost);
            }
        }
        managed.0.retain(|_, owned| !owned.set.is_empty());
        Ok(c)
    }

    /// Books a change that was not an apply; returns what the change set.
    pub(crate) fn update(&self, old: &Value, new: &Value, managed: &mut Managed) -> Set {
        // A manager that does not exist, so that the author too gives up what it removed.
        let nobody = Manager::new(
            "current-operation",
            crate::managed::Operation::Apply,
            "",
            "\0",
        );
        match self.take(old, new, managed, &nobody, true) {
            Ok(c) => c.modified.union(&c.added).recursive_difference(&self.reset),
            Err(_) => Set::new(),
        }
    }

    /// Applies a configuration. `None`: the object stays as it is.
    pub(crate) fn apply(
        &self,
        live: &Value,
        config: &Value,
        managed: &mut Managed,
        manager: &Manager,
        force: bool,
    ) -> Result<Option<Value>, Failure> {
        let shape = self.shape();
        let merged = typed::merge(live, config, shape)
            .map_err(|e| Failure::Other(format!("failed to merge config: {e}")))?;
        let set = typed::field_set(config, shape).recursive_difference(&self.reset);
        let last = managed.0.remove(manager);
        let time = last.as_ref().map(|o| o.time.clone()).unwrap_or_default();
        let api_version = self.request.group_version.clone();
        managed.0.insert(
            manager.clone(),
            Owned {
                set,
                api_version,
                time,
            },
        );
        let new = match last {
            Some(last) if !last.set.is_empty() => self.prune(merged, managed, &last.set),
            _ => merged,
        };
        self.take(live, &new, managed, manager, force)?;
        Ok((new != *live).then_some(new))
    }

    /// Removes what the manager set last time, except what somebody owns now.
    fn prune(&self, merged: Value, managed: &Managed, last: &Set) -> Value {
        let shape = self.shape();
        let node = Some(&**self.request.node);
        let last = last.with_named_fields(node);
        let pruned = typed::remove(&merged, &last, shape);
        let all = managed
            .0
            .values()
            .fold(Set::new(), |all, o| all.union(&o.set));
        let merged_set = typed::field_set(&merged, shape).with_named_fields(node);
        let pruned_set = typed::field_set(&pruned, shape).with_named_fields(node);
        let kept = pruned_set.union(&all.with_named_fields(node));
        let pruned = typed::remove(&merged, &merged_set.difference(&kept), shape);
        // Only what was in the last set may go.
        let pruned_set = typed::field_set(&pruned, shape).with_named_fields(node);
        typed::remove(
            &merged,
            &merged_set.difference(&pruned_set).intersection(&last),
            shape,
        )
    }
}
