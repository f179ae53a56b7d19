//! Byte for byte what Go encodes, and back.

use std::{fs, path::Path};

use catena_objects::json;

#[test]
fn golden_objects_transcode() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/data/goldens");
    let Ok(files) = fs::read_dir(&dir) else {
        eprintln!("skipped: {} is absent", dir.display());
        return;
    };
    let (mut seen, mut wrong) = (0, Vec::new());
    for path in files.filter_map(|f| Some(f.ok()?.path())) {
        if path.extension().is_none_or(|e| e != "pb") {
            continue;
        }
        let name = path.file_stem().unwrap_or_default().display().to_string();
        let pb = fs::read(&path).expect("readable");
        let text = fs::read(path.with_extension("json")).expect("readable");
        let value = json::parse(&text).expect("JSON");
        let api = value.str_at(&["apiVersion"]);
        let (group, version) = api.split_once('/').unwrap_or(("", api));
        if catena_facts::types()
            .by_gvk(group, version, value.str_at(&["kind"]))
            .is_none()
        {
            continue;
        }
        seen += 1;
        match catena_protobuf::encode_envelope(&value) {
            Ok(b) if b == pb => {}
            Ok(b) => {
                let at = b.iter().zip(&pb).take_while(|(a, b)| a == b).count();
                wrong.push(format!("{name}: encoded differs at {at} of {}", pb.len()));
            }
            Err(e) => wrong.push(format!("{name}: encode: {e}")),
        }
        match catena_protobuf::decode_envelope(&pb) {
            Ok(v) if json::to_string(&v) == json::to_string(&value) => {}
            Ok(v) => {
                let (a, b) = (json::to_string(&v), json::to_string(&value));
                let at = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
                let from = at.saturating_sub(50);
                wrong.push(format!(
                    "{name}: decoded\n got {}\n want {}",
                    a.get(from..(at + 50).min(a.len())).unwrap_or_default(),
                    b.get(from..(at + 50).min(b.len())).unwrap_or_default()
                ));
            }
            Err(e) => wrong.push(format!("{name}: decode: {e}")),
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

#[test]
fn truncated_and_corrupt_bytes_are_errors_or_objects() {
    let pod = catena_objects::obj!({
        "kind": "Pod", "apiVersion": "v1",
        "metadata": {"name": "a", "labels": {"x": "y"}},
        "spec": {"containers": [{"name": "c", "resources": {"limits": {"cpu": "1"}}}]}
    });
    let bytes = catena_protobuf::encode_envelope(&pod).expect("encodes");
    for n in 0..bytes.len() {
        let _ = catena_protobuf::decode_envelope(&bytes[..n]);
        let mut changed = bytes.to_vec();
        changed[n] ^= 0xff;
        let _ = catena_protobuf::decode_envelope(&changed);
    }
}
