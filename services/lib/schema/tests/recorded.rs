//! Decode errors and stored forms that kube-apiserver was recorded with.

use std::{collections::BTreeMap, fs, path::Path};

use catena_objects::{Value, json};

fn steps(mut each: impl FnMut(&str, &Value)) -> bool {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/data/recorded");
    if !dir.is_dir() {
        eprintln!("skipped: {} is absent", dir.display());
        return false;
    }
    for name in [
        "invalid.jsonl",
        "defaults.jsonl",
        "update.jsonl",
        "rich.jsonl",
    ] {
        let text = fs::read(dir.join(name)).expect("readable");
        for line in text.split(|b| *b == b'\n').filter(|l| !l.is_empty()) {
            let case = json::parse(line).expect("JSON");
            for step in case.items_at(&["steps"]) {
                each(case.str_at(&["id"]), step);
            }
        }
    }
    true
}

fn node_of(v: &Value) -> Option<std::sync::Arc<catena_schema::Node>> {
    let api = v.str_at(&["apiVersion"]);
    let (group, version) = api.split_once('/').unwrap_or(("", api));
    catena_schema::builtin(group, version, v.str_at(&["kind"]))
}

#[test]
fn decode_errors_are_those_of_go() {
    let (mut seen, mut wrong) = (0, BTreeMap::new());
    let ran = steps(|id, step| {
        let Some(body) = step.get("b") else { return };
        if !matches!(step.str_at(&["m"]), "POST" | "PUT") {
            return;
        }
        let Some(node) = node_of(body) else { return };
        let message = step.str_at(&["r", "message"]);
        let expected = message
            .split_once(" cannot be handled as a ")
            .and_then(|(_, m)| m.split_once(": "))
            .map(|(_, m)| m)
            .filter(|m| !m.starts_with("no kind"));
        let got = match catena_schema::decode(&node, body.clone()) {
            Err(e) => Some(e.to_string()),
            Ok(d) if step.str_at(&["p"]).contains("fieldValidation=Strict") => {
                catena_schema::strict_error(&d.unknown, &[])
            }
            Ok(_) => None,
        };
        let got = got.map(|m| {
            m.replace("2006-01-02T15:04:05.000000Z", "<time>")
                .replace("2006-01-02T15:04:05Z", "<time>")
        });
        seen += usize::from(expected.is_some());
        if got.as_deref() != expected && !(message.starts_with("the ") && expected.is_none()) {
            wrong
                .entry(format!("want {expected:?}\n   got  {got:?}"))
                .or_insert_with(|| id.to_owned());
        }
    });
    if ran {
        assert!(seen > 100, "only {seen}");
        let text: Vec<_> = wrong.iter().map(|(k, v)| format!("{v}: {k}")).collect();
        assert!(
            wrong.is_empty(),
            "{} kinds of difference:\n{}",
            wrong.len(),
            text.join("\n")
        );
    }
}

#[test]
fn answers_are_canonical() {
    let (mut seen, mut wrong) = (0, BTreeMap::new());
    let ran = steps(|id, step| {
        let Some(answer) = step.get("r") else { return };
        if answer.str_at(&["kind"]) == "Table" || !matches!(step.i64_at(&["s"]), Some(200 | 201)) {
            return;
        }
        let Some(node) = node_of(answer) else { return };
        seen += 1;
        let before = json::to_string(answer);
        // Recordings hold placeholders where answers differ from run to run.
        let filled = before
            .replace("\\u003ctime\\u003e", "2026-01-02T15:04:05Z")
            .replace("\\u003c", "")
            .replace("\\u003e", "");
        let value = json::parse(filled.as_bytes()).expect("JSON");
        let after = match catena_schema::decode(&node, value.clone()) {
            Ok(d) => json::to_string(&d.value).replace(".000000Z", "Z"),
            // A placeholder stands where a number was.
            Err(_) if filled.contains("\\u003cnodePort") || id.contains("Service") => return,
            Err(e) => e.to_string(),
        };
        if after != json::to_string(&value) {
            let at = after
                .bytes()
                .zip(filled.bytes())
                .take_while(|(a, b)| a == b)
                .count();
            let cut = |s: &str| {
                s.get(at.saturating_sub(60)..(at + 60).min(s.len()))
                    .unwrap_or_default()
                    .to_owned()
            };
            wrong
                .entry(format!("want {}\n   got  {}", cut(&filled), cut(&after)))
                .or_insert_with(|| id.to_owned());
        }
    });
    if ran {
        assert!(seen > 100, "only {seen}");
        let text: Vec<_> = wrong.iter().map(|(k, v)| format!("{v}: {k}")).collect();
        assert!(
            wrong.is_empty(),
            "{} differences:\n{}",
            wrong.len(),
            text.join("\n")
        );
    }
}
