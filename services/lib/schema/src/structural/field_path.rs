//! `fieldPath` of a rule: `.spec.names['a.b']`, relative to its schema.

use crate::node::{Node, NodeRef};

/// The path as messages show it; `None` when there is none or it is not valid.
pub fn field_path(path: &str, node: &Node) -> Option<String> {
    if path.is_empty() {
        return None;
    }
    walk(path, node).ok()
}

fn walk(path: &str, node: &Node) -> Result<String, ()> {
    let mut out = String::new();
    let mut rest = path;
    let mut here = node;
    while !rest.is_empty() {
        let name;
        if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[', ']']).unwrap_or(after.len());
            if end == 0 {
                return Err(());
            }
            name = after[..end].to_owned();
            rest = &after[end..];
        } else if let Some(after) = rest.strip_prefix("['") {
            let end = closing(after).ok_or(())?;
            name = unescape(&after[..end])?;
            rest = after[end + 1..].strip_prefix(']').ok_or(())?;
        } else {
            return Err(());
        }
        here = match here.fields.is_empty() {
            false => {
                if !out.is_empty() {
                    out.push('.');
                }
                out.push_str(&name);
                here.field(&name).map(|f| f.node.get()).ok_or(())?
            }
            true => {
                out.push_str(&format!("[{name}]"));
                here.additional.as_ref().map(NodeRef::get).ok_or(())?
            }
        };
    }
    Ok(out)
}

/// Where the quote ends that the text is in.
fn closing(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    (0..bytes.len()).find(|i| bytes[*i] == b'\'' && (*i == 0 || bytes[*i - 1] != b'\\'))
}

fn unescape(text: &str) -> Result<String, ()> {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        out.push(match chars.next() {
            Some('a') => '\u{7}',
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('v') => '\u{b}',
            Some(c @ ('\'' | '\\')) => c,
            _ => return Err(()),
        });
    }
    Ok(out)
}
