//! From collected facts to the committed files. Shared with the drift test.

use std::{collections::HashMap, fmt::Write, fs, io, path::Path};

use serde_json::Value;

/// Small files, carried as compact JSON.
const COPIED: [(&str, &str); 6] = [
    ("resources.json", "resources.json"),
    ("groups.json", "groups.json"),
    ("table-columns.json", "reference/table-columns.json"),
    ("bootstrap-rbac.json", "reference/bootstrap-rbac.json"),
    (
        "bootstrap-flowcontrol.json",
        "reference/bootstrap-flowcontrol.json",
    ),
    ("apiservices.json", "reference/apiservices.json"),
];

/// Packages of examples and of servers that are not part of Kubernetes proper.
const LEFT_OUT: [&str; 3] = [
    "k8s.io.apiserver.pkg.apis.example",
    "k8s.io.metrics.",
    ".testapigroup.",
];

/// Every generated file: name and text.
pub(crate) fn all(facts: &Path, data: &Path) -> io::Result<Vec<(String, String)>> {
    let mut out = Vec::new();
    for (to, from) in COPIED {
        let value: Value = serde_json::from_str(&fs::read_to_string(facts.join(from))?)?;
        out.push((to.to_owned(), lines(&value)));
    }
    let types: Value = serde_json::from_str(&fs::read_to_string(facts.join("types.json"))?)?;
    let shapes = fs::read_to_string(data.join("shapes.txt"))?;
    out.push(("types.txt".to_owned(), types_text(&types, &shapes)));
    Ok(out)
}

/// One element or member a line, so that differences read well.
fn lines(value: &Value) -> String {
    let (open, close, items): (_, _, Vec<String>) = match value {
        Value::Array(a) => ("[", "]", a.iter().map(compact).collect()),
        Value::Object(m) => {
            let sorted: std::collections::BTreeMap<_, _> = m.iter().collect();
            let items = sorted
                .iter()
                .map(|(k, v)| format!("{}:{}", Value::from(k.as_str()), compact(v)));
            ("{", "}", items.collect())
        }
        other => return other.to_string(),
    };
    format!("{open}\n{}\n{close}\n", items.join(",\n"))
}

/// Members sorted, whatever map the JSON crate is built with.
fn compact(v: &Value) -> String {
    match v {
        Value::Array(a) => format!("[{}]", a.iter().map(compact).collect::<Vec<_>>().join(",")),
        Value::Object(m) => {
            let sorted: std::collections::BTreeMap<_, _> = m.iter().collect();
            let items = sorted
                .iter()
                .map(|(k, v)| format!("{}:{}", Value::from(k.as_str()), compact(v)));
            format!("{{{}}}", items.collect::<Vec<_>>().join(","))
        }
        other => other.to_string(),
    }
}

struct Shape<'a> {
    kind: &'a str,
    /// By tag: JSON name, Go type, flags.
    fields: HashMap<&'a str, (&'a str, &'a str, &'a str)>,
}

fn shapes(text: &str) -> HashMap<&str, Shape<'_>> {
    text.lines()
        .filter_map(|line| {
            let mut parts = line.split('\t');
            let name = parts.next()?;
            let kind = parts.next()?;
            let fields = parts
                .filter_map(|f| {
                    let mut words = f.split(' ');
                    Some((words.next()?, (words.next()?, words.next()?, words.next()?)))
                })
                .collect();
            Some((name, Shape { kind, fields }))
        })
        .collect()
}

fn types_text(types: &Value, shapes_text: &str) -> String {
    let shapes = shapes(shapes_text);
    let mut lines = Vec::new();
    let Some(types) = types.as_object() else {
        return String::new();
    };
    for (name, message) in types {
        if LEFT_OUT.iter().any(|p| name.contains(p)) {
            continue;
        }
        let mut shape = shapes.get(name.as_str());
        // An alias of a type of another package has that package's shape.
        if let Some(target) = shape.and_then(|s| s.kind.strip_prefix("=v1.")) {
            let package = if target == "List" {
                "k8s.io.apimachinery.pkg.apis.meta.v1"
            } else {
                "k8s.io.api.admissionregistration.v1"
            };
            shape = shapes.get(format!("{package}.{target}").as_str());
        }
        lines.push(message_line(name, message, shape));
    }
    lines.sort();
    lines.join("\n") + "\n"
}

fn message_line(name: &str, message: &Value, shape: Option<&Shape<'_>>) -> String {
    let gvks: Vec<String> = message["gvk"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|g| {
            format!(
                "{}/{}/{}",
                text(&g["group"]),
                text(&g["version"]),
                text(&g["kind"])
            )
        })
        .collect();
    let mut out = format!(
        "{name}\t{}\t{}\t{}",
        shape.map_or("struct", |s| s.kind),
        text(&message["map-type"]),
        gvks.join(",")
    );
    for field in message["fields"].as_array().into_iter().flatten() {
        out.push('\t');
        field_words(&mut out, field, shape);
    }
    out
}

fn field_words(out: &mut String, f: &Value, shape: Option<&Shape<'_>>) {
    let tag = f["tag"].to_string();
    let (json, go_type, omit) = shape
        .and_then(|s| s.fields.get(tag.as_str()))
        .copied()
        .unwrap_or_else(|| (f["json"].as_str().unwrap_or(text(&f["name"])), "-", ""));
    let mut flags = String::new();
    for (key, mark) in [
        ("repeated", 'r'),
        ("required", 'R'),
        ("marker_required", 'R'),
        ("optional", 'o'),
    ] {
        if f[key] == Value::Bool(true) && !flags.contains(mark) {
            flags.push(mark);
        }
    }
    flags.push_str(omit);
    let _ = write!(
        out,
        "{} {tag} {} {go_type} -{flags}",
        text(&f["name"]),
        text(&f["type"])
    );
    if json != text(&f["name"]) && !json.is_empty() {
        let _ = write!(out, " j={json}");
    }
    for (word, keys) in [
        ("lt", ["list-type", "marker_listType"]),
        ("lk", ["list-map-keys", "marker_listMapKeys"]),
        ("mt", ["map-type", "marker_mapType"]),
        ("mt", ["marker_structType", ""]),
        ("mk", ["patch-merge-key", "marker_patchMergeKey"]),
        ("ps", ["patch-strategy", "marker_patchStrategy"]),
        ("g", ["marker_featureGate", ""]),
        ("u", ["marker_unionDiscriminator", ""]),
    ] {
        let value = keys.iter().map(|k| &f[*k]).find(|v| !v.is_null());
        match value {
            Some(Value::Array(items)) => {
                let items: Vec<&str> = items.iter().map(text).collect();
                let _ = write!(out, " {word}={}", items.join(","));
            }
            Some(Value::Bool(_)) => {
                let _ = write!(out, " {word}=1");
            }
            Some(v) => {
                let _ = write!(out, " {word}={}", text(v));
            }
            None => {}
        }
    }
    if !f["default"].is_null() {
        let _ = write!(out, " d={}", f["default"]);
    }
    if !f["validation"].is_null() {
        let _ = write!(out, " v={}", f["validation"]);
    }
}

fn text(v: &Value) -> &str {
    v.as_str().unwrap_or_default()
}
