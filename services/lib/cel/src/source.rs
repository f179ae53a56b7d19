//! The text of an expression, and errors that point into it.

/// Errors that are told of one expression; the rest is only counted.
const MAX_ERRORS: usize = 100;
/// Characters of a line beyond which it is not shown with an error.
const MAX_SNIPPET: usize = 16384;

/// The text, by characters: places are counted in them.
pub(crate) struct Source {
    pub(crate) chars: Vec<char>,
}

/// What is wrong with an expression, as `cel-go` prints it.
pub(crate) struct Problems {
    shown: Vec<(Option<usize>, String)>,
    count: usize,
}

impl Source {
    pub(crate) fn new(text: &str) -> Self {
        Self {
            chars: text.chars().collect(),
        }
    }

    pub(crate) fn text(&self, from: usize, to: usize) -> String {
        self.chars[from.min(self.chars.len())..to.min(self.chars.len())]
            .iter()
            .collect()
    }

    /// Line, from 1, and column, from 0.
    fn position(&self, offset: usize) -> (usize, usize) {
        let before = &self.chars[..offset.min(self.chars.len())];
        let line = before.iter().filter(|c| **c == '\n').count() + 1;
        let start = before
            .iter()
            .rposition(|c| *c == '\n')
            .map_or(0, |at| at + 1);
        (line, offset - start)
    }

    fn line(&self, number: usize) -> String {
        let mut lines = self.chars.split(|c| *c == '\n');
        lines.nth(number - 1).unwrap_or_default().iter().collect()
    }

    fn show(&self, at: Option<usize>, message: &str) -> String {
        let Some(offset) = at else {
            return format!("ERROR: <input>:-1:0: {message}");
        };
        let (line, column) = self.position(offset);
        // The end of no text at all is before its first column.
        let shown = column + usize::from(!self.chars.is_empty());
        let mut out = format!("ERROR: <input>:{line}:{shown}: {message}");
        let snippet = self.line(line);
        if !self.chars.is_empty() && snippet.len() <= MAX_SNIPPET {
            let wide = |c: char| c.len_utf8() > 1;
            let mut pointer = String::new();
            for c in snippet.chars().take(column) {
                pointer.push(if wide(c) { '\u{ff0e}' } else { '.' });
            }
            let under = snippet.chars().nth(column).is_some_and(wide);
            pointer.push(if under { '\u{ff3e}' } else { '^' });
            out.push_str("\n | ");
            out.push_str(&snippet.replace('\t', " "));
            out.push_str("\n | ");
            out.push_str(&pointer);
        }
        out
    }
}

impl Problems {
    pub(crate) fn new() -> Self {
        Self {
            shown: Vec::new(),
            count: 0,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Notes what is wrong at an offset; `None` is the expression as a whole.
    pub(crate) fn at(&mut self, offset: impl Into<Option<usize>>, message: impl Into<String>) {
        self.count += 1;
        if self.shown.len() < MAX_ERRORS {
            self.shown.push((offset.into(), message.into()));
        }
    }

    pub(crate) fn show(&self, source: &Source) -> String {
        let mut shown: Vec<_> = self.shown.iter().collect();
        shown.sort_by_key(|(at, _)| *at);
        let mut lines: Vec<String> = shown
            .into_iter()
            .map(|(at, message)| source.show(*at, message))
            .collect();
        if self.count > MAX_ERRORS {
            let more = self.count - MAX_ERRORS;
            lines.push(format!("{more} more errors were truncated"));
        }
        lines.join("\n")
    }
}
