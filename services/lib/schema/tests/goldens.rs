//! Every kind with every field set comes out of decoding as it went in.

use std::{fs, path::Path};

use catena_objects::json;

#[test]
fn golden_objects_are_canonical() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/data/goldens");
    let Ok(files) = fs::read_dir(&dir) else {
        eprintln!("skipped: {} is absent", dir.display());
        return;
    };
    let (mut seen, mut wrong) = (0, Vec::new());
    for path in files.filter_map(|f| Some(f.ok()?.path())) {
        if path.extension().is_none_or(|e| e != "json") {
            continue;
        }
        let text = fs::read(&path).expect("readable");
        let value = json::parse(&text).expect("JSON");
        let api = value.str_at(&["apiVersion"]).to_owned();
        let (group, version) = api.split_once('/').unwrap_or(("", &api));
        let Some(node) = catena_schema::builtin(group, version, value.str_at(&["kind"])) else {
            continue;
        };
        seen += 1;
        let before = json::to_string(&value);
        match catena_schema::decode(&node, value) {
            Ok(d) if d.unknown.is_empty() && json::to_string(&d.value) == before => {}
            Ok(d) => {
                let after = json::to_string(&d.value);
                let at = after
                    .bytes()
                    .zip(before.bytes())
                    .take_while(|(a, b)| a == b)
                    .count();
                let from = at.saturating_sub(60);
                wrong.push(format!(
                    "{}: unknown {:?}\n  want {}\n  got  {}",
                    path.file_name().unwrap_or_default().display(),
                    d.unknown,
                    before
                        .get(from..(at + 60).min(before.len()))
                        .unwrap_or_default(),
                    after
                        .get(from..(at + 60).min(after.len()))
                        .unwrap_or_default()
                ));
            }
            Err(e) => wrong.push(format!("{}: {e}", path.display())),
        }
    }
    assert!(seen >= 180, "only {seen} kinds");
    assert!(
        wrong.is_empty(),
        "{} of {seen}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
