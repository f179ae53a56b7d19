//! Compiling and running expressions.

use catena_objects::Value;

use crate::{
    PER_CALL_LIMIT,
    check::{self, Checked, Ref},
    cost::{self, Range},
    decl::Decl,
    env::Env,
    eval::Run,
    parse,
    plan::{self, Node},
    source::{Problems, Source},
    types::Type,
    value::{Fault, Val},
};

/// A compiled expression.
pub struct Program {
    node: Node,
    output: Type,
    cost: Range,
    /// Which variables it names.
    uses: Vec<bool>,
}

/// A value of a variable.
#[derive(Clone, Copy)]
pub enum Input<'a> {
    /// There is none.
    Absent,
    Data(&'a Value, &'a Decl),
    /// An optional, of data or of nothing.
    Optional(Option<(&'a Value, &'a Decl)>),
    Text(&'a str),
}

/// What an expression came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    Bool(bool),
    Text(String),
    /// Anything else.
    Other(String),
}

/// Why an expression came to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// An error that the expression led to, as `cel-go` words it.
    Error(String),
    /// It cost more than one evaluation may.
    Limit,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Error(message) => message,
            Self::Limit => "operation cancelled: actual cost limit exceeded",
        })
    }
}

/// Why an expression does not compile.
#[derive(Clone, Debug, PartialEq)]
pub enum Uncompiled {
    Wrong(String),
    /// It is right, and comes to this type; a constant of it cannot be computed.
    NoProgram(Type, String),
}

impl std::fmt::Display for Uncompiled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Wrong(why) => f.write_str(why),
            Self::NoProgram(_, why) => write!(f, "program instantiation failed: {why}"),
        }
    }
}

impl std::error::Error for Uncompiled {}

/// Compiles an expression. `root` bounds the data of its variables.
///
/// # Errors
/// What is wrong with it, as `cel-go` prints it, with the places.
pub fn compile(text: &str, env: &Env, root: Option<&Decl>) -> Result<Program, Uncompiled> {
    let source = Source::new(text);
    let mut problems = Problems::new();
    let parsed = parse::parse(&source, env.bindings, &mut problems);
    if !problems.is_empty() {
        return Err(Uncompiled::Wrong(problems.show(&source)));
    }
    let checked = check::check(parsed, env, &mut problems);
    if !problems.is_empty() {
        return Err(Uncompiled::Wrong(problems.show(&source)));
    }
    let output = checked.ty(&checked.expr).clone();
    let node = plan::plan(&checked).map_err(|why| Uncompiled::NoProgram(output.clone(), why))?;
    Ok(Program {
        node,
        output,
        cost: cost::estimate(&checked, root),
        uses: uses(&checked, env),
    })
}

fn uses(checked: &Checked, env: &Env) -> Vec<bool> {
    let mut out = vec![false; env.variables.len()];
    for reference in checked.refs.iter().flatten() {
        if let Ref::Variable(at) = reference {
            out[*at] = true;
        }
    }
    out
}

impl Program {
    /// The type of what it comes to.
    pub fn output(&self) -> &Type {
        &self.output
    }

    /// What it costs, as far as the bounds of the data tell.
    pub fn cost(&self) -> Range {
        self.cost
    }

    /// Whether it names the variable that was added at this place.
    pub fn uses(&self, variable: usize) -> bool {
        self.uses.get(variable).copied().unwrap_or_default()
    }

    /// Evaluates it. Also what it cost, whatever came of it.
    pub fn run(&self, inputs: &[Input<'_>]) -> (Result<Answer, Failure>, u64) {
        let mut variables = Vec::with_capacity(inputs.len());
        for input in inputs {
            match value(*input) {
                Ok(v) => variables.push(v),
                Err(fault) => return (Err(failure(fault)), 0),
            }
        }
        let mut run = Run::new(&variables, PER_CALL_LIMIT);
        let outcome = run.eval(&self.node);
        let cost = run.cost();
        let answer = match outcome {
            Ok(Val::Bool(b)) => Ok(Answer::Bool(b)),
            Ok(Val::Text(s)) => Ok(Answer::Text(s.to_string())),
            Ok(other) => Ok(Answer::Other(crate::functions::shown(&other))),
            Err(fault) => Err(failure(fault)),
        };
        (answer, cost)
    }
}

fn failure(fault: Fault) -> Failure {
    match fault {
        Fault::Error(message) => Failure::Error(message),
        Fault::Limit => Failure::Limit,
    }
}

fn value<'a>(input: Input<'a>) -> Result<Option<Val<'a>>, Fault> {
    Ok(match input {
        Input::Absent => None,
        Input::Data(value, decl) => Some(Val::of(value, decl)?),
        Input::Optional(None) => Some(Val::NONE),
        Input::Optional(Some((value, decl))) => Some(Val::some(Val::of(value, decl)?)),
        Input::Text(text) => Some(Val::Text(crate::value::Text::Data(text))),
    })
}
