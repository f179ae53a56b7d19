//! `meta.k8s.io Table`.

use catena_objects::{Map, Status, Value, time};

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
    let printer = &served.version().printer;
    let now = time::now();
    let rows: Vec<Value> = objects
        .iter()
        .map(|o| row(printer.cells(o, &now), o, version, include))
        .collect();
    let definitions: Value = if columns {
        let list: Vec<Value> = printer.columns().iter().map(|c| c.to_value()).collect();
        list.into()
    } else {
        Value::Null
    };
    let mut m = Map::new();
    m.insert("kind", "Table");
    m.insert("apiVersion", format!("meta.k8s.io/{version}"));
    m.insert("metadata", metadata);
    m.insert("columnDefinitions", definitions);
    m.insert("rows", rows);
    m.into()
}

fn row(cells: Vec<Value>, object: &Value, version: &str, include: Include) -> Value {
    let mut m = Map::new();
    m.insert("cells", cells);
    m.insert(
        "object",
        match include {
            Include::None => Value::Null,
            Include::Metadata => encode::metadata_only(object, version),
            Include::Object => object.clone(),
        },
    );
    m.into()
}
