//! Files as a chart.

use catena_objects::{Value as Tree, yaml};
use serde_json::Value;

use crate::{Chart, Error, Metadata, json};

/// Largest file that is read.
const FILE_BYTES: usize = 4 << 20;

pub(crate) fn load<P, B>(files: impl Iterator<Item = (P, B)>) -> Result<Chart, Error>
where
    P: AsRef<str>,
    B: AsRef<[u8]>,
{
    let mut chart = Chart {
        metadata: Metadata::default(),
        defaults: Value::Object(serde_json::Map::new()),
    };
    for (path, bytes) in files {
        let (path, bytes) = (path.as_ref(), bytes.as_ref());
        if bytes.len() > FILE_BYTES {
            return Err(Error::Limit {
                location: path.to_owned(),
                limit: format!("{FILE_BYTES} bytes of a file"),
            });
        }
        match path {
            "Chart.yaml" => chart.metadata = metadata(path, bytes)?,
            "values.yaml" => chart.defaults = object(path, bytes)?,
            _ => {}
        }
    }
    Ok(chart)
}

fn wrong(path: &str, message: impl Into<String>) -> Error {
    Error::Chart {
        path: path.to_owned(),
        message: message.into(),
    }
}

fn object(path: &str, bytes: &[u8]) -> Result<Value, Error> {
    match yaml::to_value(bytes).map_err(|e| wrong(path, e.to_string()))? {
        Tree::Null => Ok(Value::Object(serde_json::Map::new())),
        tree @ Tree::Object(_) => Ok(json::of_tree(&tree)),
        _ => Err(wrong(path, "a mapping is expected")),
    }
}

fn metadata(path: &str, bytes: &[u8]) -> Result<Metadata, Error> {
    let file = object(path, bytes)?;
    let text = |name: &str| match &file[name] {
        Value::Null => Ok(String::new()),
        Value::String(text) => Ok(text.clone()),
        _ => Err(wrong(path, format!("{name}: a string is expected"))),
    };
    let metadata = Metadata {
        name: text("name")?,
        version: text("version")?,
        app_version: text("appVersion")?,
        description: text("description")?,
        api_version: text("apiVersion")?,
        kind: text("type")?,
        kube_version: text("kubeVersion")?,
    };
    for (name, value) in [("name", &metadata.name), ("version", &metadata.version)] {
        if value.is_empty() {
            return Err(wrong(path, format!("{name} is missing")));
        }
    }
    Ok(metadata)
}
