//! Replays recorded definitions against the rules.

use std::path::PathBuf;

use catena_objects::{Status, Value, field::Path, json, meta};
use catena_registry::{Context, Strategy};

use super::{Definition, GROUP, KIND, VERSION, conditions};

const NS: &str = "recorded-ns";

fn recorded(file: &str) -> Option<String> {
    let root = std::env::var_os("CATENA_FACTS").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let text = std::fs::read_to_string(root.join("recorded").join(file)).ok();
    if text.is_none() {
        eprintln!("skipped: no recordings of {file} beside the project");
    }
    text
}

fn context() -> Context {
    Context {
        version: VERSION.into(),
        now: "2026-01-02T03:04:05Z".into(),
        ..Context::default()
    }
}

fn decode(body: &Value) -> Result<Value, String> {
    let node = catena_schema::builtin(GROUP, VERSION, KIND).expect("the facts have the kind");
    catena_schema::decode(&node, body.clone())
        .map(|d| d.value)
        .map_err(|e| e.to_string())
}

fn answer(object: Value, errors: &catena_objects::field::Errors) -> Result<Value, String> {
    if errors.is_empty() {
        return Ok(object);
    }
    let name = object.str_at(&["metadata", "name"]);
    Err(Status::invalid(GROUP, KIND, name, errors).message)
}

fn create(body: &Value) -> Result<Value, String> {
    let mut object = decode(body)
        .map_err(|e| format!("{KIND} in version \"v1\" cannot be handled as a {KIND}: {e}"))?;
    Definition.default(&mut object);
    Definition.prepare_create(&context(), &mut object);
    let empty = Value::object();
    let mut errors = meta::validate_object_meta(
        object.get("metadata").unwrap_or(&empty),
        false,
        &|n, p| Definition.validate_name(n, p),
        &Path::new("metadata"),
    );
    errors.extend(Definition.validate(&context(), &object));
    answer(object, &errors)
}

fn update(body: Value, old: &Value) -> Result<Value, String> {
    let mut object = decode(&body)
        .map_err(|e| format!("{KIND} in version \"v1\" cannot be handled as a {KIND}: {e}"))?;
    Definition.default(&mut object);
    Definition.prepare_update(&context(), &mut object, old);
    let errors = Definition.validate_update(&context(), &object, old);
    answer(object, &errors)
}

/// Messages that need rules of CEL compiled or priced.
fn needs_cel(message: &str) -> bool {
    message.contains("x-kubernetes-validations")
}

/// The recordings hide times, also in the layout that a message quotes.
fn hidden(message: &str) -> String {
    message.replace("2006-01-02T15:04:05Z", "<time>")
}

struct Score {
    same: usize,
    differ: Vec<String>,
}

impl Score {
    fn add(&mut self, got: Result<Value, String>, step: &Value) {
        let expected = step.str_at(&["r", "message"]);
        if needs_cel(expected) {
            return;
        }
        let code = step.i64_at(&["s"]).unwrap_or(0);
        let same = match &got {
            Ok(_) => code < 300,
            Err(m) => code >= 300 && hidden(m) == expected,
        };
        if same {
            self.same += 1;
        } else {
            self.differ
                .push(format!("got {got:?}\nexpected {code} {expected}"));
        }
    }
}

fn conversations(file: &str, wanted: &str) -> Vec<Value> {
    let text = recorded(file).unwrap_or_default().replace("{ns}", NS);
    text.lines()
        .filter_map(|l| json::parse(l.as_bytes()).ok())
        .filter(|c| c.str_at(&["id"]).contains(wanted))
        .collect()
}

#[test]
fn bad_definitions_get_the_recorded_errors() {
    let mut score = Score {
        same: 0,
        differ: Vec::new(),
    };
    let all = [
        ("invalid.jsonl", "CustomResourceDefinition"),
        ("machinery.jsonl", "crd-invalid"),
    ];
    for (file, wanted) in all {
        for c in conversations(file, wanted) {
            for step in c.items_at(&["steps"]) {
                let body = step.get("b").filter(|b| b.as_object().is_some());
                let query = step.str_at(&["p"]).contains("fieldValidation=Nope")
                    || step.str_at(&["p"]).contains("Strict");
                if step.str_at(&["m"]) == "POST"
                    && !query
                    && let Some(body) = body.filter(|b| b.str_at(&["kind"]) == KIND)
                {
                    score.add(create(body), step);
                }
            }
        }
    }
    report(&score);
}

#[test]
fn updates_get_the_recorded_errors() {
    let mut score = Score {
        same: 0,
        differ: Vec::new(),
    };
    for c in conversations("update.jsonl", "CustomResourceDefinition") {
        let setup = c
            .items_at(&["setup"])
            .first()
            .and_then(|s| s.get("b"))
            .cloned();
        let mut old = create(&setup.unwrap_or_default()).expect("the setup is valid");
        for ty in ["NamesAccepted", "Established"] {
            conditions::set(&mut old, "2026-01-02T03:04:05Z", ty, "True", "", "");
        }
        for step in c.items_at(&["steps"]) {
            let patch = step.get("b").cloned().unwrap_or_default();
            if patch.as_array().is_some()
                && let Some(changed) = apply(&old, &patch)
            {
                score.add(update(changed, &old), step);
            }
        }
    }
    report(&score);
}

/// `replace` and `remove` of a JSON patch.
fn apply(old: &Value, patch: &Value) -> Option<Value> {
    let mut object = old.clone();
    for op in patch.as_array()? {
        let mut node = &mut object;
        let path = op.str_at(&["path"]).to_owned();
        let steps: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let (last, parents) = steps.split_last()?;
        for s in parents {
            node = match node {
                Value::Array(_) => node.as_array_mut()?.get_mut(s.parse::<usize>().ok()?)?,
                _ => node.as_object_mut()?.get_mut(s)?,
            };
        }
        let removes = op.str_at(&["op"]) == "remove";
        match node {
            Value::Array(_) => {
                let (items, i) = (node.as_array_mut()?, last.parse::<usize>().ok()?);
                if removes {
                    items.remove(i);
                } else {
                    items[i] = op.get("value")?.clone();
                }
            }
            _ if removes => drop(node.unset(&[last])),
            _ => node.set(&[last], op.get("value")?.clone()),
        }
    }
    Some(object)
}

fn report(score: &Score) {
    for d in &score.differ {
        eprintln!("{d}\n");
    }
    eprintln!("{} same, {} differ", score.same, score.differ.len());
    assert!(
        score.differ.is_empty(),
        "{} answers differ",
        score.differ.len()
    );
}
