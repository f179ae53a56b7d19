//! Cells of tables (`meta.k8s.io Table`), what `kubectl get` shows.

use catena_objects::{Map, Value};

/// A column definition (`metav1.TableColumnDefinition`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    pub ty: String,
    pub format: String,
    pub description: String,
    pub priority: i32,
}

impl Column {
    pub fn new(name: &str, ty: &str, format: &str, description: &str, priority: i32) -> Self {
        Self {
            name: name.into(),
            ty: ty.into(),
            format: format.into(),
            description: description.into(),
            priority,
        }
    }

    pub fn to_value(&self) -> Value {
        let mut m = Map::new();
        m.insert("name", self.name.as_str());
        m.insert("type", self.ty.as_str());
        m.insert("format", self.format.as_str());
        m.insert("description", self.description.as_str());
        m.insert("priority", i64::from(self.priority));
        m.into()
    }
}

/// Prints rows of one resource in one version.
pub trait Printer: Send + Sync + 'static {
    fn columns(&self) -> Vec<Column>;

    /// One cell a column. `now` is RFC 3339; ages are relative to it.
    fn cells(&self, object: &Value, now: &str) -> Vec<Value>;
}

pub(crate) const NAME: &str = "Name must be unique within a namespace. Is required when creating resources, although some resources may allow a client to request the generation of an appropriate name automatically. Name is primarily intended for creation idempotence and configuration definition. Cannot be updated. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names";
pub(crate) const CREATED: &str = "CreationTimestamp is a timestamp representing the server time when this object was created. It is not guaranteed to be set in happens-before order across separate operations. Clients may not set this value. It is represented in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for lists. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata";

/// The column of the name, as every table has it first.
pub fn name_column() -> Column {
    Column::new("Name", "string", "name", NAME, 0)
}

/// Name and creation time: the table of a kind that defines none.
#[derive(Debug)]
pub struct Fallback;

impl Printer for Fallback {
    fn columns(&self) -> Vec<Column> {
        vec![
            name_column(),
            Column::new("Created At", "date", "", CREATED, 0),
        ]
    }

    fn cells(&self, object: &Value, _now: &str) -> Vec<Value> {
        vec![
            object.str_at(&["metadata", "name"]).into(),
            object.str_at(&["metadata", "creationTimestamp"]).into(),
        ]
    }
}
