//! `shardSelector`: a part of a resource by the hash of a field (KEP-5866).

use std::fmt;

use catena_objects::{Status, Value, json::scan};
use catena_registry::{Resource, codec};

use crate::verbs::list::Object;

/// One past the largest hash, as the wire has it.
const END: &str = "0x10000000000000000";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Uid,
    Namespace,
}

/// Objects whose field hashes into one of the ranges.
#[derive(Debug)]
pub(crate) struct Shards {
    field: Field,
    ranges: Vec<Range>,
}

/// Hashes from `start` to before `end`; without an end, all that follow.
#[derive(Debug)]
struct Range {
    start: u64,
    end: Option<u64>,
}

impl Shards {
    /// `shardRange(object.metadata.uid, '0x…', '0x…') || …`
    ///
    /// # Errors
    /// Text that is none, and ranges of different fields.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Err(
                "empty shard selector is not allowed; omit the parameter for unfiltered lists"
                    .to_owned(),
            );
        }
        let mut field = None;
        let mut ranges = Vec::new();
        for call in text.split("||") {
            let (own, range) = call_of(call.trim())?;
            let first = *field.get_or_insert(own);
            if first != own {
                return Err(format!(
                    "all shard ranges must use the same field, got {:?} and {:?}",
                    first.to_string(),
                    own.to_string()
                ));
            }
            ranges.push(range);
        }
        let field = field.unwrap_or(Field::Uid);
        Ok(Self { field, ranges })
    }

    /// # Errors
    /// When the object has to be decoded, and cannot be.
    pub(super) fn matches(
        &self,
        resource: &Resource,
        object: &Object,
        namespace: &str,
    ) -> Result<bool, Status> {
        let hash = match self.field {
            Field::Namespace => fnv1a(namespace.as_bytes()),
            Field::Uid => hash_of_uid(resource, object)?,
        };
        let inside = |r: &Range| hash >= r.start && r.end.is_none_or(|end| hash < end);
        Ok(self.ranges.iter().any(inside))
    }
}

fn hash_of_uid(resource: &Resource, object: &Object) -> Result<u64, Status> {
    if let Some(text) = scan::value_at(object.value(), &["metadata", "uid"])
        && let [b'"', uid @ .., b'"'] = text
        && !uid.contains(&b'\\')
    {
        return Ok(fnv1a(uid));
    }
    let object: Value = codec::decode(resource, &object.kv())?;
    Ok(fnv1a(object.str_at(&["metadata", "uid"]).as_bytes()))
}

/// FNV-1a of 64 bits.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, b| {
        (hash ^ u64::from(*b)).wrapping_mul(0x100_0000_01b3)
    })
}

fn call_of(text: &str) -> Result<(Field, Range), String> {
    let (name, rest) = text
        .split_once('(')
        .ok_or("expected shardRange() call or || operator")?;
    if name.trim() != "shardRange" {
        return Err(format!(
            "unsupported function {:?}; only shardRange() and || are allowed",
            name.trim()
        ));
    }
    let inner = rest
        .strip_suffix(')')
        .ok_or("CEL parse error: a call is not closed")?;
    let arguments: Vec<&str> = inner.split(',').map(str::trim).collect();
    let [path, start, end] = arguments[..] else {
        return Err(format!(
            "shardRange() requires exactly 3 arguments, got {}",
            arguments.len()
        ));
    };
    let field = match path {
        "object.metadata.uid" => Field::Uid,
        "object.metadata.namespace" => Field::Namespace,
        other => {
            return Err(format!(
                "unsupported field path {other:?}; supported: object.metadata.uid, object.metadata.namespace"
            ));
        }
    };
    let (from, to) = (bound("hexStart", start)?, bound("hexEnd", end)?);
    let Some(start_value) = from.filter(|from| to.is_none_or(|to| *from < to)) else {
        return Err(format!(
            "shard range start {} must be less than end {}",
            unquoted(start).unwrap_or_default(),
            unquoted(end).unwrap_or_default()
        ));
    };
    Ok((
        field,
        Range {
            start: start_value,
            end: to,
        },
    ))
}

fn unquoted(text: &str) -> Option<&str> {
    ['\'', '"']
        .iter()
        .find_map(|q| text.strip_prefix(*q)?.strip_suffix(*q))
}

/// A bound of a range; `None` is one past the largest hash.
fn bound(name: &str, literal: &str) -> Result<Option<u64>, String> {
    let text = unquoted(literal)
        .ok_or_else(|| format!("{name} must be a string literal (e.g. '0xff')"))?;
    let digits = text
        .strip_prefix("0x")
        .ok_or_else(|| format!("{name} must have '0x' prefix, got {text:?}"))?;
    if digits.is_empty() {
        return Err(format!("{name}: hex value is required after '0x'"));
    }
    if digits.len() > 17 {
        return Err(format!(
            "{name}: hex value too long ({} chars, max 17): {digits:?}",
            digits.len()
        ));
    }
    if let Some(c) = digits.chars().find(|c| !matches!(c, '0'..='9' | 'a'..='f')) {
        return Err(format!("{name}: invalid hex character \"{c}\" in {text:?}"));
    }
    match digits.len() {
        16 => Ok(u64::from_str_radix(digits, 16).ok()),
        17 if text == END => Ok(None),
        17 => Err(format!(
            "{name}: 17-digit hex value must be '{END}' (2^64), got {text:?}"
        )),
        _ => Err(format!(
            "{name} must be a 0x-prefixed 16-digit hex value, got {text:?} (did you mean \"0x{digits:0>16}\"?)"
        )),
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Uid => "object.metadata.uid",
            Self::Namespace => "object.metadata.namespace",
        })
    }
}

impl fmt::Display for Shards {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, r) in self.ranges.iter().enumerate() {
            if i > 0 {
                f.write_str(" || ")?;
            }
            let end = r
                .end
                .map_or_else(|| END.to_owned(), |e| format!("{e:#018x}"));
            write!(
                f,
                "shardRange({}, '{:#018x}', '{end}')",
                self.field, r.start
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_print_as_they_were() {
        for text in [
            "shardRange(object.metadata.uid, '0x0000000000000000', '0x8000000000000000')",
            "shardRange(object.metadata.namespace, '0x0000000000000000', '0x4000000000000000') || shardRange(object.metadata.namespace, '0xc000000000000000', '0x10000000000000000')",
        ] {
            assert_eq!(
                Shards::parse(text).map(|s| s.to_string()),
                Ok(text.to_owned())
            );
        }
    }

    #[test]
    fn bad_selectors_are_explained() {
        let uid = |rest: &str| format!("shardRange(object.metadata.uid, {rest})");
        for (text, why) in [
            (" ".to_owned(), "empty shard selector"),
            (
                uid("'0x0', '0x8000000000000000'"),
                "did you mean \"0x0000000000000000\"?",
            ),
            (
                uid("'0x8000000000000000', '0x0000000000000001'"),
                "must be less than end 0x0000000000000001",
            ),
            (uid("'0x8000000000000000'"), "exactly 3 arguments, got 2"),
            (
                uid("'8000000000000000', '0x9000000000000000'"),
                "hexStart must have '0x' prefix",
            ),
            (
                uid("1, '0x9000000000000000'"),
                "hexStart must be a string literal",
            ),
            (
                uid("'0x800000000000000g', '0x9000000000000000'"),
                "invalid hex character \"g\"",
            ),
            (
                uid("'0x10000000000000000', '0x10000000000000000'"),
                "must be less than",
            ),
            (
                "shardRange(object.metadata.name, '0x0000000000000000', '0x8000000000000000')"
                    .to_owned(),
                "unsupported field path",
            ),
            ("size(object)".to_owned(), "unsupported function \"size\""),
        ] {
            let error = Shards::parse(&text).err().unwrap_or_default();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn hashes_are_those_of_go() {
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }
}
