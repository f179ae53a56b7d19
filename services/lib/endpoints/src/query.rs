//! Query parameters: option objects of `meta/v1` and their checks.

use catena_objects::{Status, Value, field};
use catena_registry::options::{DeleteOptions, Preconditions, Propagation};

/// Decoded pairs of a query string, in order.
#[derive(Clone, Debug, Default)]
pub struct Query(Vec<(String, String)>);

impl Query {
    pub fn parse(raw: &str) -> Self {
        let pairs = raw
            .split('&')
            .filter(|p| !p.is_empty())
            .map(|p| p.split_once('=').unwrap_or((p, "")))
            .map(|(k, v)| (unescape(k), unescape(v)))
            .collect();
        Self(pairs)
    }

    /// First value of a parameter.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(k, _)| k == key)
            .map(|(_, v)| v.as_str())
    }

    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(k, v)| (k.as_str(), v.as_str()))
    }

    pub fn all(&self, key: &str) -> Vec<&str> {
        self.0
            .iter()
            .filter(|(k, _)| k == key)
            .map(|(_, v)| v.as_str())
            .collect()
    }

    /// Go's query conversion: "false" and "0" are false, anything else that is present is true.
    pub fn bool(&self, key: &str) -> bool {
        !matches!(self.get(key), None | Some("false" | "0"))
    }

    /// An integer parameter; a bad one is the error of Go's conversion.
    pub fn int(&self, key: &str) -> Result<Option<i64>, Status> {
        match self.get(key) {
            None => Ok(None),
            Some(text) => text.parse().map(Some).map_err(|_| {
                let why = number_error(text);
                Status::bad_request(format!("strconv.ParseInt: parsing {text:?}: {why}"))
            }),
        }
    }
}

/// Why Go reads no number.
pub(crate) fn number_error(text: &str) -> &'static str {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    match !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
        true => "value out of range",
        false => "invalid syntax",
    }
}

fn unescape(text: &str) -> String {
    let b = text.as_bytes();
    let mut out = Vec::with_capacity(b.len());
    let mut i = 0;
    while i < b.len() {
        let hex = |j: usize| b.get(j).and_then(|c| (*c as char).to_digit(16));
        match b[i] {
            b'+' => out.push(b' '),
            b'%' => match (hex(i + 1), hex(i + 2)) {
                (Some(h), Some(l)) => {
                    out.push((h * 16 + l) as u8);
                    i += 2;
                }
                _ => out.push(b'%'),
            },
            c => out.push(c),
        }
        i += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// How unknown and repeated fields are treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldValidation {
    Ignore,
    Warn,
    Strict,
}

/// Options of create, update and patch.
#[derive(Clone, Debug)]
pub struct WriteOptions {
    pub dry_run: bool,
    /// "" when none was given.
    pub field_manager: String,
    pub field_validation: FieldValidation,
    /// Server-side apply only.
    pub force: Option<bool>,
}

/// Parses the options; `kind` is `CreateOptions`, `UpdateOptions` or `PatchOptions`.
pub fn write_options(q: &Query, kind: &str, apply: bool) -> Result<WriteOptions, Status> {
    let mut errors = field::Errors::new();
    let force = q.get("force").map(|_| q.bool("force"));
    let manager = q.get("fieldManager").unwrap_or_default();
    if kind == "PatchOptions" {
        if apply {
            if manager.is_empty() {
                errors.push(field::Error::required(
                    &field::Path::new("fieldManager"),
                    "is required for apply patch",
                ));
            }
        } else if force.is_some() {
            errors.push(field::Error::forbidden(
                &field::Path::new("force"),
                "may not be specified for non-apply patch",
            ));
        }
    }
    check_manager(manager, &mut errors);
    let dry_run = q.all("dryRun");
    check_dry_run(&dry_run, &mut errors);
    let field_validation = match q.get("fieldValidation").unwrap_or_default() {
        "" | "Warn" => FieldValidation::Warn,
        "Ignore" => FieldValidation::Ignore,
        "Strict" => FieldValidation::Strict,
        other => {
            errors.push(field::Error::not_supported(
                &field::Path::new("fieldValidation"),
                other,
                &["", "Ignore", "Strict", "Warn"],
            ));
            FieldValidation::Warn
        }
    };
    if !errors.is_empty() {
        return Err(Status::invalid("meta.k8s.io", kind, "", &errors));
    }
    Ok(WriteOptions {
        dry_run: !dry_run.is_empty(),
        field_manager: manager.to_owned(),
        field_validation,
        force,
    })
}

fn check_dry_run(values: &[&str], errors: &mut field::Errors) {
    if values.iter().any(|v| *v != "All") {
        let list: Vec<Value> = values.iter().map(|v| Value::from(*v)).collect();
        errors.push(field::Error::not_supported(
            &field::Path::new("dryRun"),
            list,
            &["All"],
        ));
    }
}

fn check_manager(manager: &str, errors: &mut field::Errors) {
    let path = field::Path::new("fieldManager");
    if manager.len() > 128 {
        errors.push(field::Error::too_long(&path, 128));
    }
    for (i, c) in manager.char_indices() {
        if c.is_control() {
            let detail = format!("invalid character U+{:04X} (at position {i})", c as u32);
            errors.push(field::Error::invalid(&path, manager, detail));
        }
    }
}

/// Options of a deletion, from the body where one was sent, else from the query:
/// with a body the query says nothing (`DeleteResource`).
pub fn delete_options(q: &Query, body: Option<&Value>) -> Result<(DeleteOptions, bool), Status> {
    let (empty, unasked) = (Value::object(), Query::default());
    let b = body.unwrap_or(&empty);
    let q = if body.is_some() { &unasked } else { q };
    let mut errors = field::Errors::new();
    let dry_run: Vec<&str> = match body {
        Some(b) => b
            .items_at(&["dryRun"])
            .iter()
            .filter_map(Value::as_str)
            .collect(),
        None => q.all("dryRun"),
    };
    let of_body = b.get("propagationPolicy").and_then(Value::as_str);
    let policy = of_body.or_else(|| q.get("propagationPolicy"));
    let orphan = b.bool_at(&["orphanDependents"]).or_else(|| {
        q.get("orphanDependents")
            .map(|_| q.bool("orphanDependents"))
    });
    let path = field::Path::new("propagationPolicy");
    if let (Some(_), Some(policy)) = (orphan, policy) {
        errors.push(field::Error::invalid(
            &path,
            policy,
            "orphanDependents and deletionPropagation cannot be both set",
        ));
    }
    let propagation = match policy {
        None => None,
        Some("Orphan") => Some(Propagation::Orphan),
        Some("Background") => Some(Propagation::Background),
        Some("Foreground") => Some(Propagation::Foreground),
        Some(other) => {
            errors.push(field::Error::not_supported(
                &path,
                other,
                &["Foreground", "Background", "Orphan", "nil"],
            ));
            None
        }
    };
    check_dry_run(&dry_run, &mut errors);
    if !errors.is_empty() {
        return Err(Status::invalid("meta.k8s.io", "DeleteOptions", "", &errors));
    }
    let condition = |name: &str| {
        let of_body = b.at(&["preconditions", name]).and_then(Value::as_str);
        let of_query = || q.get(name).filter(|text| !text.is_empty());
        of_body.or_else(of_query).map(str::to_owned)
    };
    let grace = match b.i64_at(&["gracePeriodSeconds"]) {
        Some(s) => Some(s),
        None => q.int("gracePeriodSeconds")?,
    };
    let options = DeleteOptions {
        grace_period_seconds: grace.map(|s| if s < 0 { 1 } else { s }),
        preconditions: Preconditions {
            uid: condition("uid"),
            resource_version: condition("resourceVersion"),
        },
        propagation: propagation.or(orphan.map(|o| {
            if o {
                Propagation::Orphan
            } else {
                Propagation::Background
            }
        })),
    };
    Ok((options, !dry_run.is_empty()))
}
