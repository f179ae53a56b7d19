//! Files as a chart.

use std::{cmp::Reverse, collections::BTreeMap, sync::Arc};

use catena_objects::{Value as Tree, yaml};
use serde_json::Value;

use crate::{
    Chart, Error, Limits, Metadata, functions,
    ignore::Rules,
    json,
    template::{self, Trees},
    value::Files,
    values::Schema,
};

/// Reads the files of a chart, of which none is read from a disk.
///
/// # Errors
/// See [`Chart::from_files`].
pub(crate) fn load<P, B>(
    files: impl Iterator<Item = (P, B)>,
    limits: Limits,
) -> Result<Chart, Error>
where
    P: AsRef<str>,
    B: AsRef<[u8]>,
{
    let mut texts = BTreeMap::new();
    for (path, bytes) in files {
        let (path, bytes) = (path.as_ref(), bytes.as_ref());
        if bytes.len() > limits.file_bytes {
            return Err(Error::Limit {
                location: path.to_owned(),
                limit: format!("{} bytes of a file", limits.file_bytes),
            });
        }
        let text = std::str::from_utf8(bytes).map_err(|_| wrong(path, "not UTF-8"))?;
        texts.insert(path.to_owned(), text.to_owned());
    }
    sorted_out(texts, limits)
}

fn sorted_out(mut texts: BTreeMap<String, String>, limits: Limits) -> Result<Chart, Error> {
    const IGNORE: &str = ".helmignore";
    let rules = texts.get(IGNORE).map(String::as_str).unwrap_or_default();
    let rules = Rules::read(rules).map_err(|why| wrong(IGNORE, why))?;
    texts.retain(|path, _| path == IGNORE || !rules.leave_out(path));
    let mut take = |path: &str| texts.remove(path);
    let metadata = match take("Chart.yaml") {
        Some(text) => metadata("Chart.yaml", &text)?,
        None => return Err(wrong("Chart.yaml", "the file is missing")),
    };
    let defaults = object("values.yaml", &take("values.yaml").unwrap_or_default())?;
    let schema = match take("values.schema.json") {
        Some(text) => Some(schema("values.schema.json", &text)?),
        None => None,
    };
    let (mut templates, mut files) = (Vec::new(), Files::new());
    for (path, text) in texts {
        match path.split_once('/') {
            Some(("templates", _)) => templates.push((path, text)),
            Some(("charts", _)) => return Err(wrong(&path, "charts in a chart are not rendered")),
            Some(("crds", _)) => {
                return Err(wrong(
                    &path,
                    "definitions beside the templates are not rendered",
                ));
            }
            _ => {
                files.insert(path.into(), text.into());
            }
        }
    }
    let (trees, templates) = parsed(&metadata, templates)?;
    Ok(Chart {
        metadata: Arc::new(metadata),
        defaults,
        schema,
        trees,
        templates,
        files: Arc::new(files),
        limits,
    })
}

/// Templates in Helm's order, in which a later definition takes the place of an
/// earlier one: those in deeper folders first, then from the last name to the first.
fn parsed(
    metadata: &Metadata,
    mut templates: Vec<(String, String)>,
) -> Result<(Trees, Vec<String>), Error> {
    let library = metadata.kind.eq_ignore_ascii_case("library");
    templates.retain(|(path, _)| !library || base(path).starts_with('_'));
    templates.sort_by_key(|(path, _)| Reverse((path.matches('/').count(), path.clone())));
    let mut trees = Trees::new();
    let mut names = Vec::new();
    let known = |name: &str| functions::find(name).is_some();
    for (path, text) in templates {
        let name = format!("{}/{path}", metadata.name);
        template::parse(&name, &text, &mut trees, &known).map_err(parse_error)?;
        names.push(name);
    }
    Ok((trees, names))
}

fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Helm shows the last part of what Go says.
fn parse_error(error: template::Error) -> Error {
    let last = error.message.rsplit(": ").next().unwrap_or_default();
    Error::Parse {
        location: error.location.clone(),
        message: last.to_owned(),
    }
}

fn wrong(path: &str, message: impl Into<String>) -> Error {
    Error::Chart {
        path: path.to_owned(),
        message: message.into(),
    }
}

fn object(path: &str, text: &str) -> Result<Value, Error> {
    match yaml::to_value(text.as_bytes()).map_err(|e| wrong(path, e.to_string()))? {
        Tree::Null => Ok(Value::Object(serde_json::Map::new())),
        tree @ Tree::Object(_) => Ok(json::of_tree(&tree)),
        _ => Err(wrong(path, "a mapping is expected")),
    }
}

fn schema(path: &str, text: &str) -> Result<Schema, Error> {
    let document = serde_json::from_str(text).map_err(|e| wrong(path, e.to_string()))?;
    Schema::read(&document).map_err(|why| wrong(path, why))
}

fn metadata(path: &str, text: &str) -> Result<Metadata, Error> {
    let file = object(path, text)?;
    let expected = |name: &str, what: &str| wrong(path, format!("{name}: {what} is expected"));
    let text = |name: &str| match &file[name] {
        Value::Null => Ok(String::new()),
        Value::String(text) => Ok(text.clone()),
        _ => Err(expected(name, "a string")),
    };
    let texts = |name: &str| match &file[name] {
        Value::Null => Ok(Vec::new()),
        Value::Array(items) => {
            let texts: Option<Vec<_>> = items
                .iter()
                .map(|v| v.as_str().map(str::to_owned))
                .collect();
            texts.ok_or_else(|| expected(name, "a list of strings"))
        }
        _ => Err(expected(name, "a list of strings")),
    };
    let mut annotations = BTreeMap::new();
    match &file["annotations"] {
        Value::Null => {}
        Value::Object(members) => {
            for (key, value) in members {
                let value = value.as_str();
                let value = value.ok_or_else(|| expected("annotations", "a table of strings"))?;
                annotations.insert(key.clone(), value.to_owned());
            }
        }
        _ => return Err(expected("annotations", "a table of strings")),
    }
    if file["dependencies"]
        .as_array()
        .is_some_and(|d| !d.is_empty())
    {
        return Err(wrong(
            path,
            "dependencies: charts in a chart are not rendered",
        ));
    }
    let metadata = Metadata {
        name: text("name")?,
        version: text("version")?,
        app_version: text("appVersion")?,
        description: text("description")?,
        api_version: text("apiVersion")?,
        kind: text("type")?,
        kube_version: text("kubeVersion")?,
        home: text("home")?,
        icon: text("icon")?,
        deprecated: file["deprecated"].as_bool().unwrap_or_default(),
        keywords: texts("keywords")?,
        sources: texts("sources")?,
        annotations,
    };
    for (name, value) in [("name", &metadata.name), ("version", &metadata.version)] {
        if value.is_empty() {
            return Err(wrong(path, format!("{name} is missing")));
        }
    }
    Ok(metadata)
}
