//! `meta.k8s.io Table`.

use catena_objects::{Map, Status, Value, time};
use catena_printers::Printer;

use crate::{encode, server::Served};

/// What a row carries of its object (`includeObject`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Include {
    None,
    Metadata,
    Object,
}

impl Include {
    pub fn parse(text: Option<&str>) -> Result<Self, Status> {
        match text.unwrap_or_default() {
            "" | "Metadata" => Ok(Self::Metadata),
            "None" => Ok(Self::None),
            "Object" => Ok(Self::Object),
            other => Err(Status::bad_request(format!(
                "includeObject: Invalid value: {other:?}: must be 'Metadata', 'Object', 'None', or empty"
            ))),
        }
    }
}

/// A table of objects in the served version; `columns` is off for later events of a watch.
pub fn table(
    served: &Served,
    version: &str,
    metadata: Value,
    objects: &[Value],
    include: Include,
    columns: bool,
) -> Value {
    let now = time::now();
    let rows: Vec<Value> = objects
        .iter()
        .map(|o| row(served, o, version, include, &now))
        .collect();
    let printer = columns.then(|| &*served.version().printer);
    document(version, metadata, printer, rows)
}

/// The table of a view of an object that has no kind of its own in the group (`Scale`).
pub(crate) fn of_view(
    printer: &dyn Printer,
    version: &str,
    object: &Value,
    include: Include,
) -> Value {
    let revision = object.str_at(&["metadata", "resourceVersion"]);
    let metadata = encode::list_metadata(revision).into();
    let cells = printer.cells(object, &time::now());
    let row = composed(cells, include, object, || {
        encode::metadata_only(object, version)
    });
    document(version, metadata, Some(printer), vec![row])
}

/// Without a printer there are no columns.
fn document(
    version: &str,
    metadata: Value,
    printer: Option<&dyn Printer>,
    rows: Vec<Value>,
) -> Value {
    let definitions = printer.map_or(Value::Null, |p| {
        let list: Vec<Value> = p.columns().iter().map(|c| c.to_value()).collect();
        list.into()
    });
    let mut m = Map::new();
    m.insert("kind", "Table");
    m.insert("apiVersion", format!("meta.k8s.io/{version}"));
    m.insert("metadata", metadata);
    m.insert("columnDefinitions", definitions);
    m.insert("rows", rows);
    m.into()
}

/// Cells and metadata are those of the kind, which is nearest in the storage version;
/// the whole object is that of the version asked for.
fn row(served: &Served, object: &Value, version: &str, include: Include, now: &str) -> Value {
    let asked = served.version();
    let stored = asked
        .conversion
        .as_ref()
        .map(|c| c.to_storage(object.clone()));
    let kind = stored.as_ref().unwrap_or(object);
    let cells = asked.printer.cells(kind, now);
    composed(cells, include, object, || {
        metadata(kind, version, asked.own_annotations)
    })
}

fn composed(
    cells: Vec<Value>,
    include: Include,
    object: &Value,
    metadata: impl FnOnce() -> Value,
) -> Value {
    let shown = match include {
        Include::None => Value::Null,
        Include::Metadata => metadata(),
        Include::Object => object.clone(),
    };
    let mut m = Map::new();
    m.insert("cells", cells);
    m.insert("object", shown);
    m.into()
}

fn metadata(object: &Value, version: &str, hidden: &[&str]) -> Value {
    let mut out = encode::metadata_only(object, version);
    for name in hidden {
        out.unset(&["metadata", "annotations", name]);
    }
    let left = out.at(&["metadata", "annotations"]);
    if !hidden.is_empty() && left.is_some_and(|a| a.as_object().is_some_and(Map::is_empty)) {
        out.unset(&["metadata", "annotations"]);
    }
    out
}
