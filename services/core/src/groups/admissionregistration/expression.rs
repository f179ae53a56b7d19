//! Expressions of policies and match conditions: whether they compile.

use std::collections::BTreeSet;

use catena_cel::admission::{Compiler, Names, Problem, Wanted};
use catena_objects::{
    Value,
    field::{Error, Errors},
    names,
};

use crate::rules::At;

/// The error of an expression, if it has one; what errors show may differ from
/// what is compiled.
pub(super) fn judge(at: &At, shown: &str, found: Result<(), Problem>, e: &mut Errors) {
    match found {
        Ok(()) => {}
        Err(Problem::Invalid(why)) => at.bad_value(e, shown, why),
        Err(Problem::Internal(why)) => e.push(Error::internal(&at.path, why)),
    }
}

/// `validateMatchConditions`, which stand for themselves.
pub(super) fn match_conditions(at: &At, params: bool, e: &mut Errors) {
    if at.len() > 64 {
        e.push(Error::too_many(&at.path, at.len(), 64));
    }
    let compiler = Compiler::new();
    let known = Names {
        params,
        authorizer: true,
        patches: false,
    };
    let mut seen = BTreeSet::new();
    for c in at.items() {
        let text = c.text("expression").trim();
        let expression = c.child("expression");
        if text.is_empty() {
            expression.required(e, "");
        } else {
            let found = compiler.check(text, known, Wanted::Condition);
            judge(&expression, text, found, e);
        }
        let name = c.child("name");
        if name.str().is_empty() {
            name.required(e, "");
        } else {
            name.complain(e, names::qualified_name(name.str()));
            if !seen.insert(name.str()) {
                name.duplicate(e);
            }
        }
    }
}

/// Whether an update left match conditions, and what they can name, as they
/// were: then they are not looked at.
pub(super) fn same_conditions(new: &Value, old: &Value) -> bool {
    let same = |field| {
        let of = |v: &Value| v.get(field).cloned().unwrap_or_default();
        crate::rules::equality::same(&of(new), &of(old))
    };
    same("paramKind") && same("matchConditions")
}
