//! The table of the sub-resource scale.

use catena_objects::Value;

use crate::{
    Column, Printer,
    column::{CREATED, NAME},
    text::{age, int},
};

/// Of built-in and of custom resources, which say it in other words.
#[derive(Debug)]
pub struct Scale {
    custom: bool,
}

pub fn scale(custom: bool) -> Scale {
    Scale { custom }
}

impl Printer for Scale {
    fn columns(&self) -> Vec<Column> {
        let [name, desired, available, created] = if self.custom {
            [
                "name",
                "Number of desired replicas",
                "Number of actual replicas",
                "date",
            ]
        } else {
            [
                "",
                "replicas is the desired number of instances for the scaled object.",
                "replicas is the actual number of observed instances of the scaled object.",
                "string",
            ]
        };
        vec![
            Column::new("Name", "string", name, NAME, 0),
            Column::new("Desired", "integer", "", desired, 0),
            Column::new("Available", "integer", "", available, 0),
            Column::new("Age", created, "", CREATED, 0),
        ]
    }

    fn cells(&self, object: &Value, now: &str) -> Vec<Value> {
        // Columns of custom resources show nothing of what is not written.
        let number = |path: [&str; 2]| match object.at(&path) {
            None if self.custom => Value::Null,
            _ => int(object, &path),
        };
        vec![
            object.str_at(&["metadata", "name"]).into(),
            number(["spec", "replicas"]),
            number(["status", "replicas"]),
            age(object, now),
        ]
    }
}
