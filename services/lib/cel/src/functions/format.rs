//! `format.dns1123Label().validate(text)` and its like.

use std::sync::Arc;

use catena_objects::names;
use catena_schema::structural;

use super::{Function, url};
use crate::{
    extra::{Extra, Format},
    value::{Outcome, Val, no_overload},
};

/// Formats by name, and the lengths of their patterns.
const FORMATS: [(&str, u64); 13] = [
    ("dns1123Label", 30),
    ("dns1123Subdomain", 60),
    ("dns1035Label", 30),
    ("qualifiedName", 60),
    ("dns1123LabelPrefix", 30),
    ("dns1123SubdomainPrefix", 60),
    ("dns1035LabelPrefix", 30),
    ("labelValue", 40),
    ("uri", 1000),
    ("uuid", 82),
    ("byte", 84),
    ("date", 122),
    ("datetime", 122),
];

pub(super) fn lookup(name: &str) -> Option<Function> {
    Some(match name {
        "format.named" => |args| match &args[0] {
            Val::Text(s) => Ok(named(s).map_or(Val::NONE, Val::some)),
            _ => no_overload(),
        },
        "validate" => validated,
        "format.dns1123Label" => |_| known(0),
        "format.dns1123Subdomain" => |_| known(1),
        "format.dns1035Label" => |_| known(2),
        "format.qualifiedName" => |_| known(3),
        "format.dns1123LabelPrefix" => |_| known(4),
        "format.dns1123SubdomainPrefix" => |_| known(5),
        "format.dns1035LabelPrefix" => |_| known(6),
        "format.labelValue" => |_| known(7),
        "format.uri" => |_| known(8),
        "format.uuid" => |_| known(9),
        "format.byte" => |_| known(10),
        "format.date" => |_| known(11),
        "format.datetime" => |_| known(12),
        _ => return None,
    })
}

fn value<'a>((name, pattern): (&'static str, u64)) -> Val<'a> {
    Val::Extra(Arc::new(Extra::Format(Format { name, pattern })))
}

fn known<'a>(i: usize) -> Outcome<Val<'a>> {
    Ok(value(FORMATS[i]))
}

fn named<'a>(name: &str) -> Option<Val<'a>> {
    FORMATS.into_iter().find(|(n, _)| *n == name).map(value)
}

fn validated<'a>(args: &[Val<'a>]) -> Outcome<Val<'a>> {
    let (Val::Extra(extra), Val::Text(text)) = (&args[0], &args[1]) else {
        return no_overload();
    };
    let Extra::Format(format) = &**extra else {
        return no_overload();
    };
    let problems = format.validate(text);
    Ok(match problems.is_empty() {
        true => Val::NONE,
        false => Val::some(Val::list(problems.into_iter().map(Val::text).collect())),
    })
}

/// What is wrong with a text, by the name of the format.
pub(crate) fn validate(name: &str, text: &str) -> Vec<String> {
    let formatted = |format: &str, why: &str| match structural::matches_format(format, text) {
        true => Vec::new(),
        false => vec![why.to_owned()],
    };
    match name {
        "dns1123Label" => names::dns1123_label(text, false),
        "dns1123Subdomain" => names::dns1123_subdomain(text, false),
        "dns1035Label" => names::dns1035_label(text, false),
        "qualifiedName" => names::qualified_name(text),
        "dns1123LabelPrefix" => names::dns1123_label(text, true),
        "dns1123SubdomainPrefix" => names::dns1123_subdomain(text, true),
        "dns1035LabelPrefix" => names::dns1035_label(text, true),
        "labelValue" => names::label_value(text),
        "uri" => url::problem(text).into_iter().collect(),
        "uuid" => formatted("uuid", "does not match the UUID format"),
        "byte" => formatted("byte", "invalid base64"),
        "date" => formatted("date", "invalid date"),
        _ => formatted("datetime", "invalid datetime"),
    }
}
