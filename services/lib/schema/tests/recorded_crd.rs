//! Definitions and custom resources that kube-apiserver was recorded with.

use std::{fs, path::Path as File};

use catena_objects::{Value, field::Path, json};
use catena_schema::structural;

fn cases(id: &str) -> Vec<Value> {
    let file = File::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../../shared/data/recorded/machinery.jsonl");
    let Ok(text) = fs::read(&file) else {
        eprintln!("skipped: {} is absent", file.display());
        return Vec::new();
    };
    text.split(|b| *b == b'\n')
        .filter(|l| !l.is_empty())
        .map(|l| json::parse(l).expect("JSON"))
        .filter(|c| c.str_at(&["id"]).starts_with(id))
        .flat_map(|c| [c.items_at(&["setup"]), c.items_at(&["steps"])].concat())
        .collect()
}

fn schema_of(crd: &Value) -> Option<&Value> {
    crd.items_at(&["spec", "versions"])
        .first()?
        .at(&["schema", "openAPIV3Schema"])
}

#[test]
fn bad_definitions_are_refused_in_the_same_words() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for step in cases("machinery/crd-invalid") {
        let Some(schema) = step.get("b").and_then(schema_of) else {
            continue;
        };
        let message = step.str_at(&["r", "message"]);
        // Rules in CEL are not compiled, other parts of a definition not judged here.
        let about_schema =
            message.contains("openAPIV3Schema.") && !message.contains("x-kubernetes-validations");
        seen += usize::from(about_schema);
        let path = Path::new("spec.validation.openAPIV3Schema");
        let got: Vec<String> = structural::check(schema, &path)
            .all()
            .0
            .iter()
            .map(ToString::to_string)
            .collect();
        if got.iter().any(|e| !message.contains(e.as_str())) || (about_schema && got.is_empty()) {
            wrong.push(format!("want {message}\n  got {got:?}"));
        }
    }
    assert!(wrong.is_empty(), "{seen} seen:\n{}", wrong.join("\n"));
}

#[test]
fn bad_resources_are_refused_in_the_same_words() {
    let mut node = None;
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for step in cases("machinery/custom-resources") {
        let Some(body) = step.get("b") else { continue };
        if body.str_at(&["kind"]) == "CustomResourceDefinition" {
            node = schema_of(body).map(|s| structural::parse(s).expect("parses"));
            continue;
        }
        let (Some(node), "Foo") = (&node, body.str_at(&["kind"])) else {
            continue;
        };
        if !matches!(step.str_at(&["m"]), "POST" | "PUT") || step.i64_at(&["s"]) == Some(409) {
            continue;
        }
        seen += 1;
        let message = step.str_at(&["r", "message"]);
        let decoded = match structural::decode(node, body.clone()) {
            Ok(d) => d,
            Err(e) => {
                if !message.contains(&e.0) {
                    wrong.push(format!("want {message}\n  got {e}"));
                }
                continue;
            }
        };
        let mut errors = structural::validate(node, &decoded.value, None);
        errors.extend(structural::validate_lists(node, &decoded.value));
        let got: Vec<String> = errors.0.iter().map(ToString::to_string).collect();
        let expected = step.i64_at(&["s"]) == Some(422) && message.contains(" in body ");
        if got.iter().any(|e| !message.contains(e.as_str())) || (expected && got.is_empty()) {
            wrong.push(format!("want {message}\n  got {got:?}"));
        }
        if step.i64_at(&["s"]) == Some(201) {
            let mut answer = step.get("r").cloned().unwrap_or_default();
            let mut ours = decoded.value;
            for v in [&mut answer, &mut ours] {
                v.unset(&["metadata"]);
                // Its subresource has the status, which the schema does not know.
                v.unset(&["status"]);
            }
            if json::to_string(&answer) != json::to_string(&ours) {
                wrong.push(format!(
                    "want {}\n  got {}",
                    json::to_string(&answer),
                    json::to_string(&ours)
                ));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {seen}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    eprintln!("{seen} resources");
}
