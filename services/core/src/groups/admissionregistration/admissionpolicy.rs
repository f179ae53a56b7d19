//! Admission policies: their structure, and whether their expressions compile.

use std::collections::BTreeSet;

use catena_cel::admission::{Compiler, Names, Wanted};
use catena_objects::{Value, field::Errors, names};
use catena_registry::{Context, Strategy, strategy::keep_other_half_and_metadata};

use super::{
    expression::{self, judge},
    rule,
};
use crate::{groups::core::pod::defaults::present, rules::At};

#[derive(Debug)]
pub struct AdmissionPolicy {
    pub mutating: bool,
}

impl Strategy for AdmissionPolicy {
    fn default(&self, object: &mut Value) {
        let Some(spec) = present(object, "spec") else {
            return;
        };
        spec.set_default(&["failurePolicy"], "Fail");
        if let Some(m) = present(spec, "matchConstraints") {
            rule::default_match(m);
        }
    }

    fn prepare_create(&self, _ctx: &Context, object: &mut Value) {
        if self.mutating {
            object.unset(&["status"]);
        } else {
            object.set(&["status"], Value::object());
        }
    }

    fn prepare_update(&self, ctx: &Context, object: &mut Value, old: &Value) {
        keep_other_half_and_metadata(ctx, object, old);
    }

    fn validate(&self, _ctx: &Context, object: &Value) -> Errors {
        self.judged(object, false)
    }

    fn validate_update(&self, ctx: &Context, object: &Value, old: &Value) -> Errors {
        if ctx.subresource == "status" {
            return Errors::new();
        }
        let spec = |v: &Value| v.get("spec").cloned().unwrap_or_default();
        let same = expression::same_conditions(&spec(object), &spec(old));
        self.judged(object, same)
    }

    fn has_generation(&self) -> bool {
        true
    }
}

impl AdmissionPolicy {
    fn judged(&self, object: &Value, same_conditions: bool) -> Errors {
        let mut e = Errors::new();
        let at = At::root(object, "spec");
        self.constraints(&at, &mut e);
        let params = at.child("paramKind").has();
        if !same_conditions {
            expression::match_conditions(&at.child("matchConditions"), params, &mut e);
        }
        let variables = at.child("variables");
        let mut compiler = match self.mutating || !variables.is_empty() {
            true => Compiler::composed(),
            false => Compiler::new(),
        };
        for v in variables.items() {
            variable(&v, &mut compiler, params, &mut e);
        }
        if self.mutating {
            mutations(&at, &compiler, params, &mut e);
        } else {
            validations(&at, object, &compiler, params, &mut e);
        }
        e
    }

    fn constraints(&self, at: &At, e: &mut Errors) {
        let failure = at.child("failurePolicy");
        if failure.has() {
            failure.one_of(e, &["Fail", "Ignore"]);
        } else {
            failure.required(e, "");
        }
        if let Some(k) = at.some("paramKind") {
            param_kind(&k, e);
        }
        let constraints = at.child("matchConstraints");
        if constraints.has() {
            rule::match_resources(&constraints, e);
            let rules = constraints.child("resourceRules");
            if rules.is_empty() {
                rules.required(e, "");
            }
            if self.mutating {
                operations(&rules, e);
            }
        } else {
            constraints.required(e, "");
        }
    }
}

/// What is deleted cannot be changed.
fn operations(rules: &At, e: &mut Errors) {
    let known = ["*", "CONNECT", "CREATE", "UPDATE"];
    for rule in rules.items() {
        for operation in rule.child("operations").items() {
            let at = At::new(operation.v, rules.path.child("operations"));
            at.one_of(e, &known);
        }
    }
}

fn variable(v: &At, compiler: &mut Compiler, params: bool, e: &mut Errors) {
    let name = v.child("name");
    if name.str().trim().is_empty() {
        name.required(e, "name is not specified");
    } else if !names::c_identifier(name.str()).is_empty() || catena_cel::is_reserved(name.str()) {
        name.bad_text(e, "must be a valid CEL identifier");
    }
    let expression = v.child("expression");
    let text = expression.str();
    if text.trim().is_empty() {
        expression.required(e, "expression is not specified");
    } else {
        let found = compiler.variable(name.str(), text, params);
        judge(&expression, text, found, e);
    }
}

fn param_kind(at: &At, e: &mut Errors) {
    let version = at.child("apiVersion");
    match version.str().split('/').collect::<Vec<_>>().as_slice() {
        [""] => version.required(e, ""),
        [v] => version_label(&version, v, e),
        [g, v] => {
            if !g.is_empty() {
                let bad = names::dns1123_subdomain(g, false);
                if !bad.is_empty() {
                    version.bad_value(e, *g, bad.join(","));
                }
            }
            version_label(&version, v, e);
        }
        _ => version.bad_text(
            e,
            format!("unexpected GroupVersion string: {}", version.str()),
        ),
    }
    let kind = at.child("kind");
    if kind.str().is_empty() {
        kind.required(e, "");
        return;
    }
    let bad = names::dns1035_label(&kind.str().to_lowercase(), false);
    if !bad.is_empty() {
        kind.bad_text(
            e,
            format!(
                "may have mixed case, but should otherwise match: {}",
                bad.join(",")
            ),
        );
    }
}

fn version_label(at: &At, version: &str, e: &mut Errors) {
    if version.is_empty() {
        at.bad_text(e, "version must be specified");
        return;
    }
    let bad = names::dns1035_label(version, false);
    if !bad.is_empty() {
        at.bad_value(e, version, bad.join(","));
    }
}

fn validations(at: &At, object: &Value, compiler: &Compiler, params: bool, e: &mut Errors) {
    const ONE: &str = "validations or auditAnnotations must contain at least one item";
    let (checks, audits) = (at.child("validations"), at.child("auditAnnotations"));
    if checks.is_empty() && audits.is_empty() {
        checks.required(e, ONE);
        audits.required(e, ONE);
        return;
    }
    let known = Names {
        params,
        authorizer: true,
        patches: false,
    };
    for v in checks.items() {
        let expression = v.child("expression");
        if expression.str().trim().is_empty() {
            expression.required(e, "expression is not specified");
        } else {
            let found = compiler.check(expression.str(), known, Wanted::Condition);
            judge(&expression, expression.str(), found, e);
        }
        let from = v.child("messageExpression");
        if !from.is_empty() && from.str().trim().is_empty() {
            from.bad_text(e, "must be non-empty if specified");
        } else if !from.is_empty() {
            let known = Names {
                authorizer: false,
                ..known
            };
            let found = compiler.check(from.str(), known, Wanted::Text);
            judge(&from, from.str(), found, e);
        }
        let message = v.child("message");
        if !message.is_empty() && message.str().trim().is_empty() {
            message.bad_text(e, "must be non-empty if specified");
        } else if message.str().trim().contains(['\n', '\r']) {
            message.bad_text(e, "must not contain line breaks");
        }
        if let Some(r) = v.some("reason") {
            r.one_of(e, &["Forbidden", "Invalid", "RequestEntityTooLarge"]);
        }
    }
    if audits.len() > 20 {
        audits.invalid(e, "must not have more than 20 auditAnnotations");
    }
    let policy = object.str_at(&["metadata", "name"]);
    let mut seen = BTreeSet::new();
    for a in audits.items() {
        let key = a.child("key");
        if policy.is_empty() {
            key.bad_text(e, "requires metadata.name be non-empty");
        } else {
            let full = format!("{policy}/{}", key.str());
            for why in names::qualified_name(&full) {
                key.bad_value(e, full.as_str(), why);
            }
        }
        let value = a.child("valueExpression");
        if value.str().trim().is_empty() {
            value.required(e, "valueExpression is not specified");
        } else if value.str().trim().len() > 5 * 1024 {
            value.required(e, "must not exceed 5120 bytes in length");
        } else {
            let found = compiler.check(value.str().trim(), known, Wanted::TextOrNull);
            judge(&value, value.str(), found, e);
        }
        if !seen.insert(key.str()) {
            key.duplicate(e);
        }
    }
}

fn mutations(at: &At, compiler: &Compiler, params: bool, e: &mut Errors) {
    let known = Names {
        params,
        authorizer: true,
        patches: true,
    };
    let list = at.child("mutations");
    if list.is_empty() {
        list.required(e, "mutations must contain at least one item");
    }
    for m in list.items() {
        let kind = m.child("patchType");
        let (member, other, wanted) = match kind.str() {
            "" => {
                kind.required(e, "");
                continue;
            }
            "ApplyConfiguration" => ("applyConfiguration", "jsonPatch", Wanted::Object),
            "JSONPatch" => ("jsonPatch", "applyConfiguration", Wanted::Patches),
            _ => {
                kind.unsupported(e, &["ApplyConfiguration", "JSONPatch"]);
                continue;
            }
        };
        let c = m.child(member);
        if !c.has() {
            c.required(
                e,
                &format!("must be specified when patchType is {}", kind.str()),
            );
        } else {
            let expression = c.child("expression");
            let text = expression.str().trim();
            if text.is_empty() {
                expression.required(e, "");
            } else {
                let found = compiler.check(text, known, wanted);
                judge(&expression, text, found, e);
            }
        }
        if let Some(other) = m.some(other) {
            let name = other.path.as_str().rsplit('.').next().unwrap_or_default();
            let why = format!("must not be specified when patchType is {}", kind.str());
            other.bad_value(e, format!("{{{name}}}"), why);
        }
    }
    let again = at.child("reinvocationPolicy");
    if again.str().is_empty() {
        again.required(e, "");
    } else {
        again.one_of(e, &["IfNeeded", "Never"]);
    }
}
