//! Which names a definition gets, and when it is established
//! (`naming_controller`, `establishing_controller` and their neighbours).

use std::collections::HashSet;

use catena_objects::{
    Map, Value,
    field::{Error, Path},
    json::go_quote,
};
use catena_schema::structural;

use crate::{
    catalog::Snapshot,
    definition::{PRESERVE, approval, canonical, conditions, versions},
    entry::Names,
};

const ACCEPTED: &str = "the initial names have been accepted";

/// Names that are taken in a group.
#[derive(Default)]
struct Taken {
    resources: HashSet<String>,
    kinds: HashSet<String>,
}

impl Taken {
    /// By every definition of the group, the asking one among them.
    fn of(group: &str, snapshot: &Snapshot) -> Self {
        let mut taken = Self::default();
        for e in snapshot.values().filter(|e| e.group == group) {
            let n = &e.accepted;
            taken.resources.insert(n.plural.clone());
            taken.resources.insert(n.singular.clone());
            taken.resources.extend(n.short_names.iter().cloned());
            taken.kinds.insert(n.kind.clone());
            taken.kinds.insert(n.list_kind.clone());
        }
        taken
    }
}

/// A name that is the definition's own already, or nobody's.
fn free(wanted: &str, own: &str, taken: &HashSet<String>) -> Result<(), String> {
    if wanted == own || !taken.contains(wanted) {
        return Ok(());
    }
    Err(format!("{} is already in use", go_quote(wanted)))
}

/// The names a definition may have now, and the last conflict: reason and message.
fn accept(wanted: &Names, own: &Names, taken: &Taken) -> (Names, Option<(&'static str, String)>) {
    let mut names = own.clone();
    let mut conflict = None;
    let mut one = |reason, wanted: &str, own: &mut String, taken| match free(wanted, own, taken) {
        Ok(()) => wanted.clone_into(own),
        Err(why) => conflict = Some((reason, why)),
    };
    let resources = &taken.resources;
    one(
        "PluralConflict",
        &wanted.plural,
        &mut names.plural,
        resources,
    );
    one(
        "SingularConflict",
        &wanted.singular,
        &mut names.singular,
        resources,
    );
    let mut refused: Vec<String> = Vec::new();
    for name in &wanted.short_names {
        if !own.short_names.contains(name)
            && let Err(why) = free(name, "", resources)
            && !refused.contains(&why)
        {
            refused.push(why);
        }
    }
    match refused.as_slice() {
        [] => names.short_names.clone_from(&wanted.short_names),
        [why] => conflict = Some(("ShortNamesConflict", why.clone())),
        many => conflict = Some(("ShortNamesConflict", format!("[{}]", many.join(", ")))),
    }
    let mut one = |reason, wanted: &str, own: &mut String| match free(wanted, own, &taken.kinds) {
        Ok(()) => wanted.clone_into(own),
        Err(why) => conflict = Some((reason, why)),
    };
    one("KindConflict", &wanted.kind, &mut names.kind);
    one("ListKindConflict", &wanted.list_kind, &mut names.list_kind);
    names.categories.clone_from(&wanted.categories);
    (names, conflict)
}

fn to_value(names: &Names) -> Value {
    let list = |items: &[String]| -> Vec<Value> {
        items.iter().map(|s| Value::from(s.as_str())).collect()
    };
    let mut m = Map::new();
    m.insert("plural", names.plural.as_str());
    m.insert("singular", names.singular.as_str());
    if !names.short_names.is_empty() {
        m.insert("shortNames", list(&names.short_names));
    }
    m.insert("kind", names.kind.as_str());
    m.insert("listKind", names.list_kind.as_str());
    if !names.categories.is_empty() {
        m.insert("categories", list(&names.categories));
    }
    m.into()
}

/// The definition with the status it should have.
pub(crate) fn settle(definition: &Value, snapshot: &Snapshot, now: &str) -> Value {
    let mut object = definition.clone();
    name(&mut object, snapshot, now);
    establish(&mut object, now);
    structure(&mut object, now);
    approve(&mut object, now);
    if object != *definition {
        canonical(&mut object);
    }
    object
}

fn name(object: &mut Value, snapshot: &Snapshot, now: &str) {
    let wanted = Names::read(object.at(&["spec", "names"]));
    let own = Names::read(object.at(&["status", "acceptedNames"]));
    if wanted == own {
        return;
    }
    let taken = Taken::of(object.str_at(&["spec", "group"]), snapshot);
    let (names, conflict) = accept(&wanted, &own, &taken);
    let (status, reason, message) = match &conflict {
        Some((reason, why)) => ("False", *reason, why.as_str()),
        None => ("True", "NoConflicts", "no conflicts found"),
    };
    if names == own && conditions::says(object, "NamesAccepted", status, reason, message) {
        return;
    }
    object.set(&["status", "acceptedNames"], to_value(&names));
    conditions::set(object, now, "NamesAccepted", status, reason, message);
    if conditions::find(object, "Established").is_none() && conflict.is_some() {
        let why = "not all names are accepted";
        conditions::set(object, now, "Established", "False", "NotAccepted", why);
    }
}

fn establish(object: &mut Value, now: &str) {
    if !conditions::is_true(object, "NamesAccepted") || conditions::is_true(object, "Established") {
        return;
    }
    let reason = "InitialNamesAccepted";
    conditions::set(object, now, "Established", "True", reason, ACCEPTED);
}

/// Definitions of older API versions may have schemas that are not structural.
fn structure(object: &mut Value, now: &str) {
    let ty = "NonStructuralSchema";
    match violations(object) {
        None => drop(conditions::remove(object, ty)),
        Some(why) => {
            if !conditions::says(object, ty, "True", "Violations", &why) {
                conditions::set(object, now, ty, "True", "Violations", &why);
            }
        }
    }
}

fn violations(object: &Value) -> Option<String> {
    let mut errors = catena_objects::field::Errors::new();
    if object.bool_at(&PRESERVE) == Some(true) {
        let at = Path::new("spec").child("preserveUnknownFields");
        errors.push(Error::invalid(&at, true, "must be false"));
    }
    for (i, v) in versions(object).iter().enumerate() {
        let Some(schema) = v.at(&["schema", "openAPIV3Schema"]) else {
            continue;
        };
        let at = Path::new("spec")
            .child("versions")
            .index(i)
            .children(&["schema", "openAPIV3Schema"]);
        errors.extend(structural::check_structural(schema, &at));
    }
    (!errors.is_empty()).then(|| errors.aggregate())
}

fn approve(object: &mut Value, now: &str) {
    if !approval::is_protected(object.str_at(&["spec", "group"])) {
        return;
    }
    let (state, why) = approval::state(object);
    let (status, reason) = match state {
        approval::State::Invalid => ("False", "InvalidAnnotation"),
        approval::State::Missing => ("False", "MissingAnnotation"),
        approval::State::Approved => ("True", "ApprovedAnnotation"),
        approval::State::Bypassed => ("False", "UnapprovedAnnotation"),
    };
    let ty = "KubernetesAPIApprovalPolicyConformant";
    if !conditions::says(object, ty, status, reason, &why) {
        conditions::set(object, now, ty, status, reason, &why);
    }
}
