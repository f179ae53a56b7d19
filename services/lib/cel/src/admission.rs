//! Expressions of admission: of policies, and match conditions of web hooks
//! (`apiserver/pkg/admission/plugin/cel/compile.go`). They are compiled when the
//! object is written, so that a bad one is refused.

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
};

use crate::{Env, Program, Type, Uncompiled, compile};

/// The type of `variables`.
const VARIABLES: &str = "kubernetes.variables";

/// What an expression can name besides the object, the request and the namespace.
#[derive(Clone, Copy, Debug, Default)]
pub struct Names {
    pub params: bool,
    pub authorizer: bool,
    /// Objects and JSON patches can be made.
    pub patches: bool,
}

/// What an expression has to come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    Condition,
    Text,
    TextOrNull,
    Object,
    Patches,
}

/// Why an expression cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    Invalid(String),
    Internal(String),
}

/// What an expression comes to, and why it makes no program nevertheless.
pub(crate) type Output = (Type, Result<(), Problem>);

/// The type of what was compiled, which is judged before anything else.
///
/// # Errors
/// It was not compiled.
pub(crate) fn output(compiled: &Result<Program, Uncompiled>) -> Result<Output, Problem> {
    match compiled {
        Ok(program) => Ok((program.output().clone(), Ok(()))),
        Err(why @ Uncompiled::NoProgram(ty, _)) => {
            Ok((ty.clone(), Err(Problem::Internal(why.to_string()))))
        }
        Err(Uncompiled::Wrong(why)) => Err(Problem::Invalid(format!("compilation failed: {why}"))),
    }
}

/// Compiles the expressions of one object.
#[derive(Default)]
pub struct Compiler {
    /// Those that later expressions can name; `None`: they know of none.
    variables: Option<BTreeMap<String, Type>>,
}

impl Compiler {
    /// For expressions that stand for themselves.
    pub fn new() -> Self {
        Self::default()
    }

    /// For expressions that are composed of others, by `variables`.
    pub fn composed() -> Self {
        Self {
            variables: Some(BTreeMap::new()),
        }
    }

    /// Compiles a variable, which expressions after it can name, whatever it is.
    ///
    /// # Errors
    /// What is wrong with the expression.
    pub fn variable(&mut self, name: &str, text: &str, params: bool) -> Result<(), Problem> {
        let names = Names {
            params,
            authorizer: true,
            patches: false,
        };
        let compiled = self.compiled(text, names);
        let known = match &compiled {
            Ok((ty, Ok(()))) => plain(ty),
            _ => Type::Dyn,
        };
        if let Some(variables) = &mut self.variables {
            variables.insert(name.to_owned(), known);
        }
        compiled?.1
    }

    /// Compiles an expression.
    ///
    /// # Errors
    /// What is wrong with it, or that it comes to something else.
    pub fn check(&self, text: &str, names: Names, wanted: Wanted) -> Result<(), Problem> {
        let (output, ready) = self.compiled(text, names)?;
        let expected = wanted.types();
        if expected.contains(&output) {
            return ready;
        }
        let expected: Vec<String> = expected.iter().map(Type::declared).collect();
        let expected = match &*expected {
            [one] => one.clone(),
            several => format!("one of [{}]", several.join(" ")),
        };
        let output = output.declared();
        Err(Problem::Invalid(format!(
            "must evaluate to {expected} but got {output}"
        )))
    }

    fn compiled(&self, text: &str, names: Names) -> Result<Output, Problem> {
        let mut env = BASE.clone();
        if let Some(variables) = &self.variables {
            let fields: Vec<_> = variables
                .iter()
                .map(|(n, t)| (n.as_str(), t.clone()))
                .collect();
            env = env
                .with_object(VARIABLES, &fields)
                .with("variables", object(VARIABLES));
        }
        if names.params {
            env = env.with("params", Type::Dyn);
        }
        if names.authorizer {
            let check = object("kubernetes.authorization.ResourceCheck");
            env = env
                .with("authorizer", object("kubernetes.authorization.Authorizer"))
                .with("authorizer.requestResource", check);
        }
        if names.patches {
            env = env.with_patches();
        }
        output(&compile(text, &env, None))
    }
}

impl Wanted {
    fn types(self) -> Vec<Type> {
        match self {
            Self::Condition => vec![Type::Bool],
            Self::Text => vec![Type::String],
            Self::TextOrNull => vec![Type::String, Type::Null],
            Self::Object => vec![object("Object")],
            Self::Patches => vec![Type::list(object("JSONPatch"))],
        }
    }
}

/// What expressions know of a variable of this type (`convertCelTypeToDeclType`).
fn plain(ty: &Type) -> Type {
    match ty {
        Type::List(of) => Type::list(plain(of)),
        Type::Map(key, value) => Type::map(plain(key), plain(value)),
        Type::Type(_) | Type::Opaque(..) | Type::Object(_) | Type::Param(_) | Type::Error => {
            Type::Dyn
        }
        other => other.clone(),
    }
}

fn object(name: &str) -> Type {
    Type::Object(name.into())
}

fn texts() -> Type {
    Type::list(Type::String)
}

/// What every expression of admission can name.
static BASE: LazyLock<Env> = LazyLock::new(|| {
    namespace(request(Env::new()))
        .with("object", Type::Dyn)
        .with("oldObject", Type::Dyn)
        .with("namespaceObject", object("kubernetes.Namespace"))
        .with("request", object("kubernetes.AdmissionRequest"))
});

/// The type of `request` (`BuildRequestType`).
fn request(env: Env) -> Env {
    let kind = object("kubernetes.GroupVersionKind");
    let resource = object("kubernetes.GroupVersionResource");
    let text = Type::String;
    env.with_object(
        "kubernetes.GroupVersionKind",
        &[
            ("group", text.clone()),
            ("version", text.clone()),
            ("kind", text.clone()),
        ],
    )
    .with_object(
        "kubernetes.GroupVersionResource",
        &[
            ("group", text.clone()),
            ("version", text.clone()),
            ("resource", text.clone()),
        ],
    )
    .with_object(
        "kubernetes.UserInfo",
        &[
            ("username", text.clone()),
            ("uid", text.clone()),
            ("groups", texts()),
            ("extra", Type::map(Type::String, texts())),
        ],
    )
    .with_object(
        "kubernetes.AdmissionRequest",
        &[
            ("kind", kind.clone()),
            ("resource", resource.clone()),
            ("subResource", text.clone()),
            ("requestKind", kind),
            ("requestResource", resource),
            ("requestSubResource", text.clone()),
            ("name", text.clone()),
            ("namespace", text.clone()),
            ("operation", text),
            ("userInfo", object("kubernetes.UserInfo")),
            ("dryRun", Type::Bool),
            ("options", Type::Dyn),
        ],
    )
}

/// The type of `namespaceObject` (`BuildNamespaceType`).
fn namespace(env: Env) -> Env {
    let (text, time) = (Type::String, Type::Timestamp);
    let map = Type::Map(Arc::new(Type::String), Arc::new(Type::String));
    env.with_object("kubernetes.NamespaceSpec", &[("finalizers", texts())])
        .with_object(
            "kubernetes.NamespaceCondition",
            &[
                ("status", text.clone()),
                ("type", text.clone()),
                ("lastTransitionTime", time.clone()),
                ("message", text.clone()),
                ("reason", text.clone()),
            ],
        )
        .with_object(
            "kubernetes.NamespaceStatus",
            &[
                (
                    "conditions",
                    Type::list(object("kubernetes.NamespaceCondition")),
                ),
                ("phase", text.clone()),
            ],
        )
        .with_object(
            "kubernetes.NamespaceMetadata",
            &[
                ("name", text.clone()),
                ("generateName", text.clone()),
                ("namespace", text.clone()),
                ("labels", map.clone()),
                ("annotations", map),
                ("UID", text.clone()),
                ("creationTimestamp", time.clone()),
                ("deletionGracePeriodSeconds", Type::Int),
                ("deletionTimestamp", time),
                ("generation", Type::Int),
                ("resourceVersion", text),
                ("finalizers", texts()),
            ],
        )
        .with_object(
            "kubernetes.Namespace",
            &[
                ("metadata", object("kubernetes.NamespaceMetadata")),
                ("spec", object("kubernetes.NamespaceSpec")),
                ("status", object("kubernetes.NamespaceStatus")),
            ],
        )
}

#[cfg(test)]
mod tests;
