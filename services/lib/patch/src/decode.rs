//! Reading the body of a patch request.

use catena_objects::{Reason, Status, Value, json};

use crate::MAX_OPERATIONS;

/// Which patch a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `application/json-patch+json`
    Json,
    /// `application/merge-patch+json`
    Merge,
    /// `application/strategic-merge-patch+json`
    Strategic,
}

/// A patch, and what strict field validation has to say about its text.
#[derive(Clone, Debug)]
pub struct Decoded {
    pub patch: Value,
    /// `json patch unknown field "[0].x"`, `duplicate field "spec.replicas"`.
    /// Whether they are warnings or errors is the request's `fieldValidation`.
    pub strict_errors: Vec<String>,
}

/// Parses and checks the shape of a patch. `strict` when `fieldValidation` is
/// Strict or Warn, which decides the words of some errors.
///
/// # Errors
/// 400 for a body that is no such patch, 413 for too many operations.
pub fn decode(body: &[u8], format: Format, strict: bool) -> Result<Decoded, Status> {
    let parsed = json::parse_strict(body).map_err(|e| bad(format, strict, &e.message))?;
    let mut strict_errors: Vec<String> = parsed
        .duplicates
        .iter()
        .map(|path| format!("duplicate field {path:?}"))
        .collect();
    let patch = parsed.value;
    match format {
        Format::Json => {
            let Some(operations) = patch.as_array() else {
                if patch.is_null() {
                    return Ok(Decoded {
                        patch: Value::array(),
                        strict_errors,
                    });
                }
                return Err(bad(
                    format,
                    strict,
                    &mismatch(&patch, "[]handlers.jsonPatchOp"),
                ));
            };
            check_operations(operations, strict, &mut strict_errors)?;
            for e in &mut strict_errors {
                e.insert_str(0, "json patch ");
            }
        }
        Format::Merge | Format::Strategic => match &patch {
            Value::Object(_) => {}
            Value::Null if format == Format::Merge => {
                return Err(Status::bad_request("Invalid JSON Patch"));
            }
            Value::Null => {
                return Ok(Decoded {
                    patch: Value::object(),
                    strict_errors,
                });
            }
            other => {
                return Err(bad(
                    format,
                    strict,
                    &mismatch(other, "map[string]interface {}"),
                ));
            }
        },
    }
    Ok(Decoded {
        patch,
        strict_errors,
    })
}

fn check_operations(
    operations: &[Value],
    strict: bool,
    strict_errors: &mut Vec<String>,
) -> Result<(), Status> {
    let format = Format::Json;
    if operations.len() > MAX_OPERATIONS {
        return Err(Status::new(
            Reason::RequestEntityTooLarge,
            format!(
                "Request entity too large: The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {}",
                operations.len()
            ),
        ));
    }
    for (i, operation) in operations.iter().enumerate() {
        let Some(members) = operation.as_object() else {
            // Nothing is an operation without a name, which is refused as such.
            if operation.is_null() {
                continue;
            }
            return Err(bad(
                format,
                strict,
                &mismatch(operation, "handlers.jsonPatchOp"),
            ));
        };
        for key in members.keys() {
            if !matches!(key.as_str(), "op" | "path" | "from" | "value") {
                strict_errors.push(format!("unknown field \"[{i}].{key}\""));
            }
        }
        for (key, v) in members.iter().filter(|(key, _)| *key != "value") {
            let text = v.is_null() || v.as_str().is_some();
            if !text && matches!(key.as_str(), "op" | "path" | "from") {
                let why = format!(
                    "json: cannot unmarshal {} into Go struct field jsonPatchOp.{key} of type string",
                    kind(v)
                );
                return Err(bad(format, strict, &why));
            }
        }
    }
    Ok(())
}

/// A type as Go names it.
fn kind(v: &Value) -> &'static str {
    match v {
        Value::Bool(_) => "bool",
        Value::Int(_) | Value::Float(_) => "number",
        Value::Object(_) => "object",
        other => other.type_name(),
    }
}

fn mismatch(v: &Value, go_type: &str) -> String {
    let kind = kind(v);
    format!("json: cannot unmarshal {kind} into Go value of type {go_type}")
}

fn bad(format: Format, strict: bool, why: &str) -> Status {
    match format {
        Format::Merge if !strict => Status::bad_request("Invalid JSON Patch"),
        Format::Json if !strict => Status::bad_request(why),
        Format::Strategic => Status::bad_request(why),
        _ => Status::bad_request(format!("error decoding patch: {why}")),
    }
}
