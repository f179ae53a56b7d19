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
        text,
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
    text: &'a str,
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
                Some(Err(e)) => return Err(fail(self.go_words(&e))),
                None => return Err(fail("yaml: unexpected end of stream")),
            }
        }
    }

    /// The complaints people see most, in the words of libyaml, with the line it
    /// would name: its parser counts from zero and ends after the last line.
    fn go_words(&self, e: &granit_parser::ScanError) -> String {
        let info = e.info();
        let line = e.marker().line();
        let at = |line: usize, words: &str| match line {
            0 => format!("yaml: {words}"),
            n => format!("yaml: line {n}: {words}"),
        };
        // The scanner's complaints name a line from the second on.
        let scanned = |line: usize, words: &str| at(if line > 1 { line } else { 0 }, words);
        let last = self.text.lines().count();
        if info.contains("unclosed bracket '['") {
            return at(last, "did not find expected ',' or ']'");
        }
        if info.contains("unclosed bracket '{'") {
            return at(last, "did not find expected ',' or '}'");
        }
        if info.contains("unclosed quote") {
            let end = self.text.matches('\n').count() + 1;
            return scanned(end, "found unexpected end of stream");
        }
        if info.contains("unknown anchor") {
            let rest = self.text.split('*').nth(1).unwrap_or_default();
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '-' && c != '_');
            let name = &rest[..end.unwrap_or(rest.len())];
            return format!("yaml: unknown anchor '{name}' referenced");
        }
        if info.contains("tab") || info.contains("unexpected character") {
            return scanned(line, "found character that cannot start any token");
        }
        if info.contains("simple key") {
            return scanned(line, "could not find expected ':'");
        }
        if info.contains("mapping values are not allowed") {
            return scanned(line, "mapping values are not allowed in this context");
        }
        match info.split_once(", ") {
            Some((context, words)) if context.starts_with("while parsing a quoted") => {
                scanned(line, words)
            }
            Some((context, words)) if context.starts_with("while parsing") => {
                at(line.saturating_sub(1), words)
            }
            Some((context, words)) if context.starts_with("while scanning") => at(line, words),
            _ => at(line, &info),
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
                    let line = self.text.lines().nth(span.start.line().saturating_sub(1));
                    let rest = line.and_then(|l| l.get(span.start.col() + 1..));
                    let name: String = rest
                        .unwrap_or_default()
                        .chars()
                        .take_while(|c| c.is_alphanumeric() || matches!(c, '-' | '_'))
                        .collect();
                    return Err(fail(format!("yaml: anchor '{name}' value contains itself")));
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
