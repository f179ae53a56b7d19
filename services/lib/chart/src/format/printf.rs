//! `fmt.Sprintf`.

use super::{general, print, quote, quote_ascii, quote_with, unicode};
use crate::{
    budget::Budget,
    fault::Fault,
    value::{Native, Value},
};

/// Widest field and largest precision, as Go's.
const WIDEST: i64 = 1_000_000;

#[derive(Clone, Copy, Default)]
struct Flags {
    plus: bool,
    minus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
    width: Option<usize>,
    precision: Option<usize>,
}

struct Printer<'a> {
    args: &'a [Value],
    budget: &'a Budget,
    next: usize,
    /// An argument was chosen by its number, so that those left over are no mistake.
    reordered: bool,
    out: String,
}

/// Formats as Go does, with its complaints in the text: `%!d(string=a)`.
///
/// # Errors
/// Too long or too deep.
pub(crate) fn sprintf(format: &str, args: &[Value], budget: &Budget) -> Result<String, Fault> {
    let mut printer = Printer {
        args,
        budget,
        next: 0,
        reordered: false,
        out: String::new(),
    };
    let mut rest = format;
    while let Some(at) = rest.find('%') {
        printer.push(&rest[..at])?;
        rest = printer.directive(&rest[at + 1..])?;
    }
    printer.push(rest)?;
    printer.extra()?;
    Ok(printer.out)
}

impl Printer<'_> {
    fn push(&mut self, text: &str) -> Result<(), Fault> {
        self.budget.grow(self.out.len(), text.len())?;
        self.out.push_str(text);
        Ok(())
    }

    fn extra(&mut self) -> Result<(), Fault> {
        if self.reordered || self.next >= self.args.len() {
            return Ok(());
        }
        let left = &self.args[self.next..];
        let mut shown = Vec::with_capacity(left.len());
        for value in left {
            shown.push(if value.is_nil() {
                "<nil>".to_owned()
            } else {
                format!("{}={}", value.type_name(), print(value, self.budget)?)
            });
        }
        self.push(&format!("%!(EXTRA {})", shown.join(", ")))
    }

    /// What follows a `%`; gives what is after it.
    fn directive<'f>(&mut self, text: &'f str) -> Result<&'f str, Fault> {
        let mut flags = Flags::default();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            match c {
                '#' => flags.sharp = true,
                '0' => flags.zero = true,
                '+' => flags.plus = true,
                '-' => flags.minus = true,
                ' ' => flags.space = true,
                _ => break,
            }
            rest = &rest[1..];
        }
        rest = self.argument_number(rest)?;
        if let Some(after) = rest.strip_prefix('*') {
            rest = after;
            match self.size_argument() {
                Some(width) => {
                    flags.minus |= width < 0;
                    flags.width = usize::try_from(width.unsigned_abs()).ok();
                }
                None => self.push("%!(BADWIDTH)")?,
            }
        } else {
            (flags.width, rest) = number(rest);
        }
        if let Some(after) = rest.strip_prefix('.') {
            rest = self.argument_number(after)?;
            if let Some(after) = rest.strip_prefix('*') {
                rest = after;
                match self.size_argument() {
                    Some(p) => flags.precision = usize::try_from(p).ok(),
                    None => self.push("%!(BADPREC)")?,
                }
            } else {
                let (precision, after) = number(rest);
                flags.precision = Some(precision.unwrap_or_default());
                rest = after;
            }
        }
        rest = self.argument_number(rest)?;
        let Some(verb) = rest.chars().next() else {
            self.push("%!(NOVERB)")?;
            return Ok("");
        };
        self.verb(verb, flags)?;
        Ok(&rest[verb.len_utf8()..])
    }

    /// `[3]`.
    fn argument_number<'f>(&mut self, text: &'f str) -> Result<&'f str, Fault> {
        let Some(inner) = text.strip_prefix('[') else {
            return Ok(text);
        };
        let Some(end) = inner.find(']') else {
            self.next = self.args.len();
            self.reordered = true;
            return Ok(text);
        };
        self.reordered = true;
        match inner[..end].parse::<usize>() {
            Ok(n) if n >= 1 && n <= self.args.len() => self.next = n - 1,
            // The verb finds no argument and says so.
            _ => self.next = usize::MAX,
        }
        Ok(&inner[end + 1..])
    }

    fn size_argument(&mut self) -> Option<i64> {
        let value = self.args.get(self.next);
        self.next = self.next.saturating_add(1);
        match value {
            Some(Value::Int(i) | Value::Int64(i)) if i.unsigned_abs() <= WIDEST.unsigned_abs() => {
                Some(*i)
            }
            _ => None,
        }
    }

    fn verb(&mut self, verb: char, flags: Flags) -> Result<(), Fault> {
        if verb == '%' {
            return self.push("%");
        }
        if self.next == usize::MAX {
            return self.push(&format!("%!{verb}(BADINDEX)"));
        }
        let Some(value) = self.args.get(self.next) else {
            return self.push(&format!("%!{verb}(MISSING)"));
        };
        self.next += 1;
        self.budget.text(flags.width.unwrap_or_default())?;
        self.budget.text(flags.precision.unwrap_or_default())?;
        // There the sign asks for names of fields, which no value here has.
        let flags = Flags {
            plus: flags.plus && verb != 'v',
            ..flags
        };
        let shown = match verb {
            'T' => pad(value.type_name(), flags),
            'v' if value.is_nil() => pad("<nil>", flags),
            _ if value.is_nil() => format!("%!{verb}(<nil>)"),
            _ => self.show(value, verb, flags)?,
        };
        self.push(&shown)
    }

    fn show(&self, value: &Value, verb: char, flags: Flags) -> Result<String, Fault> {
        self.budget.spend(1)?;
        let bad = || -> Result<String, Fault> {
            let shown = print(value, self.budget)?;
            Ok(format!("%!{verb}({}={shown})", value.type_name()))
        };
        if verb == 'v' && flags.sharp {
            return Ok(pad(&self.syntax(value)?, flags));
        }
        match value {
            Value::Missing | Value::Nil => Ok(pad("<nil>", flags)),
            Value::Bool(b) => match verb {
                't' | 'v' => Ok(pad(&b.to_string(), flags)),
                _ => bad(),
            },
            Value::Int(i) | Value::Int64(i) => match integer(i128::from(*i), verb, flags) {
                Some(text) => Ok(text),
                None => bad(),
            },
            Value::Byte(b) => match integer(i128::from(*b), verb, flags) {
                Some(text) => Ok(text),
                None => bad(),
            },
            Value::Float(f) => match verb {
                'v' => Ok(signed(general(*f, 'g', flags.precision), flags)),
                'e' | 'f' | 'F' => {
                    let p = flags.precision.unwrap_or(6);
                    Ok(signed(general(*f, verb, Some(p)), flags))
                }
                'E' => {
                    let p = flags.precision.unwrap_or(6);
                    Ok(signed(general(*f, verb, Some(p)).to_uppercase(), flags))
                }
                'g' => Ok(signed(general(*f, verb, flags.precision), flags)),
                'G' => Ok(signed(
                    general(*f, verb, flags.precision).to_uppercase(),
                    flags,
                )),
                _ => bad(),
            },
            Value::Text(s) => match text(s, verb, flags) {
                Some(text) => Ok(text),
                None => bad(),
            },
            Value::List(list) => {
                let _level = self.budget.deeper()?;
                let mut items = Vec::with_capacity(list.items.len());
                for item in &list.items {
                    items.push(self.show(item, verb, flags)?);
                }
                Ok(format!("[{}]", items.join(" ")))
            }
            Value::Map(map) => {
                let _level = self.budget.deeper()?;
                let mut items = Vec::with_capacity(map.len());
                for (key, item) in map.members().iter() {
                    let key = self.show(&Value::Text(key.clone()), verb, flags)?;
                    items.push(format!("{key}:{}", self.show(item, verb, flags)?));
                }
                Ok(format!("map[{}]", items.join(" ")))
            }
            Value::Native(Native::Versions(_)) => match value_list(value) {
                Some(list) => self.show(&list, verb, flags),
                None => bad(),
            },
            Value::Native(_) => match verb {
                'v' | 's' => Ok(pad(&print(value, self.budget)?, flags)),
                _ => bad(),
            },
        }
    }

    /// `%#v`.
    fn syntax(&self, value: &Value) -> Result<String, Fault> {
        self.budget.spend(1)?;
        Ok(match value {
            Value::Text(s) => quote(s),
            Value::Missing | Value::Nil => "interface {}(nil)".to_owned(),
            Value::Byte(b) => format!("{b:#x}"),
            Value::List(list) if list.nil => format!("{}(nil)", value.type_name()),
            Value::List(list) => {
                let _level = self.budget.deeper()?;
                let items: Result<Vec<_>, _> = list.items.iter().map(|v| self.syntax(v)).collect();
                format!("{}{{{}}}", value.type_name(), items?.join(", "))
            }
            Value::Map(map) => {
                let _level = self.budget.deeper()?;
                let mut items = Vec::with_capacity(map.len());
                for (key, item) in map.members().iter() {
                    items.push(format!("{}:{}", quote(key), self.syntax(item)?));
                }
                format!("{}{{{}}}", value.type_name(), items.join(", "))
            }
            other => print(other, self.budget)?,
        })
    }
}

fn value_list(value: &Value) -> Option<Value> {
    match value {
        Value::Native(native) => native.as_list(),
        _ => None,
    }
}

/// Digits at the start.
fn number(text: &str) -> (Option<usize>, &str) {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let n = text[..end].parse::<usize>().ok();
    let widest = usize::try_from(WIDEST).unwrap_or(usize::MAX);
    (n.filter(|n| *n <= widest), &text[end..])
}

fn pad(text: &str, flags: Flags) -> String {
    let zeros = flags.zero && !flags.minus;
    fill(text, flags, if zeros { '0' } else { ' ' })
}

fn fill(text: &str, flags: Flags, with: char) -> String {
    let missing = flags
        .width
        .unwrap_or_default()
        .saturating_sub(text.chars().count());
    let filling: String = std::iter::repeat_n(with, missing).collect();
    if flags.minus {
        format!("{text}{filling}")
    } else {
        format!("{filling}{text}")
    }
}

/// A number with its sign before the zeros.
fn signed(text: String, flags: Flags) -> String {
    let (sign, digits) = match text.strip_prefix(['-', '+']) {
        Some(digits) => (&text[..1], digits),
        None if flags.plus => ("+", text.as_str()),
        None if flags.space => (" ", text.as_str()),
        None => ("", text.as_str()),
    };
    let sign = match sign {
        "+" if !flags.plus && !text.ends_with("Inf") => "",
        sign => sign,
    };
    let finite = !(digits == "Inf" || digits == "NaN");
    if flags.zero && !flags.minus && finite {
        let width = flags.width.map(|w| w.saturating_sub(sign.len()));
        return format!("{sign}{}", fill(digits, Flags { width, ..flags }, '0'));
    }
    fill(&format!("{sign}{digits}"), flags, ' ')
}

fn integer(n: i128, verb: char, flags: Flags) -> Option<String> {
    let abs = n.unsigned_abs();
    let (prefix, digits) = match verb {
        'd' | 'v' => ("", abs.to_string()),
        'b' => ("0b", format!("{abs:b}")),
        'o' => ("0", format!("{abs:o}")),
        'O' => ("0o", format!("{abs:o}")),
        'x' => ("0x", format!("{abs:x}")),
        'X' => ("0X", format!("{abs:X}")),
        'c' | 'q' | 'U' => {
            let c = u32::try_from(n).ok().and_then(char::from_u32);
            let c = c.unwrap_or(char::REPLACEMENT_CHARACTER);
            return Some(match verb {
                'c' => pad(&c.to_string(), flags),
                'q' => pad(
                    &quote_with(&c.to_string(), '\'', |c| !c.is_control()),
                    flags,
                ),
                _ if flags.sharp => pad(&unicode(c), flags),
                _ => pad(&format!("U+{n:04X}"), flags),
            });
        }
        _ => return None,
    };
    let digits = match flags.precision {
        Some(0) if n == 0 => String::new(),
        Some(p) => {
            let zeros = p.saturating_sub(digits.len());
            format!("{}{digits}", "0".repeat(zeros))
        }
        None => digits,
    };
    let shown = if verb == 'O' || flags.sharp && !prefix.is_empty() {
        prefix
    } else {
        ""
    };
    let sign = match (n < 0, flags.plus, flags.space) {
        (true, ..) => "-",
        (_, true, _) => "+",
        (_, _, true) => " ",
        _ => "",
    };
    let zeros = flags.zero && !flags.minus && flags.precision.is_none();
    if zeros {
        let width = flags.width.map(|w| w.saturating_sub(sign.len()));
        let filled = fill(&digits, Flags { width, ..flags }, '0');
        return Some(format!("{sign}{shown}{filled}"));
    }
    Some(fill(&format!("{sign}{shown}{digits}"), flags, ' '))
}

fn text(s: &str, verb: char, flags: Flags) -> Option<String> {
    let cut = |s: &str| match flags.precision {
        Some(p) => s.chars().take(p).collect(),
        None => s.to_owned(),
    };
    match verb {
        'v' | 's' => Some(pad(&cut(s), flags)),
        'q' => {
            let s = cut(s);
            let raw = flags.sharp && !s.contains('`') && !s.chars().any(char::is_control);
            let quoted = match (raw, flags.plus) {
                (true, _) => format!("`{s}`"),
                (_, true) => quote_ascii(&s),
                _ => quote(&s),
            };
            Some(pad(&quoted, flags))
        }
        'x' | 'X' => {
            let bytes = match flags.precision {
                Some(p) => &s.as_bytes()[..p.min(s.len())],
                None => s.as_bytes(),
            };
            let prefix = match (flags.sharp, verb) {
                (true, 'x') => "0x",
                (true, _) => "0X",
                _ => "",
            };
            let hex: Vec<String> = bytes
                .iter()
                .map(|b| match verb {
                    'x' => format!("{b:02x}"),
                    _ => format!("{b:02X}"),
                })
                .collect();
            let text = match (flags.space, bytes.is_empty()) {
                (_, true) => String::new(),
                (true, _) => format!("{prefix}{}", hex.join(&format!(" {prefix}"))),
                _ => format!("{prefix}{}", hex.concat()),
            };
            Some(pad(&text, flags))
        }
        _ => None,
    }
}
