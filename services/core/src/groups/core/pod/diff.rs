//! The difference between two specs as errors show it: a unified diff of indented JSON.

use catena_objects::{Value, json};

pub fn spec_diff(old: &Value, new: &Value) -> String {
    unified(&pretty(old), &pretty(new))
}

pub fn container_diff(old: &Value, new: &Value) -> String {
    unified(&pretty(old), &pretty(new))
}

fn pretty(v: &Value) -> Vec<String> {
    let mut out = vec![String::new()];
    render(v, 0, &mut out);
    out
}

fn push(out: &mut [String], text: &str) {
    if let Some(last) = out.last_mut() {
        last.push_str(text);
    }
}

fn render(v: &Value, depth: usize, out: &mut Vec<String>) {
    let members: Vec<(Option<&str>, &Value)> = match v {
        Value::Object(m) => m.iter().map(|(k, v)| (Some(k.as_str()), v)).collect(),
        Value::Array(a) => a.iter().map(|v| (None, v)).collect(),
        other => {
            let text = String::from_utf8_lossy(&json::to_vec(other)).into_owned();
            return push(out, &text);
        }
    };
    let (open, close) = if matches!(v, Value::Object(_)) {
        ("{", "}")
    } else {
        ("[", "]")
    };
    push(out, open);
    if members.is_empty() {
        return push(out, close);
    }
    let last = members.len() - 1;
    for (i, (key, v)) in members.into_iter().enumerate() {
        out.push(" ".repeat(depth + 1));
        if let Some(k) = key {
            push(out, &format!("{}: ", json::go_quote(k)));
        }
        render(v, depth + 1, out);
        if i != last {
            push(out, ",");
        }
    }
    out.push(format!("{}{close}", " ".repeat(depth)));
}

/// Lines of context around a change.
const CONTEXT: usize = 3;

/// One hunk from the first to the last line that differs.
fn unified(a: &[String], b: &[String]) -> String {
    let head = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let room = a.len().min(b.len()) - head;
    let tail = a
        .iter()
        .rev()
        .zip(b.iter().rev())
        .take(room)
        .take_while(|(x, y)| x == y)
        .count();
    let from = head.saturating_sub(CONTEXT);
    let (a_end, b_end) = (a.len() - tail, b.len() - tail);
    let after = tail.min(CONTEXT);
    let mut out = format!(
        "@@ -{},{} +{},{} @@\n",
        from + 1,
        a_end + after - from,
        from + 1,
        b_end + after - from
    );
    let mut write = |mark: char, lines: &[String]| {
        for l in lines {
            out.push(mark);
            out.push_str(l);
            out.push('\n');
        }
    };
    write(' ', &a[from..head]);
    write('-', &a[head..a_end]);
    write('+', &b[head..b_end]);
    write(' ', &a[a_end..a_end + after]);
    out
}
