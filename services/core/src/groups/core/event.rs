//! Event, in the shape of the core group, for both groups that serve it
//! (`apis/core/validation/events.go`).

use catena_objects::{
    Value,
    field::{Error, Errors, Path},
    names, obj,
};
use catena_registry::{Context, Strategy};

use crate::steps::{complaints, same};

const LIMIT: usize = 128;
const NOTE_LIMIT: usize = 1024;
const OTHER_NAMESPACE: &str = "does not match event.namespace";

/// `strict`: the rules of `events.k8s.io/v1`.
#[derive(Debug)]
pub struct Event {
    pub strict: bool,
}

impl Strategy for Event {
    fn prepare_update(&self, _ctx: &Context, _object: &mut Value, _old: &Value) {}

    fn has_dependents(&self) -> bool {
        false
    }

    fn validate(&self, _ctx: &Context, event: &Value) -> Errors {
        let mut errors = Errors::new();
        self.legacy(&mut errors, event);
        if self.strict {
            strict_create(&mut errors, event);
        }
        errors
    }

    fn validate_update(&self, _ctx: &Context, event: &Value, old: &Value) -> Errors {
        let mut errors = Errors::new();
        self.legacy(&mut errors, event);
        if self.strict {
            strict_update(&mut errors, event, old);
        }
        errors
    }

    fn allow_create_on_update(&self) -> bool {
        true
    }

    /// The old group never checked the names of events.
    fn validate_name(&self, name: &str, is_prefix: bool) -> Vec<String> {
        if self.strict {
            names::dns1123_subdomain(name, is_prefix)
        } else {
            Vec::new()
        }
    }

    fn selectable(&self, event: &Value) -> Vec<String> {
        let object = |field: &str| event.str_at(&["involvedObject", field]).to_owned();
        let component = event.str_at(&["source", "component"]);
        let reporter = event.str_at(&["reportingComponent"]);
        let source = if component.is_empty() {
            reporter
        } else {
            component
        };
        vec![
            object("kind"),
            object("namespace"),
            object("name"),
            object("uid"),
            object("apiVersion"),
            object("resourceVersion"),
            object("fieldPath"),
            event.str_at(&["reason"]).to_owned(),
            reporter.to_owned(),
            source.to_owned(),
            event.str_at(&["type"]).to_owned(),
        ]
    }
}

impl Event {
    fn legacy(&self, errors: &mut Errors, event: &Value) {
        let own = event.str_at(&["metadata", "namespace"]);
        let about = event.str_at(&["involvedObject", "namespace"]);
        let path = Path::new("involvedObject").child("namespace");
        if event.str_at(&["eventTime"]).is_empty() {
            let fits = if about.is_empty() {
                own.is_empty() || own == "default"
            } else {
                own == about
            };
            if !fits {
                errors.push(Error::invalid(&path, about, OTHER_NAMESPACE));
            }
        } else {
            if about.is_empty() && own != "default" && own != "kube-system" {
                errors.push(Error::invalid(&path, about, OTHER_NAMESPACE));
            }
            self.reported(errors, event);
        }
        complaints(
            errors,
            &Path::new("namespace"),
            own,
            names::dns1123_subdomain(own, false),
        );
    }

    fn reported(&self, errors: &mut Errors, event: &Value) {
        let field = if self.strict {
            "reportingController"
        } else {
            "reportingComponent"
        };
        let path = Path::new(field);
        let controller = event.str_at(&["reportingComponent"]);
        if controller.is_empty() {
            errors.push(Error::required(&path, ""));
        }
        complaints(errors, &path, controller, names::qualified_name(controller));
        for field in ["reportingInstance", "action", "reason"] {
            let text = event.str_at(&[field]);
            if text.is_empty() {
                errors.push(Error::required(&Path::new(field), ""));
            }
            at_most(errors, field, text, LIMIT);
        }
        at_most(errors, "message", event.str_at(&["message"]), NOTE_LIMIT);
    }
}

fn at_most(errors: &mut Errors, field: &str, text: &str, limit: usize) {
    if text.len() > limit {
        let message = format!("can have at most {limit} characters");
        errors.push(Error::invalid(&Path::new(field), "", message));
    }
}

fn strict_create(errors: &mut Errors, event: &Value) {
    series(errors, event);
    if event.str_at(&["eventTime"]).is_empty() {
        errors.push(Error::required(&Path::new("eventTime"), ""));
    }
    let ty = event.str_at(&["type"]);
    if ty != "Normal" && ty != "Warning" {
        let text = format!("has invalid value: {ty}");
        errors.push(Error::invalid(&Path::new("type"), "", text));
    }
    for field in ["firstTimestamp", "lastTimestamp", "count", "source"] {
        let set = match event.get(field) {
            None | Some(Value::Null | Value::Int(0)) => false,
            Some(Value::Object(m)) => m.values().any(|v| v.as_str() != Some("")),
            Some(_) => true,
        };
        if set {
            errors.push(Error::invalid(&Path::new(field), "", "needs to be unset"));
        }
    }
}

fn series(errors: &mut Errors, event: &Value) {
    if event.at(&["series"]).is_none_or(Value::is_null) {
        return;
    }
    if event.i64_at(&["series", "count"]).unwrap_or(0) < 2 {
        errors.push(Error::invalid(
            &Path::new("series.count"),
            "",
            "should be at least 2",
        ));
    }
    if event.str_at(&["series", "lastObservedTime"]).is_empty() {
        errors.push(Error::required(&Path::new("series.lastObservedTime"), ""));
    }
}

fn strict_update(errors: &mut Errors, event: &Value, old: &Value) {
    if !same(event.get("series"), old.get("series")) {
        series(errors, event);
    }
    let fields = [
        ("involvedObject", "involvedObject"),
        ("reason", "reason"),
        ("message", "message"),
        ("source", "source"),
        ("firstTimestamp", "firstTimestamp"),
        ("lastTimestamp", "lastTimestamp"),
        ("count", "count"),
        ("reason", "reason"),
        ("type", "type"),
        ("eventTime", "eventTime"),
        ("action", "action"),
        ("related", "related"),
        ("reportingComponent", "reportingController"),
        ("reportingInstance", "reportingInstance"),
    ];
    for (field, shown) in fields {
        if !same(event.get(field), old.get(field)) {
            let value = shown_value(event, field);
            errors.push(Error::invalid(
                &Path::new(shown),
                value,
                "field is immutable",
            ));
        }
    }
}

/// The value as Go prints its internal struct.
fn shown_value(event: &Value, field: &str) -> Value {
    let text = |name: &str| event.str_at(&[field, name]).to_owned();
    match field {
        "involvedObject" | "related" => obj!({
            "Kind": (text("kind")), "Namespace": (text("namespace")), "Name": (text("name")),
            "UID": (text("uid")), "APIVersion": (text("apiVersion")),
            "ResourceVersion": (text("resourceVersion")), "FieldPath": (text("fieldPath"))
        }),
        "source" => obj!({"Component": (text("component")), "Host": (text("host"))}),
        "count" => Value::Int(event.i64_at(&[field]).unwrap_or(0)),
        "eventTime" | "firstTimestamp" | "lastTimestamp" => {
            event.get(field).cloned().unwrap_or_default()
        }
        _ => event.str_at(&[field]).into(),
    }
}
