//! Paths, with slashes.

use super::{Answer, Entry, fixed};
use crate::{exec::Type::Text, value::Value};

pub(super) const TABLE: &[Entry] = &[
    ("base", fixed(&[Text], |_, a| text(base(a.text(0))))),
    ("osBase", fixed(&[Text], |_, a| text(base(a.text(0))))),
    ("dir", fixed(&[Text], |_, a| text(&dir(a.text(0))))),
    ("osDir", fixed(&[Text], |_, a| text(&dir(a.text(0))))),
    ("clean", fixed(&[Text], |_, a| text(&clean(a.text(0))))),
    ("osClean", fixed(&[Text], |_, a| text(&clean(a.text(0))))),
    ("ext", fixed(&[Text], |_, a| text(ext(a.text(0))))),
    ("osExt", fixed(&[Text], |_, a| text(ext(a.text(0))))),
    (
        "isAbs",
        fixed(&[Text], |_, a| Ok(Value::Bool(a.text(0).starts_with('/')))),
    ),
    (
        "osIsAbs",
        fixed(&[Text], |_, a| Ok(Value::Bool(a.text(0).starts_with('/')))),
    ),
];

fn text(text: &str) -> Answer {
    Ok(Value::text(text))
}

fn base(path: &str) -> &str {
    if path.is_empty() {
        return ".";
    }
    let path = path.trim_end_matches('/');
    match path.rsplit('/').next() {
        None | Some("") => "/",
        Some(last) => last,
    }
}

fn dir(path: &str) -> String {
    match path.rfind('/') {
        Some(at) => clean(&path[..=at]),
        None => ".".to_owned(),
    }
}

fn ext(path: &str) -> &str {
    let last = path.rsplit('/').next().unwrap_or_default();
    last.rfind('.').map_or("", |at| &last[at..])
}

/// The shortest path that means the same.
fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if rooted => {}
            part => parts.push(part),
        }
    }
    match (rooted, parts.is_empty()) {
        (true, _) => format!("/{}", parts.join("/")),
        (false, true) => ".".to_owned(),
        (false, false) => parts.join("/"),
    }
}
