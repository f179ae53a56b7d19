//! One tag, byte by byte (`Tokenizer.readTag` of Go's `html`).

use std::{borrow::Cow, collections::HashSet};

use super::{attributes::is_link, entities, links::Links};

/// Longest tag that is held and rewritten, and most attributes of one.
const LONGEST: usize = 1 << 20;
const MOST: usize = 10_000;

/// A tag that is being read.
pub(super) struct Tag {
    /// All of it so far; empty once it is too long to be rewritten.
    text: Vec<u8>,
    is_start: bool,
    is_long: bool,
    state: State,
    name: Vec<u8>,
    key: Span,
    value: Span,
    attributes: Vec<(Span, Span)>,
    seen: HashSet<Vec<u8>>,
}

/// Where something is in the text.
type Span = (usize, usize);

#[derive(Clone, Copy)]
enum State {
    Name,
    BeforeKey,
    Key,
    AfterKey,
    BeforeValue,
    Quoted(u8),
    Unquoted,
}

pub(super) fn is_space(b: u8) -> bool {
    matches!(b, b' ' | b'\n' | b'\r' | b'\t' | 0x0c)
}

impl Tag {
    /// `opening`: `<` or `</`, and the first letter of the name.
    pub(super) fn new(opening: Vec<u8>, is_start: bool) -> Self {
        Self {
            name: opening[opening.len() - 1..].to_vec(),
            text: opening,
            is_start,
            is_long: false,
            state: State::Name,
            key: (0, 0),
            value: (0, 0),
            attributes: Vec::new(),
            seen: HashSet::new(),
        }
    }

    /// Name in lower case, of a tag that starts an element.
    pub(super) fn starts(&self) -> Option<Vec<u8>> {
        self.is_start.then(|| self.name.to_ascii_lowercase())
    }

    /// Whether this byte ends the tag. What is too long to be held goes to `out`.
    pub(super) fn push(&mut self, b: u8, out: &mut Vec<u8>) -> bool {
        if self.is_long {
            out.push(b);
        } else {
            self.text.push(b);
        }
        let ends = self.step(b, self.text.len().saturating_sub(1));
        let long = self.text.len() > LONGEST || self.attributes.len() > MOST;
        if long && !self.is_long {
            self.is_long = true;
            out.append(&mut self.text);
            self.attributes.clear();
        }
        ends
    }

    fn step(&mut self, b: u8, at: usize) -> bool {
        match self.state {
            State::Name if is_space(b) => self.state = State::BeforeKey,
            State::Name if matches!(b, b'/' | b'>') => return self.again(State::BeforeKey, b, at),
            State::Name => {
                // Names that mean something are short.
                if self.name.len() < 32 {
                    self.name.push(b);
                }
            }
            State::BeforeKey if is_space(b) => {}
            State::BeforeKey if b == b'>' => return true,
            State::BeforeKey => {
                self.key.0 = at;
                return self.again(State::Key, b, at);
            }
            State::Key => {
                let first = at == self.key.0;
                if (b == b'=' && !first) || is_space(b) || matches!(b, b'/' | b'>') {
                    self.key.1 = at;
                    self.value = (at, at);
                    return self.again(State::AfterKey, b, at);
                }
            }
            State::AfterKey if is_space(b) => {}
            State::AfterKey if b == b'=' => self.state = State::BeforeValue,
            State::AfterKey if b == b'/' => self.save(),
            State::AfterKey => {
                self.save();
                return self.again(State::BeforeKey, b, at);
            }
            State::BeforeValue if is_space(b) => {}
            State::BeforeValue => match b {
                b'>' => {
                    self.save();
                    return true;
                }
                b'\'' | b'"' => {
                    self.value.0 = at + 1;
                    self.state = State::Quoted(b);
                }
                _ => {
                    self.value.0 = at;
                    self.state = State::Unquoted;
                }
            },
            State::Quoted(quote) => {
                if b == quote {
                    self.value.1 = at;
                    self.save();
                }
            }
            State::Unquoted => {
                if is_space(b) || b == b'>' {
                    self.value.1 = at;
                    self.save();
                    return b == b'>';
                }
            }
        }
        false
    }

    fn again(&mut self, state: State, b: u8, at: usize) -> bool {
        self.state = state;
        self.step(b, at)
    }

    /// The attribute is complete; of two with one name the first counts.
    fn save(&mut self) {
        self.state = State::BeforeKey;
        if !self.is_start || self.is_long || self.key.0 == self.key.1 {
            return;
        }
        let key = self.text[self.key.0..self.key.1].to_ascii_lowercase();
        if self.seen.insert(key) {
            self.attributes.push((self.key, self.value));
        }
    }

    /// The whole tag, with links that lead through the proxy.
    pub(super) fn write(&self, links: &Links, out: &mut Vec<u8>) {
        if self.is_long || !self.is_start {
            out.extend_from_slice(&self.text);
            return;
        }
        let end = self
            .text
            .iter()
            .position(|b| is_space(*b) || matches!(b, b'/' | b'>'));
        let name = lower(&self.text[1..end.unwrap_or(self.text.len())]);
        out.push(b'<');
        out.extend_from_slice(&name);
        for (key, value) in &self.attributes {
            let key = lower(&self.text[key.0..key.1]);
            let mut value = entities::decode(&without_nul(&self.text[value.0..value.1]));
            if is_link(&name, &key) {
                value = links.link(value);
            }
            out.push(b' ');
            out.extend_from_slice(&key);
            out.extend_from_slice(b"=\"");
            entities::encode(&value, out);
            out.push(b'"');
        }
        if self.is_self_closing() {
            out.push(b'/');
        }
        out.push(b'>');
    }

    /// A slash before the end, which is not the end of a value without quotes.
    fn is_self_closing(&self) -> bool {
        let Some(last) = self.text.len().checked_sub(2) else {
            return false;
        };
        let of_value = |(_, value): &(Span, Span)| value.1 == last + 1;
        self.text[last] == b'/' && !self.attributes.last().is_some_and(of_value)
    }
}

fn lower(text: &[u8]) -> Vec<u8> {
    without_nul(text).to_ascii_lowercase()
}

/// Zero bytes become U+FFFD.
fn without_nul(text: &[u8]) -> Cow<'_, [u8]> {
    if !text.contains(&0) {
        return Cow::Borrowed(text);
    }
    let parts: Vec<&[u8]> = text.split(|b| *b == 0).collect();
    Cow::Owned(parts.join("\u{FFFD}".as_bytes()))
}
