//! The table of APIServices: who serves them, and whether they answer.

use catena_objects::{Value, time};
use catena_registry::{Column, Printer};

pub(super) struct ApiServicePrinter;

impl Printer for ApiServicePrinter {
    fn columns(&self) -> Vec<Column> {
        vec![
            catena_printers::name_column(),
            Column::new(
                "Service",
                "string",
                "",
                "The reference to the service that hosts this API endpoint.",
                0,
            ),
            Column::new(
                "Available",
                "string",
                "",
                "Whether this service is available.",
                0,
            ),
            Column::new("Age", "string", "", "Time since the object was made.", 0),
        ]
    }

    fn cells(&self, object: &Value, now: &str) -> Vec<Value> {
        let text = |path: &[&str]| object.str_at(path).to_owned();
        let service = match object.at(&["spec", "service"]).filter(|s| !s.is_null()) {
            Some(s) => format!("{}/{}", s.str_at(&["namespace"]), s.str_at(&["name"])),
            None => "Local".to_owned(),
        };
        let available = object
            .items_at(&["status", "conditions"])
            .iter()
            .find(|c| c.str_at(&["type"]) == "Available")
            .map_or_else(
                || "Unknown".to_owned(),
                |c| match (c.str_at(&["status"]), c.str_at(&["reason"])) {
                    ("True", _) | (_, "") => c.str_at(&["status"]).to_owned(),
                    (status, reason) => format!("{status} ({reason})"),
                },
            );
        let age = time::age_at(&text(&["metadata", "creationTimestamp"]), now);
        vec![
            text(&["metadata", "name"]).into(),
            service.into(),
            available.into(),
            age.into(),
        ]
    }
}
