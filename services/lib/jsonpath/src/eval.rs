//! Following a path through a tree.

use std::cmp::Ordering;

use catena_objects::Value;

use crate::{Error, Node, Operator, Path, Slice};

/// Most values that a step may select: recursive descents multiply.
const MAX_VALUES: usize = 100_000;

fn fail(why: impl Into<String>) -> Error {
    Error(why.into())
}

pub(crate) fn find(path: &Path, value: &Value) -> Result<Vec<Value>, Error> {
    let mut current = vec![value.clone()];
    for node in &path.0 {
        current = step(node, current)?;
        if current.len() > MAX_VALUES {
            return Err(fail("the path selects too many values"));
        }
    }
    Ok(current)
}

fn step(node: &Node, input: Vec<Value>) -> Result<Vec<Value>, Error> {
    let mut out = Vec::new();
    match node {
        Node::Field(name) => out.extend(input.iter().filter_map(|v| v.get(name).cloned())),
        Node::Literal(v) => out.extend(input.iter().map(|_| v.clone())),
        Node::Wildcard => input.iter().for_each(|v| out.extend(children(v))),
        Node::Recursive => {
            for v in &input {
                recursive(v, &mut out)?;
            }
        }
        Node::Union(paths) => {
            for p in paths {
                for v in &input {
                    out.extend(find(p, v)?);
                }
            }
        }
        Node::Slice(s) => {
            for v in input.iter().filter(|v| !v.is_null()) {
                let Some(items) = v.as_array() else {
                    return Err(fail(format!("{} is not array or slice", v.type_name())));
                };
                sliced(*s, items, &mut out)?;
            }
        }
        Node::Filter {
            left,
            operator,
            right,
        } => {
            for v in &input {
                let Some(items) = v.as_array() else {
                    let kind = v.type_name();
                    return Err(fail(format!(
                        "{kind} is not array or slice and cannot be filtered"
                    )));
                };
                for item in items {
                    if passes(left, *operator, right, item)? {
                        out.push(item.clone());
                    }
                }
            }
        }
    }
    Ok(out)
}

fn children(v: &Value) -> Vec<Value> {
    match v {
        Value::Object(m) => m.values().cloned().collect(),
        Value::Array(a) => a.to_vec(),
        _ => Vec::new(),
    }
}

/// The value and everything below it that has members.
fn recursive(v: &Value, out: &mut Vec<Value>) -> Result<(), Error> {
    if out.len() > MAX_VALUES {
        return Err(fail("the path selects too many values"));
    }
    let below = children(v);
    if below.is_empty() {
        return Ok(());
    }
    out.push(v.clone());
    below.iter().try_for_each(|child| recursive(child, out))
}

fn sliced(s: Slice, items: &[Value], out: &mut Vec<Value>) -> Result<(), Error> {
    let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
    let wrap = |i: i64| if i < 0 { i.saturating_add(length) } else { i };
    let start = wrap(s.start.unwrap_or(0));
    let end = if s.is_index {
        start.saturating_add(1)
    } else {
        wrap(s.end.unwrap_or(length))
    };
    if start == end {
        return Ok(());
    }
    let out_of_bounds = |i: i64| {
        fail(format!(
            "array index out of bounds: index {i}, length {length}"
        ))
    };
    if start < 0 || start >= length {
        return Err(out_of_bounds(start));
    }
    if end < 0 || end > length {
        return Err(out_of_bounds(end - 1));
    }
    if start > end {
        return Err(fail(format!(
            "starting index {start} is greater than ending index {end}"
        )));
    }
    let step = match s.step.map(usize::try_from) {
        None => 1,
        Some(Ok(n)) if n > 0 => n,
        Some(_) => return Err(fail("step must be > 0")),
    };
    let index = |i: i64| usize::try_from(i).unwrap_or(0);
    out.extend(
        items[index(start)..index(end)]
            .iter()
            .step_by(step)
            .cloned(),
    );
    Ok(())
}

fn passes(left: &Path, operator: Operator, right: &Path, item: &Value) -> Result<bool, Error> {
    let lefts = find(left, item);
    if operator == Operator::Exists {
        return Ok(lefts.is_ok_and(|l| !l.is_empty()));
    }
    let (Some(a), Some(b)) = (single(lefts?)?, single(find(right, item)?)?) else {
        return Ok(false);
    };
    let equal = || match (&a, &b) {
        (Value::Int(x), Value::Int(y)) => Ok(x == y),
        (Value::Float(x), Value::Float(y)) => Ok(x == y),
        (Value::String(x), Value::String(y)) => Ok(x == y),
        (Value::Bool(x), Value::Bool(y)) => Ok(x == y),
        _ => Err(fail("incompatible types for comparison")),
    };
    let order = || match (&a, &b) {
        (Value::Int(x), Value::Int(y)) => Ok(Some(x.cmp(y))),
        (Value::Float(x), Value::Float(y)) => Ok(x.partial_cmp(y)),
        (Value::String(x), Value::String(y)) => Ok(Some(x.cmp(y))),
        _ => Err(fail("incompatible types for comparison")),
    };
    Ok(match operator {
        Operator::Exists | Operator::Equal => equal()?,
        Operator::NotEqual => !equal()?,
        Operator::Less => order()? == Some(Ordering::Less),
        Operator::LessEqual => matches!(order()?, Some(Ordering::Less | Ordering::Equal)),
        Operator::Greater => order()? == Some(Ordering::Greater),
        Operator::GreaterEqual => matches!(order()?, Some(Ordering::Greater | Ordering::Equal)),
    })
}

fn single(mut values: Vec<Value>) -> Result<Option<Value>, Error> {
    if values.len() > 1 {
        return Err(fail("can only compare one element at a time"));
    }
    Ok(values.pop())
}
