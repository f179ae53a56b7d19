//! A page, byte by byte (`Tokenizer.Next` of Go's `html`): all but tags that
//! start elements goes on as it is.

use super::{links::Links, raw_text::RawText, tags::Tag};

/// Rewrites a page that comes in pieces.
pub(super) struct Rewriter {
    links: Links,
    state: State,
}

enum State {
    Text,
    /// `<`
    Less,
    /// `</`
    Slash,
    Tag(Box<Tag>),
    /// `<!`
    Bang,
    /// `<!-`
    BangDash,
    Comment(Comment),
    /// Until the next `>`.
    Declaration,
    Raw(RawText),
    /// To the end: there is no end tag.
    Plain,
}

/// Where in a comment: its end depends on the dashes before.
#[derive(Clone, Copy)]
struct Comment {
    dashes: u8,
    beginning: bool,
    bang: bool,
}

impl Rewriter {
    pub(super) fn new(links: Links) -> Self {
        Self {
            links,
            state: State::Text,
        }
    }

    /// Rewrites the next piece.
    pub(super) fn write(&mut self, mut piece: &[u8], out: &mut Vec<u8>) {
        out.reserve(piece.len());
        while let Some(first) = piece.first() {
            let plain = match self.state {
                State::Text => piece.iter().position(|b| *b == b'<'),
                State::Plain => None,
                _ => Some(0),
            };
            let plain = plain.unwrap_or(piece.len());
            out.extend_from_slice(&piece[..plain]);
            if plain > 0 {
                piece = &piece[plain..];
                continue;
            }
            self.push(*first, out);
            piece = &piece[1..];
        }
    }

    /// The page ends. A tag that is not complete is none, as in Go.
    pub(super) fn finish(&mut self, out: &mut Vec<u8>) {
        match &mut self.state {
            State::Less => out.extend_from_slice(b"<"),
            State::Slash => out.extend_from_slice(b"</"),
            State::Raw(raw) => raw.finish(out),
            _ => {}
        }
    }

    fn push(&mut self, b: u8, out: &mut Vec<u8>) {
        match &mut self.state {
            State::Tag(tag) => {
                if tag.push(b, out) {
                    tag.write(&self.links, out);
                    self.state = after(tag);
                }
            }
            State::Raw(raw) => {
                if let Some(end_tag) = raw.push(b, out) {
                    self.state = State::Text;
                    end_tag.iter().for_each(|b| self.push(*b, out));
                }
            }
            State::Text if b == b'<' => self.state = State::Less,
            State::Less => self.less(b, out),
            State::Slash => self.slash(b, out),
            State::Bang | State::BangDash | State::Comment(_) | State::Declaration => {
                out.push(b);
                self.declaration(b);
            }
            State::Text | State::Plain => out.push(b),
        }
    }

    /// After `<`.
    fn less(&mut self, b: u8, out: &mut Vec<u8>) {
        self.state = match b {
            b'a'..=b'z' | b'A'..=b'Z' => State::Tag(Box::new(Tag::new(vec![b'<', b], true))),
            b'/' => State::Slash,
            b'!' | b'?' => {
                out.extend_from_slice(&[b'<', b]);
                if b == b'!' {
                    State::Bang
                } else {
                    State::Declaration
                }
            }
            _ => {
                out.push(b'<');
                self.state = State::Text;
                return self.push(b, out);
            }
        };
    }

    /// After `</`.
    fn slash(&mut self, b: u8, out: &mut Vec<u8>) {
        if b.is_ascii_alphabetic() {
            let opening = vec![b'<', b'/', b];
            self.state = State::Tag(Box::new(Tag::new(opening, false)));
            return;
        }
        out.extend_from_slice(&[b'<', b'/', b]);
        self.state = if b == b'>' {
            State::Text
        } else {
            State::Declaration
        };
    }

    /// What begins with `<!` or `<?`, to its end.
    fn declaration(&mut self, b: u8) {
        let begins = Comment {
            dashes: 0,
            beginning: true,
            bang: false,
        };
        self.state = match (&self.state, b) {
            (State::Bang, b'-') => State::BangDash,
            (State::BangDash, b'-') => State::Comment(begins),
            (State::Comment(comment), _) => match comment.next(b) {
                Some(comment) => State::Comment(comment),
                None => State::Text,
            },
            (_, b'>') => State::Text,
            _ => State::Declaration,
        };
    }
}

fn after(tag: &Tag) -> State {
    let Some(name) = tag.starts() else {
        return State::Text;
    };
    if name == b"plaintext" {
        return State::Plain;
    }
    RawText::of(&name).map_or(State::Text, State::Raw)
}

impl Comment {
    /// None at its end.
    fn next(mut self, b: u8) -> Option<Self> {
        if self.bang {
            self.bang = false;
            if b == b'>' {
                return None;
            }
            self.beginning = false;
            self.dashes = u8::from(b == b'-');
            return Some(self);
        }
        match b {
            b'-' => {
                self.dashes = self.dashes.saturating_add(1);
                return Some(self);
            }
            b'>' if self.dashes >= 2 || self.beginning => return None,
            b'!' if self.dashes >= 2 => {
                self.bang = true;
                return Some(self);
            }
            _ => {}
        }
        (self.dashes, self.beginning) = (0, false);
        Some(self)
    }
}
