//! Writes `data/` of this crate from a directory of collected facts:
//! `cargo run -p catena-facts --example regenerate -- ../shared/data`.
//!
//! `data/shapes.txt` is an input, not an output: it holds what only the Go
//! declarations say (Go types, `omitempty`, inlining), a line a type.

mod convert;

use std::{env, fs, io, path::Path};

fn main() -> io::Result<()> {
    let from = env::args()
        .nth(1)
        .unwrap_or_else(|| "../shared/data".to_owned());
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    for (name, text) in convert::all(Path::new(&from), &data)? {
        fs::write(data.join(name), text)?;
    }
    Ok(())
}
