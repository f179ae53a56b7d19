//! Rules of a definition: whether they compile, and what they can cost.

use std::sync::Arc;

use catena_objects::{
    Map, Value,
    field::{Error, Errors, Path},
};
use catena_schema::structural;

use super::{Envs, Validator};
use crate::decl::Decl;

/// Cost of one rule.
const RULE_LIMIT: u64 = 10_000_000;
/// Cost of all rules of a schema.
const SCHEMA_LIMIT: u64 = 100_000_000;
/// Rules that are named when all of them together cost too much.
const NAMED: usize = 4;

/// Everything wrong with a schema at `path`, its rules included.
pub fn check(schema: &Value, path: &Path) -> Errors {
    let structural::Found {
        structure: mut errors,
        openapi,
    } = structural::check(schema, path);
    if errors.is_empty() {
        defaults(schema, path, true, &mut errors);
    }
    let sound = errors.is_empty();
    let found = sound.then(|| expressions(schema, path, &openapi));
    errors.extend(openapi);
    errors.extend(found.unwrap_or_default());
    errors
}

/// Defaults that the rules of their schema do not allow.
fn defaults(schema: &Value, path: &Path, root: bool, errors: &mut Errors) {
    let Some(map) = schema.as_object() else {
        return;
    };
    if let Some(default) = map.get("default").filter(|d| !d.is_null())
        && let Ok(node) = structural::parse(schema)
    {
        let at = path.child("default");
        let node = Arc::new(node);
        let decl = Arc::new(Decl::of(&node, root || node.embedded_resource));
        if let Some(validator) = Validator::below(&node, &decl) {
            errors.extend(validator.validate_at(&at, default, Some(default)).errors);
        }
    }
    if let Some(items) = map.get("items") {
        defaults(items, &path.child("items"), false, errors);
    }
    let properties = map.get("properties").and_then(Value::as_object);
    for (key, v) in properties.into_iter().flatten() {
        defaults(v, &path.child("properties").key(key), false, errors);
    }
}

/// Compiles all rules of a schema at `path`. Rules of parts that `broken` says
/// have errors of their own are passed by.
fn expressions(schema: &Value, path: &Path, broken: &Errors) -> Errors {
    let mut checker = Checker {
        errors: Errors::new(),
        broken: broken.0.iter().map(|e| e.field.clone()).collect(),
        total: 0,
        expensive: Vec::new(),
    };
    if let Some(map) = schema.as_object() {
        let place = Place {
            schema,
            decl: None,
            scope: false,
            cardinality: Some(1),
            uncorrelatable: None,
            root: true,
        };
        checker.schema(map, path, place);
    }
    checker.finish(path)
}

/// Where a schema stands.
#[derive(Clone)]
struct Place<'a> {
    schema: &'a Value,
    /// As the schema around has it; `None` when it is to be read.
    decl: Option<Arc<Decl>>,
    /// There are rules here or above.
    scope: bool,
    /// How often data of the schema can be; `None` is without bound.
    cardinality: Option<u64>,
    /// The schema above in which nothing before an update can be found.
    uncorrelatable: Option<Path>,
    root: bool,
}

struct Checker {
    errors: Errors,
    broken: Vec<String>,
    total: u64,
    expensive: Vec<(Path, u64)>,
}

fn rules(map: &Map) -> &[Value] {
    let rules = map.get("x-kubernetes-validations");
    rules.and_then(Value::as_array).unwrap_or_default()
}

/// How many children data of a schema can have; `None` is without bound.
fn children(map: &Map) -> Option<u64> {
    let bound = |key: &str| {
        map.get(key)
            .and_then(Value::as_i64)
            .map(|n| n.max(0) as u64)
    };
    let text = map.get("type").and_then(Value::as_str).unwrap_or_default();
    match text {
        "object"
            if map
                .get("additionalProperties")
                .is_some_and(|v| !v.is_null()) =>
        {
            bound("maxProperties")
        }
        "array" => bound("maxItems"),
        _ => Some(1),
    }
}

impl Checker {
    fn schema(&mut self, map: &Map, path: &Path, mut place: Place<'_>) {
        place.scope |= !rules(map).is_empty();
        let decl = place.scope.then(|| place.decl()).flatten();
        let bound = place.cardinality.zip(children(map));
        let cardinality = bound.map(|(a, b)| a.saturating_mul(b));
        let child = |schema, below: Option<Arc<Decl>>| Place {
            schema,
            decl: below,
            scope: place.scope,
            cardinality,
            uncorrelatable: place.uncorrelatable.clone(),
            root: false,
        };
        let element = || decl.as_ref().and_then(|d| d.element().cloned());
        if let Some(schema) = map.get("additionalProperties")
            && let Some(below) = schema.as_object()
        {
            let at = path.child("additionalProperties");
            self.schema(below, &at, child(schema, element()));
        }
        let properties = map.get("properties").and_then(Value::as_object);
        for (name, schema) in properties.into_iter().flatten() {
            if let Some(below) = schema.as_object() {
                let at = path.child("properties").key(name);
                let known = decl.as_ref().and_then(|d| d.field(name).cloned());
                self.schema(below, &at, child(schema, known));
            }
        }
        if let Some(schema) = map.get("items")
            && let Some(below) = schema.as_object()
        {
            let mut inner = child(schema, element());
            let list = map.get("x-kubernetes-list-type").and_then(Value::as_str);
            if list != Some("map") && inner.uncorrelatable.is_none() {
                inner.uncorrelatable = Some(path.clone());
            }
            self.schema(below, &path.child("items"), inner);
        }
        if !rules(map).is_empty() && !self.is_broken(path) {
            match decl.filter(|d| d.visible()) {
                Some(decl) => self.rules(map, path, &place, &decl),
                None => {
                    let why = "internal error: failed to construct type information for x-kubernetes-validations rules: unable to convert structural schema to CEL declarations";
                    let at = path.child("x-kubernetes-validations");
                    self.errors.push(Error::internal(&at, why));
                }
            }
        }
    }

    /// Whether something else is wrong with a schema or below it.
    fn is_broken(&self, path: &Path) -> bool {
        self.broken.iter().any(|f| f.starts_with(path.as_str()))
    }

    fn rules(&mut self, map: &Map, path: &Path, place: &Place<'_>, decl: &Decl) {
        let envs = Envs::new(decl);
        let cardinality = place.cardinality.unwrap_or_else(|| decl.cardinality());
        for (i, rule) in rules(map).iter().enumerate() {
            let at = path.child("x-kubernetes-validations").index(i);
            self.rule(rule, &at, place, decl, &envs, cardinality);
        }
    }

    fn rule(
        &mut self,
        rule: &Value,
        at: &Path,
        place: &Place<'_>,
        decl: &Decl,
        envs: &Envs,
        cardinality: u64,
    ) {
        let optional = rule.bool_at(&["optionalOldSelf"]);
        let is_optional = optional == Some(true);
        let text = rule.str_at(&["rule"]);
        if text.trim().is_empty() {
            return;
        }
        let place_of_rule = at.child("rule");
        let program = match envs.rule(text, is_optional, decl) {
            Ok(program) => program,
            Err(why) => {
                self.observe(&place_of_rule, 0);
                let error = Error::invalid(&place_of_rule, go_rule(rule), why);
                self.errors.push(error);
                if optional.is_some() {
                    self.unused(at, is_optional);
                }
                return;
            }
        };
        let cost = program.cost().max.saturating_mul(cardinality);
        if cost > RULE_LIMIT {
            let why = exceeds("estimated rule cost", cost, RULE_LIMIT);
            self.errors.push(Error::forbidden(&place_of_rule, why));
        }
        self.observe(&place_of_rule, cost);
        self.message(rule, at, decl, envs, is_optional);
        if program.uses(super::OLD_SELF) {
            if let Some(outer) = &place.uncorrelatable {
                let why = format!(
                    "oldSelf cannot be used on the uncorrelatable portion of the schema within {}",
                    outer.as_str()
                );
                self.errors.push(Error::invalid(&place_of_rule, text, why));
            }
        } else if optional.is_some() {
            self.unused(at, is_optional);
        }
    }

    fn unused(&mut self, at: &Path, given: bool) {
        let why = "may not be set if oldSelf is not used in rule";
        let at = at.child("optionalOldSelf");
        self.errors.push(Error::invalid(&at, given, why));
    }

    fn message(&mut self, rule: &Value, at: &Path, decl: &Decl, envs: &Envs, optional: bool) {
        let text = rule.str_at(&["messageExpression"]);
        if text.is_empty() {
            return;
        }
        let at = at.child("messageExpression");
        match envs.message(text, optional, decl) {
            Err(why) => self.errors.push(Error::invalid(&at, go_rule(rule), why)),
            Ok(program) => {
                let cost = program.cost().max;
                if cost > RULE_LIMIT {
                    let why = exceeds("estimated messageExpression cost", cost, RULE_LIMIT);
                    self.errors.push(Error::forbidden(&at, why));
                }
                self.observe(&at, cost);
            }
        }
    }

    fn observe(&mut self, at: &Path, cost: u64) {
        self.total = self.total.saturating_add(cost);
        if cost >= SCHEMA_LIMIT / 100 {
            self.expensive.push((at.clone(), cost));
            self.expensive
                .sort_by_key(|(_, cost)| std::cmp::Reverse(*cost));
            self.expensive.truncate(NAMED);
        }
    }

    fn finish(mut self, path: &Path) -> Errors {
        if self.total > SCHEMA_LIMIT {
            for (at, _) in &self.expensive {
                let why = "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema";
                self.errors.push(Error::forbidden(at, why));
            }
            let what =
                "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema";
            let why = exceeds(what, self.total, SCHEMA_LIMIT);
            self.errors.push(Error::forbidden(path, why));
        }
        self.errors
    }
}

impl Place<'_> {
    fn decl(&self) -> Option<Arc<Decl>> {
        if let Some(decl) = &self.decl {
            return Some(decl.clone());
        }
        let node = structural::parse(self.schema).ok()?;
        let resource = self.root || node.embedded_resource;
        Some(Arc::new(Decl::of(&node, resource)))
    }
}

fn exceeds(what: &str, cost: u64, limit: u64) -> String {
    let factor = cost as f64 / limit as f64;
    let factor = match factor {
        f if f > 100.0 => "more than 100x".to_owned(),
        f if f < 1.5 => format!("{f:.6}x"),
        f => format!("{f:.1}x"),
    };
    format!(
        "{what} exceeds budget by factor of {factor} (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)"
    )
}

/// A rule as Go's internal type prints it, which has no JSON names.
fn go_rule(rule: &Value) -> Value {
    let text = |key: &str| Value::from(rule.str_at(&[key]));
    let or_null = |key: &str| rule.get(key).cloned().unwrap_or(Value::Null);
    let mut out = Value::object();
    out.set(&["Rule"], text("rule"));
    out.set(&["Message"], text("message"));
    out.set(&["MessageExpression"], text("messageExpression"));
    out.set(&["Reason"], or_null("reason"));
    out.set(&["FieldPath"], text("fieldPath"));
    out.set(&["OptionalOldSelf"], or_null("optionalOldSelf"));
    out
}
