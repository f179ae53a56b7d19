//! What a version has of its own: schema, subresources, columns, selectable fields.

use catena_objects::{
    Value,
    field::{Error, Errors, Path},
};

use super::{hub::Hub, schema};

const COLUMN_TYPES: [&str; 5] = ["boolean", "date", "integer", "number", "string"];
const COLUMN_FORMATS: [&str; 8] = [
    "byte",
    "date",
    "date-time",
    "double",
    "float",
    "int32",
    "int64",
    "password",
];
/// Most selectable fields of a version.
const MAX_SELECTABLE: usize = 8;

/// Parts of one version that differ from those of others.
pub(super) fn of_version(
    hub: &Hub<'_>,
    version: &Value,
    old: Option<&Value>,
    at: &Path,
    errors: &mut Errors,
) {
    if !hub.schema {
        schema::validate(
            version,
            has_status(version),
            old,
            &at.child("schema"),
            errors,
        );
    }
    if !hub.subresources {
        subresources(
            version.get("subresources"),
            &at.child("subresources"),
            errors,
        );
    }
    if !hub.columns {
        columns(version, &at.child("additionalPrinterColumns"), errors);
    }
    if !hub.selectable {
        selectable(version, old, &at.child("selectableFields"), errors);
    }
}

/// Parts that all versions share.
pub(super) fn shared(hub: &Hub<'_>, old: Option<&Value>, path: &Path, errors: &mut Errors) {
    let Some(first) = hub.versions.first() else {
        return;
    };
    if hub.schema {
        let any_status = hub.versions.iter().any(has_status);
        schema::validate(first, any_status, old, &path.child("validation"), errors);
    }
    if hub.subresources {
        subresources(
            first.get("subresources"),
            &path.child("subresources"),
            errors,
        );
    }
    if hub.columns {
        columns(first, &path.child("additionalPrinterColumns"), errors);
    }
    if hub.selectable {
        selectable(first, old, &path.child("selectableFields"), errors);
    }
}

fn has_status(version: &Value) -> bool {
    version
        .at(&["subresources", "status"])
        .is_some_and(|s| !s.is_null())
}

/// `validateDeprecationWarning`.
pub(super) fn deprecation(version: &Value, at: &Path, errors: &mut Errors) {
    let Some(text) = version.get("deprecationWarning").and_then(Value::as_str) else {
        return;
    };
    let at = at.child("deprecationWarning");
    let mut fail = |why: String| errors.push(Error::invalid(&at, text, why));
    if version.bool_at(&["deprecated"]) != Some(true) {
        return fail("can only be set for deprecated versions".to_owned());
    }
    if text.len() > 256 {
        fail("must be <= 256 characters long".to_owned());
    }
    if text.is_empty() {
        fail("must not be an empty string".to_owned());
    }
    let odd = text
        .char_indices()
        .find(|(_, c)| c.is_control() || (c.is_whitespace() && *c != ' '));
    if let Some((i, _)) = odd {
        fail(format!(
            "must only contain printable UTF-8 characters; non-printable character found at index {i}"
        ));
    }
}

fn simple_path(text: &str, at: &Path, errors: &mut Errors) -> bool {
    let simple = text.starts_with('.');
    if !simple {
        let why = "must be a simple json path starting with .";
        errors.push(Error::invalid(at, text, why));
    }
    simple
}

fn subresources(v: Option<&Value>, at: &Path, errors: &mut Errors) {
    let Some(scale) = v.and_then(|s| s.get("scale")).filter(|s| !s.is_null()) else {
        return;
    };
    for (key, root) in [
        ("specReplicasPath", ".spec"),
        ("statusReplicasPath", ".status"),
    ] {
        let at = at.child(&format!("scale.{key}"));
        let text = scale.str_at(&[key]);
        if text.is_empty() {
            errors.push(Error::required(&at, ""));
        } else if simple_path(text, &at, errors) && !text.starts_with(&format!("{root}.")) {
            errors.push(Error::invalid(
                &at,
                text,
                format!("should be a json path under {root}"),
            ));
        }
    }
    let text = scale.str_at(&["labelSelectorPath"]);
    let at = at.child("scale.labelSelectorPath");
    if !text.is_empty()
        && simple_path(text, &at, errors)
        && !text.starts_with(".spec.")
        && !text.starts_with(".status.")
    {
        let why = "should be a json path under either .spec or .status";
        errors.push(Error::invalid(&at, text, why));
    }
}

fn columns(version: &Value, at: &Path, errors: &mut Errors) {
    let of = |list: &[&str]| format!("must be one of {}", list.join(","));
    for (i, column) in version
        .items_at(&["additionalPrinterColumns"])
        .iter()
        .enumerate()
    {
        let at = at.index(i);
        if column.str_at(&["name"]).is_empty() {
            errors.push(Error::required(&at.child("name"), ""));
        }
        match column.str_at(&["type"]) {
            "" => errors.push(Error::required(&at.child("type"), of(&COLUMN_TYPES))),
            t if !COLUMN_TYPES.contains(&t) => {
                errors.push(Error::invalid(&at.child("type"), t, of(&COLUMN_TYPES)));
            }
            _ => {}
        }
        let format = column.str_at(&["format"]);
        if !format.is_empty() && !COLUMN_FORMATS.contains(&format) {
            errors.push(Error::invalid(
                &at.child("format"),
                format,
                of(&COLUMN_FORMATS),
            ));
        }
        match column.str_at(&["jsonPath"]) {
            "" => errors.push(Error::required(&at.child("JSONPath"), "")),
            text => drop(simple_path(text, &at.child("JSONPath"), errors)),
        }
    }
}

fn selectable(version: &Value, old: Option<&Value>, at: &Path, errors: &mut Errors) {
    let fields = version.items_at(&["selectableFields"]);
    if fields.is_empty() {
        return;
    }
    let Some(schema) = version.at(&["schema", "openAPIV3Schema"]) else {
        let why = "may only be set when `version.schema.openAPIV3Schema` is not included";
        errors.push(Error::invalid(at, "", why));
        return;
    };
    let mut seen: Vec<&str> = Vec::new();
    for (i, field) in fields.iter().enumerate() {
        let at = at.index(i).child("jsonPath");
        let path = field.str_at(&["jsonPath"]);
        if path.is_empty() {
            errors.push(Error::required(&at, ""));
            continue;
        }
        let found = match target(path, schema) {
            Ok(found) => found,
            Err(why) => {
                errors.push(Error::invalid(
                    &at,
                    path,
                    format!("is an invalid path: {why}"),
                ));
                continue;
            }
        };
        if path.starts_with(".metadata.") || path == ".metadata" {
            errors.push(Error::invalid(
                &at,
                path,
                "must not point to fields in metadata",
            ));
        }
        if !matches!(found.str_at(&["type"]), "string" | "boolean" | "integer") {
            let why = "must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.";
            errors.push(Error::invalid(&at, path, why));
        }
        if seen.contains(&path) {
            errors.push(Error::duplicate(&at, path));
        } else {
            seen.push(path);
        }
    }
    let unchanged = old.is_some_and(|o| {
        super::versions(o).iter().any(|v| {
            v.str_at(&["name"]) == version.str_at(&["name"])
                && v.get("selectableFields") == version.get("selectableFields")
        })
    });
    if seen.len() > MAX_SELECTABLE && !unchanged {
        errors.push(Error::too_many(at, seen.len(), MAX_SELECTABLE));
    }
}

/// The schema that a path of members leads to (`ValidFieldPath` without array notation).
fn target<'a>(path: &str, schema: &'a Value) -> Result<&'a Value, String> {
    let mut node = schema;
    let mut rest = path;
    while !rest.is_empty() {
        if rest.starts_with('[') {
            return Err("array notation is not allowed".to_owned());
        }
        let Some(tail) = rest.strip_prefix('.') else {
            let end = rest.find(['.', '[', ']']).unwrap_or(rest.len()).max(1);
            return Err(format!("expected [ or . but got: {}", &rest[..end]));
        };
        let end = tail.find(['.', '[', ']']).unwrap_or(tail.len());
        if tail.is_empty() {
            return Err("unexpected end of JSON path".to_owned());
        }
        let (name, after) = tail.split_at(end);
        let unknown = || "does not refer to a valid field".to_owned();
        node = match (node.get("properties"), node.get("additionalProperties")) {
            (Some(p), _) if p.as_object().is_some() => p.get(name).ok_or_else(unknown)?,
            (_, Some(a)) if a.as_object().is_some() => a,
            _ => return Err(unknown()),
        };
        rest = after;
    }
    Ok(node)
}
