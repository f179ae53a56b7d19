//! Rules of the repository as tests; see `tests/`.

use std::path::{Path, PathBuf};

/// Root of the repository.
///
/// # Panics
/// When the crate is not where the workspace has it.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("tests/tidy is two folders below the root")
        .to_owned()
}

/// Source files below a folder, without generated ones.
pub fn sources(dir: &Path, out: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        let name = entry.file_name();
        let ours = !["target", "gen", ".git", "russh"]
            .iter()
            .any(|n| name == *n);
        if path.is_dir() && ours {
            sources(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
}
