//! `x-kubernetes-validations`: rules of custom resources
//! (`apiextensions-apiserver/pkg/apiserver/schema/cel`).

mod definition;
mod ratchet;
mod run;

use std::{collections::BTreeMap, sync::Arc};

use catena_objects::Value;
use catena_schema::{
    Node, Type as Schema,
    node::{MapType, NodeRef},
    structural,
};

use crate::{
    decl::Decl,
    env::Env,
    program::{Program, Uncompiled, compile},
    types::Type,
};

pub use definition::check;
pub use run::Found;

/// Name of object types in expressions; rules must not depend on it.
const TYPE_NAME: &str = "selfType";
const SELF: usize = 0;
const OLD_SELF: usize = 1;

/// One rule, compiled.
pub(crate) struct Rule {
    text: String,
    message: String,
    reason: String,
    /// Relative to the place of the rule, if it is valid.
    field_path: Option<String>,
    optional_old: bool,
    /// `None`: the rule is empty.
    program: Option<Result<Program, String>>,
    message_program: Option<Result<Program, String>>,
    message_source: String,
}

/// The rules of a schema, those of its members included.
pub struct Validator {
    node: Arc<Node>,
    decl: Arc<Decl>,
    /// As `type` of the schema says.
    ty: &'static str,
    rules: Vec<Rule>,
    items: Option<Box<Validator>>,
    additional: Option<Box<Validator>>,
    properties: BTreeMap<String, Validator>,
}

impl Validator {
    /// The rules of the schema of a resource; `None` when there are none.
    pub fn new(node: &Arc<Node>) -> Option<Self> {
        let decl = Arc::new(Decl::of(node, true));
        Self::below(node, &decl)
    }

    fn below(node: &Arc<Node>, decl: &Arc<Decl>) -> Option<Self> {
        if !decl.visible() {
            return None;
        }
        let rules = compiled(node, decl);
        let mut properties = BTreeMap::new();
        for field in &node.fields {
            let child = field.node.get();
            let decl = decl
                .field(&field.name)
                .cloned()
                .unwrap_or_else(|| Arc::new(Decl::of(child, child.embedded_resource)));
            if let Some(validator) = Self::below(child, &decl) {
                properties.insert(field.name.to_string(), validator);
            }
        }
        let element = |child: &Option<NodeRef>| {
            let validator = Self::below(child.as_ref()?.get(), decl.element()?)?;
            Some(Box::new(validator))
        };
        let (items, additional) = (element(&node.items), element(&node.additional));
        let nothing = rules.is_empty() && properties.is_empty();
        if nothing && items.is_none() && additional.is_none() {
            return None;
        }
        Some(Self {
            node: node.clone(),
            decl: decl.clone(),
            ty: type_name(node),
            rules,
            items,
            additional,
            properties,
        })
    }

    /// Members of a map are the same ones before and after an update.
    fn correlates_members(&self) -> bool {
        matches!(self.node.map_type, MapType::Granular | MapType::Atomic)
    }
}

fn type_name(node: &Node) -> &'static str {
    match node.ty {
        Schema::Object => "object",
        Schema::Array => "array",
        Schema::Boolean => "boolean",
        Schema::Number => "number",
        Schema::Int32 | Schema::Int64 | Schema::Integer => "integer",
        Schema::Any | Schema::IntOrString | Schema::FieldsV1 => "",
        _ => "string",
    }
}

/// What the rules of one schema can name: with `oldSelf` as it is, and as an optional.
pub(crate) struct Envs {
    plain: Env,
    optional: Env,
}

impl Envs {
    pub(crate) fn new(decl: &Decl) -> Self {
        let mut env = Env::new();
        let ty = env.declare(decl, TYPE_NAME);
        let env = env.with("self", ty.clone());
        Self {
            plain: env.clone().with("oldSelf", ty.clone()),
            optional: env.with("oldSelf", Type::optional(ty)),
        }
    }

    /// Compiles a rule, which must be a condition.
    pub(crate) fn rule(&self, text: &str, optional: bool, decl: &Decl) -> Result<Program, String> {
        let env = if optional {
            &self.optional
        } else {
            &self.plain
        };
        let other = "cel expression must evaluate to a bool";
        typed(compile(text, env, Some(decl)), &Type::Bool, other, "")
    }

    /// Compiles an expression that makes a message.
    pub(crate) fn message(
        &self,
        text: &str,
        optional: bool,
        decl: &Decl,
    ) -> Result<Program, String> {
        let env = if optional {
            &self.optional
        } else {
            &self.plain
        };
        let other = "messageExpression must evaluate to a string";
        let compiled = compile(text, env, Some(decl));
        typed(compiled, &Type::String, other, "messageExpression ")
    }
}

/// What was compiled, if it comes to the type; `other` says that it does not.
fn typed(
    compiled: Result<Program, Uncompiled>,
    wanted: &Type,
    other: &str,
    what: &str,
) -> Result<Program, String> {
    match compiled {
        Ok(program) if program.output() == wanted => Ok(program),
        Err(Uncompiled::NoProgram(output, why)) if output == *wanted => Err(match what {
            "" => format!("program instantiation failed: {why}"),
            what => format!("{what}instantiation failed: {why}"),
        }),
        Ok(_) | Err(Uncompiled::NoProgram(..)) => Err(other.to_owned()),
        Err(Uncompiled::Wrong(why)) => Err(format!("{what}compilation failed: {why}")),
    }
}

fn compiled(node: &Node, decl: &Decl) -> Vec<Rule> {
    let rules = node.rules.as_ref().map_or(&[][..], |r| &r.validations);
    if rules.is_empty() {
        return Vec::new();
    }
    let envs = Envs::new(decl);
    rules.iter().map(|r| one(r, node, decl, &envs)).collect()
}

fn one(rule: &Value, node: &Node, decl: &Decl, envs: &Envs) -> Rule {
    let text = |key: &str| rule.str_at(&[key]).to_owned();
    let optional_old = rule.bool_at(&["optionalOldSelf"]) == Some(true);
    let source = text("rule");
    let program = (!source.trim().is_empty()).then(|| envs.rule(&source, optional_old, decl));
    let message = text("messageExpression");
    let usable = matches!(&program, Some(Ok(_))) && !message.is_empty();
    let message_program = usable.then(|| envs.message(&message, optional_old, decl));
    Rule {
        field_path: structural::field_path(&text("fieldPath"), node),
        message: text("message"),
        reason: text("reason"),
        text: source,
        optional_old,
        program,
        message_program,
        message_source: message,
    }
}
