//! Documents compared with those of kube-apiserver 1.36.

use std::path::PathBuf;

use catena_objects::{Value, json};

fn reference(group: &str, version: &str) -> Option<Value> {
    let root = std::env::var_os("CATENA_FACTS").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/data"),
        PathBuf::from,
    );
    let name = if group.is_empty() {
        format!("api__{version}_openapi.json")
    } else {
        format!("apis__{group}__{version}_openapi.json")
    };
    let text = std::fs::read(root.join("openapi/v3").join(name)).ok();
    if text.is_none() {
        eprintln!("skipped: no documents of {group}/{version} beside the project");
    }
    json::parse(&text?).ok()
}

/// What differs, except for words.
fn differences(want: &Value, got: &Value, path: &str, out: &mut Vec<String>) {
    match (want, got) {
        (Value::Object(w), Value::Object(g)) => {
            for (k, v) in w.iter() {
                let at = format!("{path}.{k}");
                match g.get(k) {
                    Some(x) if k == "description" && v.as_str().is_some() => {
                        if x.as_str().is_none_or(str::is_empty) {
                            out.push(format!("{at}: no words"));
                        }
                    }
                    Some(x) => differences(v, x, &at, out),
                    None => out.push(format!("{at}: lacks {}", json::to_string(v))),
                }
            }
            for (k, v) in g.iter().filter(|(k, _)| !w.contains_key(k)) {
                out.push(format!("{path}.{k}: has {}", json::to_string(v)));
            }
        }
        _ if want == got => {}
        _ => out.push(format!(
            "{path}: want {} got {}",
            json::to_string(want),
            json::to_string(got)
        )),
    }
}

#[test]
fn schemas_are_those_of_the_reference() {
    let (mut same, mut wrong) = (0, Vec::new());
    let mut groups: Vec<(&str, &str)> = catena_facts::resources()
        .iter()
        .map(|r| (r.group, r.version))
        .filter(|(_, v)| !v.contains("alpha") && !v.contains("beta"))
        .collect();
    groups.dedup();
    for (group, version) in groups {
        let Some(want) = reference(group, version) else {
            return;
        };
        let got = catena_openapi::builtin_v3(group, version).expect("resources");
        let got = json::parse(&got).expect("JSON");
        let schemas = |v: &Value| {
            let map = v.at(&["components", "schemas"]).and_then(Value::as_object);
            map.cloned().unwrap_or_default()
        };
        let (w, g) = (schemas(&want), schemas(&got));
        for (name, schema) in w.iter() {
            let Some(ours) = g.get(name) else {
                wrong.push(format!("{group}/{version} {name} is missing"));
                continue;
            };
            let before = wrong.len();
            differences(schema, ours, name, &mut wrong);
            same += usize::from(wrong.len() == before);
        }
    }
    for w in wrong.iter().take(if std::env::var_os("SHOW").is_some() {
        4000
    } else {
        20
    }) {
        eprintln!("{w}");
    }
    eprintln!(
        "{same} definitions are the same, {} differences",
        wrong.len()
    );
    assert!(same > wrong.len() * 10, "too much differs");
}
