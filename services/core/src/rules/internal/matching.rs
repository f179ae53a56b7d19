//! What two lists of lines have in common, as difflib finds it: the longest
//! common block first, then what is left and right of it (Ratcliff and Obershelp).

use std::collections::HashMap;

/// A run of `size` equal lines at `a` and at `b`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) a: usize,
    pub(super) b: usize,
    pub(super) size: usize,
}

/// Lines of lists as long as this are no anchors when they are frequent.
const MANY: usize = 200;

/// Blocks in order, ended by an empty one.
pub(super) fn blocks(a: &[String], b: &[String]) -> Vec<Block> {
    let anchors = anchors(b);
    let mut found = Vec::new();
    let mut queue = vec![(0, a.len(), 0, b.len())];
    while let Some((a_from, a_to, b_from, b_to)) = queue.pop() {
        let best = longest(a, b, &anchors, (a_from, a_to), (b_from, b_to));
        if best.size == 0 {
            continue;
        }
        found.push(best);
        queue.push((a_from, best.a, b_from, best.b));
        queue.push((best.a + best.size, a_to, best.b + best.size, b_to));
    }
    found.sort_by_key(|m| (m.a, m.b));
    let mut out: Vec<Block> = Vec::new();
    for block in found {
        match out.last_mut() {
            Some(last) if last.a + last.size == block.a && last.b + last.size == block.b => {
                last.size += block.size;
            }
            _ => out.push(block),
        }
    }
    out.push(Block {
        a: a.len(),
        b: b.len(),
        size: 0,
    });
    out
}

/// Where each line is, without those that are everywhere.
fn anchors(b: &[String]) -> HashMap<&str, Vec<usize>> {
    let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
    for (i, line) in b.iter().enumerate() {
        places.entry(line).or_default().push(i);
    }
    if b.len() >= MANY {
        let limit = b.len() / 100 + 1;
        places.retain(|_, at| at.len() <= limit);
    }
    places
}

fn longest(
    a: &[String],
    b: &[String],
    anchors: &HashMap<&str, Vec<usize>>,
    (a_from, a_to): (usize, usize),
    (b_from, b_to): (usize, usize),
) -> Block {
    let mut best = Block {
        a: a_from,
        b: b_from,
        size: 0,
    };
    // Length of the common run that ends before a place of `b`.
    let mut runs: HashMap<usize, usize> = HashMap::new();
    for (i, line) in a.iter().enumerate().take(a_to).skip(a_from) {
        let mut next = HashMap::new();
        let places = anchors.get(line.as_str()).map_or(&[][..], Vec::as_slice);
        for &j in places.iter().filter(|j| (b_from..b_to).contains(j)) {
            let run = runs.get(&j).copied().unwrap_or(0) + 1;
            next.insert(j + 1, run);
            if run > best.size {
                best = Block {
                    a: i + 1 - run,
                    b: j + 1 - run,
                    size: run,
                };
            }
        }
        runs = next;
    }
    while best.a > a_from && best.b > b_from && a[best.a - 1] == b[best.b - 1] {
        best.a -= 1;
        best.b -= 1;
        best.size += 1;
    }
    while best.a + best.size < a_to
        && best.b + best.size < b_to
        && a[best.a + best.size] == b[best.b + best.size]
    {
        best.size += 1;
    }
    best
}
