//! Text of elements whose content is not markup (`Tokenizer.readRawOrRCDATA` and
//! `readScript` of Go's `html`, whose states these are).

use super::tags::is_space;

/// Elements with such a content.
const ELEMENTS: [&[u8]; 9] = [
    b"iframe",
    b"noembed",
    b"noframes",
    b"noscript",
    b"script",
    b"style",
    b"textarea",
    b"title",
    b"xmp",
];

/// The text of an element, until its end tag.
pub(super) struct RawText {
    element: &'static [u8],
    state: State,
    /// What may be the beginning of the end tag.
    held: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Data,
    Less,
    /// `</` and so many letters of the name; where to go on if it is another.
    End(usize, Within),
    EscapeStart,
    EscapeStartDash,
    Escaped,
    EscapedDash,
    EscapedDashDash,
    EscapedLess,
    DoubleStart(usize),
    Double,
    DoubleDash,
    DoubleDashDash,
    DoubleLess,
}

/// Comments in scripts hide their ends, and scripts in these hide theirs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    Data,
    Escaped,
    Double,
}

impl Within {
    fn state(self) -> State {
        match self {
            Self::Data => State::Data,
            Self::Escaped => State::Escaped,
            Self::Double => State::Double,
        }
    }
}

impl RawText {
    /// The content of an element; none when it is markup.
    pub(super) fn of(element: &[u8]) -> Option<Self> {
        let element = ELEMENTS.into_iter().find(|e| *e == element)?;
        Some(Self {
            element,
            state: State::Data,
            held: Vec::new(),
        })
    }

    /// At the end tag it is given back, to be read as such.
    pub(super) fn push(&mut self, b: u8, out: &mut Vec<u8>) -> Option<Vec<u8>> {
        let script = self.element == b"script";
        self.state = match (self.state, b) {
            (State::Data, b'<') => return self.hold(b, State::Less),
            (State::Less, b'/') => return self.hold(b, State::End(0, Within::Data)),
            (State::Less, b'!') if script => State::EscapeStart,
            (State::Less, _) => return self.again(State::Data, b, out),
            (State::End(n, within), _) => return self.end(n, within, b, out),
            (State::EscapeStart, b'-') => State::EscapeStartDash,
            (State::EscapeStartDash, b'-') => State::EscapedDashDash,
            (State::EscapeStart | State::EscapeStartDash, _) => {
                return self.again(State::Data, b, out);
            }
            (State::EscapedLess, b'/') => return self.hold(b, State::End(0, Within::Escaped)),
            (State::EscapedLess, b'a'..=b'z' | b'A'..=b'Z') => {
                return self.again(State::DoubleStart(0), b, out);
            }
            (State::EscapedLess, _) => return self.again(State::Data, b, out),
            (State::Escaped | State::EscapedDash | State::EscapedDashDash, b'<') => {
                return self.hold(b, State::EscapedLess);
            }
            (State::DoubleStart(n), _) => return self.double_start(n, b, out),
            (State::DoubleLess, b'/') => return self.hold(b, State::End(0, Within::Double)),
            (State::DoubleLess, _) => return self.again(State::Double, b, out),
            (State::Double | State::DoubleDash | State::DoubleDashDash, b'<') => {
                return self.hold(b, State::DoubleLess);
            }
            (state, b) => dashes(state, b),
        };
        out.append(&mut self.held);
        out.push(b);
        None
    }

    fn hold(&mut self, b: u8, state: State) -> Option<Vec<u8>> {
        self.held.push(b);
        self.state = state;
        None
    }

    fn again(&mut self, state: State, b: u8, out: &mut Vec<u8>) -> Option<Vec<u8>> {
        out.append(&mut self.held);
        self.state = state;
        self.push(b, out)
    }

    fn end(&mut self, n: usize, within: Within, b: u8, out: &mut Vec<u8>) -> Option<Vec<u8>> {
        match self.element.get(n) {
            Some(letter) if *letter == b.to_ascii_lowercase() => {
                self.hold(b, State::End(n + 1, within))
            }
            None if is_space(b) || matches!(b, b'/' | b'>') => {
                self.held.push(b);
                if within != Within::Double {
                    return Some(std::mem::take(&mut self.held));
                }
                out.append(&mut self.held);
                self.state = State::Escaped;
                None
            }
            _ => self.again(within.state(), b, out),
        }
    }

    fn double_start(&mut self, n: usize, b: u8, out: &mut Vec<u8>) -> Option<Vec<u8>> {
        self.state = match b"script".get(n) {
            Some(letter) if *letter == b.to_ascii_lowercase() => State::DoubleStart(n + 1),
            None if is_space(b) || matches!(b, b'/' | b'>') => State::Double,
            _ => return self.again(State::Escaped, b, out),
        };
        out.push(b);
        None
    }

    /// The page ends here.
    pub(super) fn finish(&mut self, out: &mut Vec<u8>) {
        out.append(&mut self.held);
    }
}

/// States that differ only in how many dashes there were.
fn dashes(state: State, b: u8) -> State {
    match (state, b) {
        (State::Escaped, b'-') => State::EscapedDash,
        (State::EscapedDash | State::EscapedDashDash, b'-') => State::EscapedDashDash,
        (State::Double, b'-') => State::DoubleDash,
        (State::DoubleDash | State::DoubleDashDash, b'-') => State::DoubleDashDash,
        (State::EscapedDashDash | State::DoubleDashDash, b'>') => State::Data,
        (State::EscapedDash | State::EscapedDashDash, _) => State::Escaped,
        (State::DoubleDash | State::DoubleDashDash, _) => State::Double,
        (state, _) => state,
    }
}
