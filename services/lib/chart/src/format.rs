//! How Go's `fmt` and `strconv` show values.

mod float;
mod printf;

use crate::{
    budget::Budget,
    fault::Fault,
    value::{Native, Value},
};

pub(crate) use float::{float, general};
pub(crate) use printf::sprintf;

/// `unicode.IsDigit`, nearly.
pub(crate) fn is_digit(c: char) -> bool {
    c.is_ascii_digit() || (!c.is_ascii() && c.is_numeric())
}

/// `strconv.IsPrint`, without the code points that are not assigned.
fn is_print(c: char) -> bool {
    match u32::from(c) {
        0xa0 | 0xad | 0x1680 | 0x2000..=0x200f | 0x2028..=0x202f | 0x205f..=0x206f => false,
        0x3000 | 0xfeff | 0xfff9..=0xfffb | 0xfffe | 0xffff => false,
        0xe000..=0xf8ff | 0xf0000.. => false,
        _ => !c.is_control(),
    }
}

/// `strconv.Quote`.
pub(crate) fn quote(text: &str) -> String {
    quote_with(text, '"', is_print)
}

/// `strconv.QuoteToASCII` (`%+q`).
fn quote_ascii(text: &str) -> String {
    quote_with(text, '"', |c| c.is_ascii() && is_print(c))
}

fn quote_with(text: &str, mark: char, plain: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push(mark);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{b}' => out.push_str("\\v"),
            c if c == mark => out.extend(['\\', c]),
            c if plain(c) => out.push(c),
            c => {
                let code = u32::from(c);
                out.push_str(&match code {
                    0..0x80 => format!("\\x{code:02x}"),
                    0x80..0x1_0000 => format!("\\u{code:04x}"),
                    _ => format!("\\U{code:08x}"),
                });
            }
        }
    }
    out.push(mark);
    out
}

/// `%#U`: `U+003F '?'`.
pub(crate) fn unicode(c: char) -> String {
    let code = format!("U+{:04X}", u32::from(c));
    if is_print(c) {
        return format!("{code} '{c}'");
    }
    code
}

/// `%v`.
///
/// # Errors
/// Too long or too deep.
pub(crate) fn print(value: &Value, budget: &Budget) -> Result<String, Fault> {
    let mut out = String::new();
    write(&mut out, value, budget)?;
    Ok(out)
}

fn write(out: &mut String, value: &Value, budget: &Budget) -> Result<(), Fault> {
    match value {
        Value::Missing | Value::Nil => out.push_str("<nil>"),
        Value::Bool(b) => out.push_str(&b.to_string()),
        Value::Int(i) | Value::Int64(i) => out.push_str(&i.to_string()),
        Value::Byte(b) => out.push_str(&b.to_string()),
        Value::Float(f) => out.push_str(&float(*f)),
        Value::Text(s) => {
            budget.grow(out.len(), s.len())?;
            out.push_str(s);
        }
        Value::List(list) => {
            let _level = budget.deeper()?;
            out.push('[');
            for (i, item) in list.items.iter().enumerate() {
                budget.spend(1)?;
                if i > 0 {
                    out.push(' ');
                }
                write(out, item, budget)?;
            }
            out.push(']');
        }
        Value::Map(map) => {
            let _level = budget.deeper()?;
            out.push_str("map[");
            for (i, (key, item)) in map.members().iter().enumerate() {
                budget.grow(out.len(), key.len())?;
                if i > 0 {
                    out.push(' ');
                }
                out.push_str(key);
                out.push(':');
                write(out, item, budget)?;
            }
            out.push(']');
        }
        Value::Native(native) => return write_native(out, native, budget),
    }
    Ok(())
}

fn write_native(out: &mut String, native: &Native, budget: &Budget) -> Result<(), Fault> {
    if let Some(list) = native.as_list() {
        return write(out, &list, budget);
    }
    match native {
        Native::Time(time) => out.push_str(&crate::functions::dates::shown(*time)),
        Native::KubeVersion(c) => out.push_str(&c.kube_version),
        Native::Files(files) => {
            out.push_str("map[");
            for (i, (name, text)) in files.iter().enumerate() {
                // Go shows bytes as numbers.
                budget.grow(out.len(), 4 * text.len() + name.len())?;
                let bytes: Vec<String> = text.bytes().map(|b| b.to_string()).collect();
                let space = if i > 0 { " " } else { "" };
                out.push_str(&format!("{space}{name}:[{}]", bytes.join(" ")));
            }
            out.push(']');
        }
        Native::Pair(pair) => {
            budget.text(pair.cert.len() + pair.key.len())?;
            out.push_str(&format!("{{{} {}}}", pair.cert, pair.key));
        }
        Native::Chart(_) | Native::Capabilities(_) | Native::HelmVersion | Native::Versions(_) => {
            let why = format!("a value of type {} cannot be printed", native_type(native));
            return Err(Fault::new(why));
        }
    }
    Ok(())
}

fn native_type(native: &Native) -> &'static str {
    Value::Native(native.clone()).type_name()
}

/// `fmt.Sprint`: a space between operands that are both no strings.
///
/// # Errors
/// Too long or too deep.
pub(crate) fn sprint(values: &[Value], budget: &Budget) -> Result<String, Fault> {
    let mut out = String::new();
    for (i, value) in values.iter().enumerate() {
        let text = |v: &Value| matches!(v, Value::Text(_));
        if i > 0 && !text(value) && !text(&values[i - 1]) {
            out.push(' ');
        }
        budget.grow(out.len(), 0)?;
        write(&mut out, value, budget)?;
    }
    Ok(out)
}

/// `fmt.Sprintln`.
///
/// # Errors
/// Too long or too deep.
pub(crate) fn sprintln(values: &[Value], budget: &Budget) -> Result<String, Fault> {
    let mut out = String::new();
    for (i, value) in values.iter().enumerate() {
        if i > 0 {
            out.push(' ');
        }
        budget.grow(out.len(), 0)?;
        write(&mut out, value, budget)?;
    }
    out.push('\n');
    Ok(out)
}
