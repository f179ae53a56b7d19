//! Server-side apply and the bookkeeping of field ownership, after
//! `apimachinery/pkg/util/managedfields` and structured-merge-diff.

mod element;
mod last_applied;
mod managed;
mod set;
#[cfg(test)]
mod tests;
mod typed;
mod update;

pub use element::Element;
pub use set::Set;

use std::sync::Arc;

use catena_objects::status::{Cause, Details};
use catena_objects::{Reason, Status, Value, gvk::GroupVersionKind};
use catena_schema::Node;

use managed::{Managed, Manager, Operation, Owned};
use update::{Conflicts, Failure, Rules};

/// Update managers of an object; the oldest beyond are merged into one.
const MAX_UPDATE_MANAGERS: usize = 10;
const BEFORE_FIRST_APPLY: &str = "before-first-apply";
const ANCIENT_CHANGES: &str = "ancient-changes";

/// Who writes, and how.
#[derive(Clone)]
pub struct Request<'a> {
    /// Schema of the version of the request. One of [`Type::Any`] works by deduction.
    pub node: &'a Arc<Node>,
    /// `apps/v1`: of the request; the objects given are in it.
    pub group_version: String,
    /// Name of the writer; "" is recorded as "unknown".
    pub manager: &'a str,
    /// RFC 3339, whole seconds.
    pub time: &'a str,
    /// "status", "scale"; "" for the object itself.
    pub subresource: &'a str,
    /// Take fields from their owners.
    pub force: bool,
    /// Paths that the endpoint resets and so nobody owns through it (`&[&["status"]]`).
    pub reset_fields: &'a [&'a [&'a str]],
}

/// Books a create, update or (non-apply) patch: returns `new` with its
/// `metadata.managedFields`. `live` is the stored object, `None` on create.
/// Entries that `new` brings replace the stored ones; `[]` or `[{}]` forgets them.
///
/// # Errors
/// None as yet: entries that cannot be read are forgotten, as upstream does.
pub fn track_update(
    live: Option<&Value>,
    new: Value,
    request: &Request<'_>,
) -> Result<Value, Status> {
    let entries = |v: &Value| Managed::decode(v.items_at(&["metadata", "managedFields"]));
    let stored = || live.and_then(|l| entries(l).ok()).unwrap_or_default();
    let own = new.at(&["metadata", "managedFields"]);
    let mut managed = if !request.subresource.is_empty() {
        stored()
    } else if own.is_some_and(is_reset) {
        Managed::default()
    } else {
        entries(&new)
            .ok()
            .filter(|m| !m.is_empty())
            .unwrap_or_else(stored)
    };
    let mut new = without_managed(new);
    // Objects that nobody ever tracked stay untracked until the first apply.
    let exists = live.is_some_and(|l| !l.str_at(&["metadata", "uid"]).is_empty());
    if managed.is_empty() && exists {
        return Ok(new);
    }
    let old = live.map_or_else(|| empty_object(request), |l| without_managed(l.clone()));
    book(&old, &new, &mut managed, request, request.manager);
    managed.write(&mut new);
    settle(live, &mut new);
    Ok(new)
}

/// Applies `config`: the live object with what the configuration sets, without
/// what it no longer sets, and with its `metadata.managedFields`. The result is
/// to be defaulted. `live` is `None` when the object does not exist yet.
///
/// # Errors
/// 409 with every conflict; 400 and 500 for configurations that do not fit.
pub fn apply(live: Option<&Value>, config: &Value, request: &Request<'_>) -> Result<Value, Status> {
    if config
        .at(&["metadata", "managedFields"])
        .is_some_and(|v| !v.is_null())
    {
        return Err(Status::bad_request("metadata.managedFields must be nil"));
    }
    let rules = Rules::new(request);
    typed::validate(config, rules.shape()).map_err(|e| {
        plain_error(format!(
            "failed to create typed patch object ({}): {e}",
            describe(config)
        ))
    })?;
    let stored = live.map_or(&[][..], |l| l.items_at(&["metadata", "managedFields"]));
    let mut managed = Managed::decode(stored)
        .map_err(|e| plain_error(format!("failed to decode managed fields: {e}")))?;
    let old = live.map_or_else(|| empty_object(request), |l| without_managed(l.clone()));
    if managed.is_empty() {
        book(
            &empty_object(request),
            &old,
            &mut managed,
            request,
            BEFORE_FIRST_APPLY,
        );
    }
    let manager = Manager::new(request.manager, Operation::Apply, "", request.subresource);
    let before = managed.clone();
    let mut result = rules.apply(&old, config, &mut managed, &manager, request.force);
    if let Err(Failure::Conflicts(conflicts)) = &result
        && request.manager == "kubectl"
        && let Some(allowed) = last_applied::allowed_conflicts(&old, request)
    {
        let rest = without(conflicts, &allowed);
        managed = before;
        result = if rest.is_empty() {
            rules.apply(&old, config, &mut managed, &manager, true)
        } else {
            Err(Failure::Conflicts(rest))
        };
    }
    let changed = result.map_err(|f| match f {
        Failure::Conflicts(c) => conflict_error(&c),
        Failure::Other(e) => plain_error(e),
    })?;
    strip(&mut managed, &manager);
    let mut object = match changed {
        Some(object) => {
            if let Some(owned) = managed.0.get_mut(&manager) {
                owned.time = request.time.to_owned();
            }
            object
        }
        None => old,
    };
    if request.manager == "kubectl" {
        last_applied::refresh(&mut object, config);
    }
    managed.write(&mut object);
    settle(live, &mut object);
    Ok(object)
}

fn settle(live: Option<&Value>, new: &mut Value) {
    if let Some(live) = live
        && same_but_times(new, live)
    {
        keep_times(new, live);
    }
}

const ENTRIES: [&str; 2] = ["metadata", "managedFields"];

/// Whether nothing but the times of entries differs, so that a write would be none.
/// To be asked again after admission.
pub fn same_but_times(new: &Value, old: &Value) -> bool {
    let untimed = |list: &[Value]| -> Vec<Value> {
        list.iter()
            .map(|e| {
                let mut e = e.clone();
                e.unset(&["time"]);
                e
            })
            .collect()
    };
    let (entries, old_entries) = (new.items_at(&ENTRIES), old.items_at(&ENTRIES));
    !entries.is_empty()
        && untimed(entries) == untimed(old_entries)
        && without_managed(new.clone()) == without_managed(old.clone())
}

/// Takes over the entries of the old object, times included.
pub fn keep_times(new: &mut Value, old: &Value) {
    match old.at(&ENTRIES) {
        Some(entries) => new.set(&ENTRIES, entries.clone()),
        None => drop(new.unset(&ENTRIES)),
    }
}

fn is_reset(entries: &Value) -> bool {
    match entries.as_array() {
        Some([]) => true,
        Some([one]) => one.as_object().is_some_and(catena_objects::Map::is_empty),
        _ => false,
    }
}

fn without_managed(mut object: Value) -> Value {
    object.unset(&["metadata", "managedFields"]);
    object
}

/// What a new object is compared with: of built-in kinds, what Go prints of an
/// empty struct, because members that are always there are not set by anybody.
fn empty_object(request: &Request<'_>) -> Value {
    if request.node.message.is_empty() {
        return Value::object();
    }
    let mut out = catena_schema::canonical(request.node, Value::object());
    out.set_default(&["metadata"], Value::object());
    out
}

/// Gives what changed between the objects to `name`.
fn book(old: &Value, new: &Value, managed: &mut Managed, request: &Request<'_>, name: &str) {
    let changed = Rules::new(request)
        .update(old, new, managed)
        .difference(&unowned());
    if !changed.is_empty() {
        let manager = Manager::new(
            name,
            Operation::Update,
            &request.group_version,
            request.subresource,
        );
        let set = match managed.0.get(&manager) {
            Some(previous) => changed.union(&previous.set),
            None => changed,
        };
        let owned = Owned {
            set,
            api_version: request.group_version.clone(),
            time: request.time.to_owned(),
        };
        managed.0.insert(manager, owned);
    }
    cap(managed);
}

/// Fields that nobody owns: identity, and what the server sets.
fn unowned() -> Set {
    const METADATA: [&str; 9] = [
        "name",
        "namespace",
        "creationTimestamp",
        "selfLink",
        "uid",
        "clusterName",
        "generation",
        "managedFields",
        "resourceVersion",
    ];
    let mut out = Set::of_fields(&[&["apiVersion"], &["kind"], &["metadata"]]);
    for name in METADATA {
        out.insert(&[Element::field("metadata"), Element::field(name)]);
    }
    out
}

fn strip(managed: &mut Managed, manager: &Manager) {
    if let Some(owned) = managed.0.get_mut(manager) {
        owned.set = owned.set.difference(&unowned());
        if owned.set.is_empty() {
            managed.0.remove(manager);
        }
    }
}

/// Merges the oldest update managers of a version when there are too many.
fn cap(managed: &mut Managed) {
    let mut updaters: Vec<(String, Manager)> = managed
        .0
        .iter()
        .filter(|(m, _)| m.operation == Operation::Update)
        .map(|(m, o)| (o.time.clone(), m.clone()))
        .collect();
    let mut count = updaters.len();
    updaters.sort();
    let mut first: std::collections::BTreeMap<String, Manager> = Default::default();
    for (_, manager) in updaters {
        if count <= MAX_UPDATE_MANAGERS {
            return;
        }
        let version = manager.api_version.clone();
        let bucket = Manager::new(ANCIENT_CHANGES, Operation::Update, &version, "");
        let Some(oldest) = first.get(&version) else {
            first.insert(version, manager);
            continue;
        };
        if !managed.0.contains_key(&bucket)
            && let Some(owned) = managed.0.remove(oldest)
        {
            managed.0.insert(bucket.clone(), owned);
        }
        if bucket == manager {
            continue;
        }
        if let Some(merged) = managed.0.remove(&manager)
            && let Some(owned) = managed.0.get_mut(&bucket)
        {
            owned.set = owned.set.union(&merged.set);
            owned.time = merged.time;
        }
        count -= 1;
    }
}

/// Whether an applied configuration is of the type that the URL names; to be
/// asked before it is converted.
///
/// # Errors
/// 400 with the type found.
pub fn check_type(config: &Value, group_version: &str, kind: &str) -> Result<(), Status> {
    if config.str_at(&["apiVersion"]) == group_version && config.str_at(&["kind"]) == kind {
        return Ok(());
    }
    let found = GroupVersionKind::of(config).unwrap_or_default();
    Err(Status::bad_request(format!("invalid object type: {found}")))
}

fn describe(object: &Value) -> String {
    let gvk = GroupVersionKind::of(object).unwrap_or_default();
    let at = |m| object.str_at(&["metadata", m]);
    format!("{}/{}; {gvk}", at("namespace"), at("name"))
}

/// What was applied has the schema's structure, but not its type's form.
pub fn not_convertible(config: &Value, why: &str) -> Status {
    let gvk = GroupVersionKind::of(config).unwrap_or_default();
    plain_error(format!(
        "failed to convert new object ({}) to proper version: unable to convert unstructured object to {gvk}: {why}",
        describe(config)
    ))
}

fn plain_error(message: impl Into<String>) -> Status {
    Status::new(Reason::Unknown, message)
}

fn without(conflicts: &Conflicts, allowed: &Set) -> Conflicts {
    conflicts
        .iter()
        .map(|(m, s)| (m.clone(), s.difference(allowed)))
        .filter(|(_, s)| !s.is_empty())
        .collect()
}

fn conflict_error(conflicts: &Conflicts) -> Status {
    let mut causes = Vec::new();
    let mut lines = Vec::new();
    for (manager, set) in conflicts {
        let who = manager.describe();
        lines.push(format!("conflicts with {who}:"));
        for path in set.paths() {
            let path: String = path.iter().map(ToString::to_string).collect();
            lines.push(format!("- {path}"));
            causes.push(Cause {
                reason: "FieldManagerConflict".to_owned(),
                message: format!("conflict with {who}"),
                field: path,
            });
        }
    }
    let message = match causes.as_slice() {
        [one] => format!(
            "Apply failed with 1 conflict: {}: {}",
            one.message, one.field
        ),
        many => format!(
            "Apply failed with {} conflicts: {}",
            many.len(),
            lines.join("\n")
        ),
    };
    let mut status = Status::new(Reason::Conflict, message);
    status.details = Some(Box::new(Details {
        causes,
        ..Details::default()
    }));
    status
}
