//! The text of a template as documents, and a document as an object.

use catena_objects::yaml;
use serde_json::Value;

use super::{DeletePolicy, Event, Hook, Manifest};
use crate::{Error, json};

/// Objects of one rendered template, in its order. Documents that are nothing but
/// blanks and comments are left out, as are hooks of events that Helm has not.
///
/// # Errors
/// A document is not YAML, or not a mapping.
pub(crate) fn read(path: &str, text: &str) -> Result<Vec<Manifest>, Error> {
    let mut out = Vec::new();
    for document in documents(text) {
        let wrong = |message: String| Error::Manifest {
            path: path.to_owned(),
            message,
        };
        let object = yaml::to_value(document.as_bytes())
            .map_err(|e| wrong(format!("YAML parse error: {e}")))?;
        let object = json::of_tree(&object);
        match &object {
            Value::Null => continue,
            Value::Object(_) => {}
            other => return Err(wrong(format!("an object is expected, not {other}"))),
        }
        let annotations = &object["metadata"]["annotations"];
        let Some(events) = annotations["helm.sh/hook"].as_str() else {
            out.push(manifest(path, document, object, None));
            continue;
        };
        if let Some(events) = names(events).map(|n| Event::of(&n)).collect() {
            let hook = hook(events, annotations);
            out.push(manifest(path, document, object, Some(hook)));
        }
    }
    Ok(out)
}

fn manifest(path: &str, text: &str, object: Value, hook: Option<Hook>) -> Manifest {
    Manifest {
        path: path.to_owned(),
        object,
        text: text.to_owned(),
        hook,
    }
}

fn hook(events: Vec<Event>, annotations: &Value) -> Hook {
    let text = |name: &str| annotations[name].as_str().unwrap_or_default();
    Hook {
        events,
        weight: text("helm.sh/hook-weight").parse().unwrap_or_default(),
        delete: names(text("helm.sh/hook-delete-policy"))
            .filter_map(|n| DeletePolicy::of(&n))
            .collect(),
    }
}

fn names(list: &str) -> impl Iterator<Item = String> {
    list.split(',').map(|name| name.trim().to_lowercase())
}

/// Documents between lines that begin with `---`. As Helm splits them, a line that
/// only begins so ends a document too, and the rest of it begins the next.
fn documents(text: &str) -> Vec<&str> {
    let text = text.trim();
    let mut out = Vec::new();
    let mut start = 0;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if line.starts_with("---") {
            out.push(&text[start..at]);
            start = at + 3;
        }
        at += line.len();
    }
    out.push(&text[start..]);
    out.into_iter()
        .map(str::trim)
        .filter(|document| !document.is_empty())
        .collect()
}
