//! What has no rules of its own is named in the documentation.

use std::path::Path;

use catena_core::{Wiring, groups::own_strategy, registrations};

#[test]
fn kinds_without_rules_are_documented() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/limits.md");
    let text = std::fs::read_to_string(path).expect("docs/limits.md");
    let mut missing = Vec::new();
    for r in registrations(&Wiring::default()) {
        let version = &r.versions[r.storage_version].name;
        let stored = r.verbs.iter().any(|v| v == "get");
        if stored && own_strategy(&r.group, version, &r.plural).is_none() {
            let name = format!("`{}.{}`", r.plural, r.group);
            if !text.contains(&name) {
                missing.push(name);
            }
        }
    }
    assert!(missing.is_empty(), "not in docs/limits.md: {missing:?}");
}
