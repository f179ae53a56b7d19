//! Sizes of files, and words that must not be in the tree.

use catena_tests_tidy::{root, sources};

/// Longest source file that needs no reason.
const LONGEST: usize = 800;

#[test]
fn source_files_stay_readable() {
    let mut files = Vec::new();
    sources(&root().join("services"), &mut files);
    sources(&root().join("proto"), &mut files);
    assert!(!files.is_empty());
    for f in files {
        let lines = std::fs::read_to_string(&f)
            .expect("a source file")
            .lines()
            .count();
        let test = f.ends_with("tests.rs") || f.components().any(|c| c.as_os_str() == "tests");
        assert!(
            test || lines <= LONGEST,
            "{} has {lines} lines",
            f.display()
        );
    }
}

#[test]
fn no_stub_is_left() {
    let mut files = Vec::new();
    sources(&root().join("services"), &mut files);
    for f in files {
        let text = std::fs::read_to_string(&f).expect("a source file");
        for word in ["todo!(", "unimplemented!("] {
            assert!(!text.contains(word), "{} has {word}", f.display());
        }
    }
}
