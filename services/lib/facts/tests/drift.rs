//! The committed files say what the collected facts say.

#[path = "../examples/regenerate/convert.rs"]
mod convert;

use std::{fs, path::Path};

#[test]
fn committed_files_match_the_collected_facts() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let facts = here.join("../../../../shared/data");
    if !facts.is_dir() {
        eprintln!("skipped: {} is absent", facts.display());
        return;
    }
    let data = here.join("data");
    for (name, text) in convert::all(&facts, &data).expect("facts are readable") {
        let committed = fs::read_to_string(data.join(&name)).expect("committed file");
        assert!(
            committed == text,
            "{name} differs: run the example `regenerate`"
        );
    }
}
