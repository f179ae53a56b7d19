//! Evaluating the rules of an object.

use catena_objects::{
    Map, Value,
    field::{Error, Errors, Path},
};

use super::{
    OLD_SELF, Rule, SELF, Validator,
    ratchet::{Ratchet, twin},
};
use crate::{Answer, Failure, Input, OBJECT_BUDGET, Program};

/// Bytes of a message that an expression makes.
const MAX_MESSAGE: usize = 5 * 1024;

/// What rules have against an object.
#[derive(Default)]
pub struct Found {
    pub errors: Errors,
    /// Errors that an update did not bring in.
    pub warnings: Vec<String>,
    /// What the evaluation cost.
    pub cost: u64,
}

/// The budget is spent; what was found so far counts.
struct Spent;

struct Walk {
    found: Found,
    budget: u64,
}

impl Validator {
    /// Evaluates all rules over an object and, on update, what it was before.
    pub fn validate(&self, object: &Value, old: Option<&Value>) -> Found {
        let ratchet = old.map(|old| Ratchet::root(&self.node, object, old));
        self.walk(None, object, old, ratchet.unwrap_or_default())
    }

    /// As [`Self::validate`], for a value at a place; nothing may stay wrong.
    pub(super) fn validate_at(&self, at: &Path, value: &Value, old: Option<&Value>) -> Found {
        self.walk(Some(at), value, old, Ratchet::default())
    }

    fn walk(
        &self,
        path: Option<&Path>,
        value: &Value,
        old: Option<&Value>,
        ratchet: Ratchet<'_>,
    ) -> Found {
        let mut walk = Walk {
            found: Found::default(),
            budget: OBJECT_BUDGET,
        };
        // When the budget is spent, what was found so far counts.
        let _ = walk.value(self, path, value, old, ratchet);
        walk.found.cost = OBJECT_BUDGET - walk.budget;
        walk.found
    }
}

fn shown(path: Option<&Path>) -> Path {
    path.cloned().unwrap_or_else(|| Path::new("<nil>"))
}

fn child(path: Option<&Path>, name: &str) -> Path {
    path.map_or_else(|| Path::new(name), |p| p.child(name))
}

impl Walk {
    fn value(
        &mut self,
        v: &Validator,
        path: Option<&Path>,
        value: &Value,
        old: Option<&Value>,
        ratchet: Ratchet<'_>,
    ) -> Result<(), Spent> {
        if value.is_null() {
            return Ok(());
        }
        let old = old.filter(|o| !o.is_null());
        self.rules(v, path, value, old, ratchet)?;
        match value {
            Value::Array(items) => self.items(v, path, items, old, ratchet),
            Value::Object(members) => self.members(v, path, members, old, ratchet),
            _ => Ok(()),
        }
    }

    fn items(
        &mut self,
        v: &Validator,
        path: Option<&Path>,
        items: &[Value],
        old: Option<&Value>,
        ratchet: Ratchet<'_>,
    ) -> Result<(), Spent> {
        let Some(validator) = &v.items else {
            return Ok(());
        };
        for (i, item) in items.iter().enumerate() {
            let before = old.and_then(|o| twin(&v.node, item, o));
            let at = shown(path).index(i);
            self.value(validator, Some(&at), item, before, ratchet.index(i))?;
        }
        Ok(())
    }

    fn members(
        &mut self,
        v: &Validator,
        path: Option<&Path>,
        members: &Map,
        old: Option<&Value>,
        ratchet: Ratchet<'_>,
    ) -> Result<(), Spent> {
        let before = |key: &str| old.filter(|_| v.correlates_members())?.get(key);
        if let Some(validator) = &v.additional {
            for (key, value) in members {
                let at = shown(path).key(key);
                self.value(validator, Some(&at), value, before(key), ratchet.key(key))?;
            }
        }
        for (key, value) in members {
            if let Some(validator) = v.properties.get(key.as_str()) {
                let at = child(path, key);
                self.value(validator, Some(&at), value, before(key), ratchet.key(key))?;
            }
        }
        Ok(())
    }

    fn error(&mut self, error: Error) {
        self.found.errors.push(error);
    }

    fn rules(
        &mut self,
        v: &Validator,
        path: Option<&Path>,
        value: &Value,
        old: Option<&Value>,
        ratchet: Ratchet<'_>,
    ) -> Result<(), Spent> {
        if v.rules.is_empty() {
            return Ok(());
        }
        let at = shown(path);
        if self.budget == 0 {
            return self.out_of_budget(v, &at);
        }
        let before = old.map(|o| (o, &*v.decl));
        for rule in &v.rules {
            let program = match &rule.program {
                None => continue,
                Some(Err(why)) => {
                    let why = format!("rule compile error: {why}");
                    self.error(Error::invalid(&at, v.ty, why));
                    continue;
                }
                Some(Ok(program)) => program,
            };
            let transition = program.uses(OLD_SELF);
            if transition && old.is_none() && !rule.optional_old {
                continue;
            }
            let mut inputs = [Input::Data(value, &v.decl), Input::Absent];
            debug_assert_eq!(SELF, 0);
            inputs[OLD_SELF] = match (rule.optional_old, before) {
                (true, before) => Input::Optional(before),
                (false, Some((old, decl))) => Input::Data(old, decl),
                (false, None) => Input::Absent,
            };
            let (answer, cost) = program.run(&inputs);
            if cost > self.budget {
                return self.out_of_budget(v, &at);
            }
            self.budget -= cost;
            match answer {
                Ok(Answer::Bool(true)) => {}
                Ok(_) => {
                    let error = self.failed(v, rule, path, value, &inputs)?;
                    match !transition && ratchet.unchanged() {
                        true => self.found.warnings.push(error.to_string()),
                        false => self.error(error),
                    }
                }
                Err(failure) => self.trouble(v, rule, &at, &failure)?,
            }
        }
        Ok(())
    }

    fn out_of_budget(&mut self, v: &Validator, at: &Path) -> Result<(), Spent> {
        let why = "validation failed due to running out of cost budget, no further validation rules will be run";
        self.error(Error::invalid(at, v.ty, why));
        Err(Spent)
    }

    /// A rule that could not be evaluated.
    fn trouble(
        &mut self,
        v: &Validator,
        rule: &Rule,
        at: &Path,
        failure: &Failure,
    ) -> Result<(), Spent> {
        let name = rule.name();
        let detail = match failure {
            Failure::Limit => format!(
                "'{failure}': no further validation rules will be run due to call cost exceeds limit for rule: {name}"
            ),
            Failure::Error(why) if why.starts_with("no such overload") => format!(
                "'{why}': call arguments did not match a supported operator, function or macro signature for rule: {name}"
            ),
            Failure::Error(why) => format!("{why} evaluating rule: {name}"),
        };
        self.error(Error::invalid(at, v.ty, detail));
        match failure {
            Failure::Limit => Err(Spent),
            Failure::Error(_) => Ok(()),
        }
    }

    /// The error of a rule that does not hold.
    fn failed(
        &mut self,
        v: &Validator,
        rule: &Rule,
        path: Option<&Path>,
        value: &Value,
        inputs: &[Input<'_>],
    ) -> Result<Error, Spent> {
        let at = match &rule.field_path {
            Some(below) => child(path, below),
            None => shown(path),
        };
        let made = match &rule.message_program {
            Some(Ok(program)) => self.message(v, rule, program, &at, inputs)?,
            _ => None,
        };
        let detail = made.unwrap_or_else(|| match rule.message.is_empty() {
            true => format!("failed rule: {}", rule.name()),
            false => rule.message.trim().to_owned(),
        });
        let whole = matches!(v.ty, "object" | "array");
        Ok(match rule.reason.as_str() {
            "FieldValueForbidden" => Error::forbidden(&at, detail),
            "FieldValueRequired" => Error::required(&at, detail),
            "FieldValueDuplicate" => Error::duplicate(&at, value.clone()),
            _ if whole => Error::invalid_without_value(&at, detail),
            _ => Error::invalid(&at, value.clone(), detail),
        })
    }

    /// What the expression of a message makes; `None` when that is of no use.
    fn message(
        &mut self,
        v: &Validator,
        rule: &Rule,
        program: &Program,
        at: &Path,
        inputs: &[Input<'_>],
    ) -> Result<Option<String>, Spent> {
        let (answer, cost) = program.run(inputs);
        let quoted = catena_objects::json::go_quote(&rule.message_source);
        let problem = if cost > self.budget {
            Some("messageExpression evaluation failed due to running out of cost budget, no further validation rules will be run".to_owned())
        } else if answer == Err(Failure::Limit) {
            Some(format!(
                "no further validation rules will be run due to call cost exceeds limit for messageExpression: {quoted}"
            ))
        } else {
            None
        };
        if let Some(why) = problem {
            self.error(Error::invalid(at, v.ty, why));
            return Err(Spent);
        }
        self.budget -= cost;
        let Ok(Answer::Text(text)) = answer else {
            return Ok(None);
        };
        let text = text.trim();
        let usable = !text.is_empty() && text.len() <= MAX_MESSAGE && !text.contains('\n');
        Ok(usable.then(|| text.to_owned()))
    }
}

impl Rule {
    /// What errors call the rule.
    fn name(&self) -> &str {
        match self.message.is_empty() {
            true => self.text.trim(),
            false => self.message.trim(),
        }
    }
}
