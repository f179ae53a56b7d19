//! Rules with what kube-apiserver's own code says of them: messages of the
//! compiler, estimated costs, errors of objects, and what they cost.

use std::{path::Path, sync::Arc};

use catena_cel::{Decl, Env, Type, Uncompiled, compile, rules::Validator};
use catena_objects::{Value, json};
use catena_schema::structural;

/// The schema and the objects that all cases share.
struct Shared {
    schema: Value,
    object: Value,
    old: Value,
}

/// What is said of a rule: of its text, its estimated cost, the object, and the
/// cost of evaluating it.
fn judged(shared: &Shared, case: &Value) -> Value {
    let mut rule = Value::object();
    rule.set(&["rule"], case.str_at(&["rule"]));
    let optional = case.bool_at(&["optionalOldSelf"]) == Some(true);
    if optional {
        rule.set(&["optionalOldSelf"], true);
    }
    let mut schema = shared.schema.clone();
    schema.set(&["x-kubernetes-validations"], vec![rule]);
    let node = Arc::new(structural::parse(&schema).expect("the schema is readable"));
    let decl = Decl::of(&node, true);
    let mut env = Env::new();
    let ty = env.declare(&decl, "selfType");
    let old = if optional {
        Type::optional(ty.clone())
    } else {
        ty.clone()
    };
    let env = env.with("self", ty).with("oldSelf", old);
    let (why, cost) = match compile(case.str_at(&["rule"]), &env, Some(&decl)) {
        Ok(p) if *p.output() != Type::Bool => {
            ("cel expression must evaluate to a bool".to_owned(), 0)
        }
        Ok(p) => (String::new(), p.cost().max),
        Err(why @ Uncompiled::NoProgram(..)) => (why.to_string(), 0),
        Err(why) => (format!("compilation failed: {why}"), 0),
    };
    let validator = Validator::new(&node).expect("the schema has rules");
    let found = validator.validate(&shared.object, Some(&shared.old));
    let errors: Vec<Value> = found
        .errors
        .0
        .iter()
        .map(|e| e.to_string().into())
        .collect();
    let mut out = Value::object();
    let compiles = why.is_empty();
    out.set(&["compile"], why);
    // The largest cost stands for all that cannot be counted.
    out.set(&["cost"], cost.to_string());
    if compiles {
        out.set(&["errors"], errors);
        out.set(&["spent"], found.cost.to_string());
    }
    out
}

#[test]
fn rules_are_judged_as_by_kube_apiserver() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let file = std::env::var_os("CEL_CASES")
        .map_or_else(|| here.join("tests/reference.jsonl"), Into::into);
    let text = std::fs::read_to_string(file).expect("the cases are there");
    let mut lines = text
        .lines()
        .map(|l| json::parse(l.as_bytes()).expect("a line is JSON"));
    let first = lines.next().expect("the first line has what is shared");
    let part = |key: &str| first.get(key).cloned().expect("all parts are there");
    let shared = Shared {
        schema: part("schema"),
        object: part("obj"),
        old: part("old"),
    };
    let mut count = 0;
    let mut wrong = Vec::new();
    for case in lines {
        count += 1;
        let (found, want) = (judged(&shared, &case), case.get("want").expect("an answer"));
        for key in ["compile", "cost", "errors", "spent"] {
            if found.get(key) != want.get(key) {
                let show = |v: &Value| v.get(key).map(json::to_string).unwrap_or_default();
                wrong.push(format!(
                    "{} {key}:\n   got {}\n  want {}",
                    case.str_at(&["rule"]),
                    show(&found),
                    show(want)
                ));
            }
        }
    }
    assert!(count > 400, "only {count} cases");
    let list = wrong.join("\n");
    assert!(wrong.is_empty(), "{} of {count}:\n{list}", wrong.len());
}
