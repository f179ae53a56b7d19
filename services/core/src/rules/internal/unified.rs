//! Unified diffs.

use std::ops::Range;

use super::matching::{Block, blocks};

/// Lines of context around a change.
const CONTEXT: usize = 3;

/// A stretch that is the same on both sides, or is not.
struct Stretch {
    same: bool,
    a: Range<usize>,
    b: Range<usize>,
}

/// `@@ -1,3 +1,4 @@` and what follows; "" when nothing differs.
pub(super) fn diff(a: &[String], b: &[String]) -> String {
    let mut out = String::new();
    for hunk in hunks(stretches(&blocks(a, b))) {
        let (Some(first), Some(last)) = (hunk.first(), hunk.last()) else {
            continue;
        };
        let left = range(first.a.start..last.a.end);
        let right = range(first.b.start..last.b.end);
        out.push_str(&format!("@@ -{left} +{right} @@\n"));
        for s in &hunk {
            if s.same {
                write(&mut out, ' ', &a[s.a.clone()]);
            } else {
                write(&mut out, '-', &a[s.a.clone()]);
                write(&mut out, '+', &b[s.b.clone()]);
            }
        }
    }
    out
}

fn write(out: &mut String, mark: char, lines: &[String]) {
    for line in lines {
        out.push(mark);
        out.push_str(line);
        out.push('\n');
    }
}

/// First line and count; the count of one line is left out.
fn range(lines: Range<usize>) -> String {
    match lines.len() {
        0 => format!("{},0", lines.start),
        1 => (lines.start + 1).to_string(),
        n => format!("{},{n}", lines.start + 1),
    }
}

fn stretches(blocks: &[Block]) -> Vec<Stretch> {
    let (mut i, mut j) = (0, 0);
    let mut out = Vec::new();
    for m in blocks {
        if i < m.a || j < m.b {
            out.push(Stretch {
                same: false,
                a: i..m.a,
                b: j..m.b,
            });
        }
        (i, j) = (m.a + m.size, m.b + m.size);
        if m.size > 0 {
            out.push(Stretch {
                same: true,
                a: m.a..i,
                b: m.b..j,
            });
        }
    }
    out
}

/// Changes with their context; those that are near each other stay together.
fn hunks(all: Vec<Stretch>) -> Vec<Vec<Stretch>> {
    let mut out: Vec<Vec<Stretch>> = Vec::new();
    let mut now: Vec<Stretch> = Vec::new();
    let count = all.len();
    for (n, s) in all.into_iter().enumerate() {
        if !s.same {
            now.push(s);
            continue;
        }
        let (first, last) = (n == 0, n + 1 == count);
        if !first && !last && s.a.len() <= 2 * CONTEXT {
            now.push(s);
            continue;
        }
        if !first {
            let keep = s.a.len().min(CONTEXT);
            now.push(Stretch {
                same: true,
                a: s.a.start..s.a.start + keep,
                b: s.b.start..s.b.start + keep,
            });
            out.push(std::mem::take(&mut now));
        }
        if !last {
            let keep = s.a.len().min(CONTEXT);
            now.push(Stretch {
                same: true,
                a: s.a.end - keep..s.a.end,
                b: s.b.end - keep..s.b.end,
            });
        }
    }
    out.push(now);
    out.retain(|hunk| hunk.iter().any(|s| !s.same));
    out
}
