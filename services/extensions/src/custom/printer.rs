//! Tables of custom resources: the name and the columns of the definition.

use catena_jsonpath::Path;
use catena_objects::{Value, time};
use catena_printers::{Column, Fallback, Printer, name_column};

/// Printer columns of a version.
pub(super) struct Columns {
    columns: Vec<Column>,
    /// One for each column after the name; `None` for a path that cannot be read.
    paths: Vec<Option<Path>>,
}

impl Columns {
    pub(super) fn read(version: &Value) -> Self {
        let own = version.items_at(&["additionalPrinterColumns"]);
        let mut all = Self {
            columns: vec![name_column()],
            paths: Vec::new(),
        };
        if own.is_empty() {
            let created = Fallback.columns().pop().unwrap_or_default();
            all.columns.push(Column {
                name: "Age".to_owned(),
                ..created
            });
            all.paths
                .push(Path::parse(".metadata.creationTimestamp").ok());
        }
        for c in own {
            let path = c.str_at(&["jsonPath"]);
            let description = match c.str_at(&["description"]) {
                "" => format!("Custom resource definition column (in JSONPath format): {path}"),
                given => given.to_owned(),
            };
            let priority = c.i64_at(&["priority"]).unwrap_or(0);
            all.columns.push(Column::new(
                c.str_at(&["name"]),
                c.str_at(&["type"]),
                c.str_at(&["format"]),
                &description,
                i32::try_from(priority).unwrap_or(0),
            ));
            all.paths.push(Path::parse(path).ok());
        }
        all
    }
}

impl Printer for Columns {
    fn columns(&self) -> Vec<Column> {
        self.columns.clone()
    }

    fn cells(&self, object: &Value, now: &str) -> Vec<Value> {
        let name = object.str_at(&["metadata", "name"]).into();
        let rest = self.columns.iter().skip(1).zip(&self.paths);
        std::iter::once(name)
            .chain(rest.map(|(c, path)| {
                let found = path
                    .as_ref()
                    .and_then(|p| p.find(object).ok()?.into_iter().next());
                found.map_or(Value::Null, |v| cell(&c.ty, &v, now))
            }))
            .collect()
    }
}

/// `cellForJSONValue`: null where the value is not of the column's type.
fn cell(ty: &str, value: &Value, now: &str) -> Value {
    match (ty, value) {
        ("string", v) => catena_jsonpath::text(v).into(),
        ("integer", Value::Int(i)) => (*i).into(),
        ("integer", Value::Float(f)) => integer(*f),
        ("number", Value::Int(_) | Value::Float(_)) => value.clone(),
        ("boolean", Value::Bool(b)) => (*b).into(),
        ("date", Value::String(s)) => date(s, now),
        _ => Value::Null,
    }
}

/// Go's conversion of a float to an integer.
fn integer(f: f64) -> Value {
    #[allow(clippy::cast_possible_truncation)]
    let i = f as i64;
    i.into()
}

/// `ConvertToHumanReadableDateType`.
fn date(at: &str, now: &str) -> Value {
    if at.is_empty() {
        return "<unknown>".into();
    }
    match time::normalize(at) {
        Ok(at) => time::age_at(&at, now).into(),
        Err(_) => "<invalid>".into(),
    }
}
