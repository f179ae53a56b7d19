//! Every target over its corpus, and over small changes of it.

use std::path::{Path, PathBuf};

use catena_tests_fuzz::TARGETS;
use rand::{RngExt as _, SeedableRng as _, rngs::SmallRng};

/// Changed inputs of each seed.
const CHANGES: usize = 50;

fn corpus(name: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(name);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{name}: {e}"));
    let mut files: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
    files.sort();
    files
}

#[test]
fn the_corpus_keeps_every_promise() {
    for (name, target) in TARGETS {
        let files = corpus(name);
        assert!(!files.is_empty(), "{name} has no corpus");
        for file in files {
            let seed = std::fs::read(&file).expect("a seed");
            println!("{}", file.display());
            target(&seed);
            let mut random = SmallRng::seed_from_u64(seed.len() as u64);
            for _ in 0..CHANGES {
                target(&changed(&seed, &mut random));
            }
        }
    }
}

/// A few bytes become others, come twice or go.
fn changed(seed: &[u8], random: &mut SmallRng) -> Vec<u8> {
    let mut out = seed.to_vec();
    for _ in 0..random.random_range(1..4) {
        if out.is_empty() {
            break;
        }
        let at = random.random_range(0..out.len());
        let end = (at + random.random_range(1..9)).min(out.len());
        match random.random_range(0..4) {
            0 => out[at] = random.random(),
            1 => drop(out.drain(at..end)),
            2 => {
                let again = out[at..end].to_vec();
                out.splice(at..at, again);
            }
            _ => out[at] = b"{}[]\":,0-9\\&=\n"[random.random_range(0..14)],
        }
    }
    out
}
