//! YAML as `sigs.k8s.io/yaml` (YAML 1.1 scalars) reads and prints it.

mod emit;
mod resolve;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle, Span};

use crate::{Map, Value, json, map::Key};

pub use emit::{to_string, to_vec};

/// Most nodes that aliases may stand for, in sum.
const ALIASED_NODES_MAX: usize = 200_000;

/// Why a text is not YAML. Displayed with the words that the Go library puts
/// before it; `message` is without them (`yaml: line 2: ...`).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("error converting YAML to JSON: {message}")]
pub struct Error {
    pub message: String,
}

/// A tree and the keys that stood twice in it.
#[derive(Clone, Debug)]
pub struct Parsed {
    pub value: Value,
    /// `line 3: key "a" already set in map`, in order. The last value wins.
    pub duplicates: Vec<String>,
}

impl Parsed {
    /// What strict reading says about the duplicates.
    pub fn strict(self) -> Result<Value, Error> {
        if self.duplicates.is_empty() {
            return Ok(self.value);
        }
        let message = format!(
            "yaml: unmarshal errors:\n  {}",
            self.duplicates.join("\n  ")
        );
        Err(Error { message })
    }
}

/// Reads the first document; the last of repeated keys wins. An empty text is null.
pub fn to_value(text: &[u8]) -> Result<Value, Error> {
    parse(text).map(|p| p.value)
}

/// As [`to_value`]; repeated keys are an error.
pub fn to_value_strict(text: &[u8]) -> Result<Value, Error> {
    parse(text)?.strict()
}

/// As [`to_value`], and reports repeated keys.
pub fn parse(text: &[u8]) -> Result<Parsed, Error> {
    let Ok(text) = std::str::from_utf8(text) else {
        return Err(fail("yaml: invalid leading UTF-8 octet"));
    };
    let mut r = Reader {
        events: Parser::new_from_str(text),
        depth: 0,
        aliased: 0,
        anchors: HashMap::new(),
        duplicates: Vec::new(),
    };
    let value = loop {
        match r.event()? {
            (Event::StreamStart | Event::DocumentStart(..), _) => {}
            (Event::StreamEnd | Event::DocumentEnd, _) => break Value::Null,
            (event, span) => break r.node(event, span)?,
        }
    };
    Ok(Parsed {
        value,
        duplicates: r.duplicates,
    })
}

fn fail(message: impl Into<String>) -> Error {
    Error {
        message: message.into(),
    }
}

/// A value that an alias can name, and how many nodes it has.
struct Anchor {
    value: Value,
    nodes: usize,
}

struct Reader<'a> {
    events: Parser<'a, granit_parser::StrInput<'a>>,
    depth: usize,
    aliased: usize,
    anchors: HashMap<usize, Anchor>,
    duplicates: Vec<String>,
}

impl<'a> Reader<'a> {
    fn event(&mut self) -> Result<(Event<'a>, Span), Error> {
        loop {
            match self.events.next() {
                #[allow(unreachable_patterns)]
                Some(Ok((event, span))) => match event {
                    Event::StreamStart
                    | Event::StreamEnd
                    | Event::DocumentStart(..)
                    | Event::DocumentEnd
                    | Event::Alias(_)
                    | Event::Scalar(..)
                    | Event::SequenceStart(..)
                    | Event::SequenceEnd
                    | Event::MappingStart(..)
                    | Event::MappingEnd => return Ok((event, span)),
                    // Comments and other presentation.
                    _ => {}
                },
                Some(Err(e)) => {
                    let line = e.marker().line();
                    return Err(fail(format!("yaml: line {line}: {}", go_words(&e.info()))));
                }
                None => return Err(fail("yaml: unexpected end of stream")),
            }
        }
    }

    fn remember(&mut self, anchor: usize, value: &Value) {
        if anchor != 0 {
            let nodes = count(value);
            self.anchors.insert(
                anchor,
                Anchor {
                    value: value.clone(),
                    nodes,
                },
            );
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span) -> Result<Value, Error> {
        self.depth += 1;
        if self.depth > json::MAX_DEPTH {
            return Err(fail("yaml: exceeded max depth of 1000"));
        }
        let value = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let tag = tag.as_ref().map(|t| t.suffix());
                let value = resolve::scalar(&text, style == ScalarStyle::Plain, tag)?;
                self.remember(anchor, &value);
                value
            }
            Event::SequenceStart(_, anchor, _) => {
                let value = self.sequence()?;
                self.remember(anchor, &value);
                value
            }
            Event::MappingStart(_, anchor, _) => {
                let value = self.mapping()?;
                self.remember(anchor, &value);
                value
            }
            Event::Alias(id) => {
                let Some(anchor) = self.anchors.get(&id) else {
                    let line = span.start.line();
                    return Err(fail(format!(
                        "yaml: line {line}: anchor value contains itself"
                    )));
                };
                self.aliased += anchor.nodes;
                if self.aliased > ALIASED_NODES_MAX {
                    return Err(fail("yaml: document contains excessive aliasing"));
                }
                anchor.value.clone()
            }
            _ => return Err(fail("yaml: unexpected event")),
        };
        self.depth -= 1;
        Ok(value)
    }

    fn sequence(&mut self) -> Result<Value, Error> {
        let mut items = Vec::new();
        loop {
            match self.event()? {
                (Event::SequenceEnd, _) => return Ok(items.into()),
                (event, span) => items.push(self.node(event, span)?),
            }
        }
    }

    fn mapping(&mut self) -> Result<Value, Error> {
        let mut map = Map::new();
        let mut merged: Vec<Value> = Vec::new();
        loop {
            let (event, span) = self.event()?;
            if matches!(event, Event::MappingEnd) {
                break;
            }
            let merge = matches!(&event, Event::Scalar(t, ScalarStyle::Plain, ..) if t == "<<");
            let line = span.start.line();
            let key = self.node(event, span)?;
            let (event, span) = self.event()?;
            let value = self.node(event, span)?;
            if merge {
                merged.push(value);
                continue;
            }
            let name = key_text(&key)?;
            if map.insert(name.clone(), value).is_some() {
                let shown = match &key {
                    Value::String(s) => json::go_quote(s),
                    _ => name.to_string(),
                };
                self.duplicates
                    .push(format!("line {line}: key {shown} already set in map"));
            }
        }
        for value in merged {
            merge_into(&mut map, &value)?;
        }
        Ok(map.into())
    }
}

fn count(v: &Value) -> usize {
    match v {
        Value::Array(a) => a.iter().map(count).sum::<usize>() + 1,
        Value::Object(m) => m.values().map(count).sum::<usize>() + 1,
        _ => 1,
    }
}

/// `<<`: members of the merged mappings stand where the map has none.
fn merge_into(map: &mut Map, value: &Value) -> Result<(), Error> {
    const WHY: &str = "yaml: map merge requires map or sequence of maps as the value";
    match value {
        Value::Object(other) => {
            for (k, v) in other.iter() {
                if !map.contains_key(k) {
                    map.insert(k.clone(), v.clone());
                }
            }
            Ok(())
        }
        Value::Array(items) => items.iter().try_for_each(|item| match item {
            Value::Object(_) => merge_into(map, item),
            _ => Err(fail(WHY)),
        }),
        _ => Err(fail(WHY)),
    }
}

/// JSON has string keys only; scalars are printed, the rest is refused.
fn key_text(key: &Value) -> Result<Key, Error> {
    match key {
        Value::String(s) => Ok(s.clone()),
        Value::Bool(_) | Value::Int(_) | Value::Float(_) => Ok(json::to_string(key).into()),
        other => Err(fail(format!(
            "unsupported map key of type: {}, key: {}",
            other.type_name(),
            json::to_string(other)
        ))),
    }
}

/// The complaints people see most, in the words of libyaml.
fn go_words(info: &str) -> String {
    let lower = info.to_lowercase();
    let known = [
        ("tab", "found character that cannot start any token"),
        (
            "mapping values",
            "mapping values are not allowed in this context",
        ),
        ("simple key expect", "could not find expected ':'"),
        ("expected ':'", "could not find expected ':'"),
        ("expected <block end>", "did not find expected key"),
        ("expected block end", "did not find expected key"),
        (
            "while parsing a flow mapping",
            "did not find expected ',' or '}'",
        ),
        (
            "while parsing a flow sequence",
            "did not find expected ',' or ']'",
        ),
        ("unknown anchor", "unknown anchor referenced"),
    ];
    known
        .iter()
        .find(|(part, _)| lower.contains(part))
        .map_or_else(|| info.to_owned(), |(_, words)| (*words).to_owned())
}
