//! The chart as part of the binary: every file of `charts/catena` by its path.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

fn main() -> io::Result<()> {
    let here = PathBuf::from(env::var("CARGO_MANIFEST_DIR").unwrap_or_default());
    let chart = here.join("../../charts/catena").canonicalize()?;
    println!("cargo::rerun-if-changed={}", chart.display());
    let mut files = Vec::new();
    list(&chart, &mut files)?;
    files.sort();
    let mut out = String::from("&[\n");
    for file in files {
        let path = file.strip_prefix(&chart).unwrap_or(&file).display();
        out.push_str(&format!(
            "(r\"{path}\", include_bytes!(r\"{}\") as &[u8]),\n",
            file.display()
        ));
    }
    out.push(']');
    let to = PathBuf::from(env::var("OUT_DIR").unwrap_or_default());
    fs::write(to.join("chart.rs"), out)
}

fn list(dir: &Path, out: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            list(&path, out)?;
        } else {
            out.push(path);
        }
    }
    Ok(())
}
