//! Field selectors: `k8s.io/apimachinery/pkg/fields`.

#[cfg(test)]
mod tests;

use std::fmt;

/// `field=value` or `field!=value`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Requirement {
    pub field: String,
    pub value: String,
    pub negated: bool,
}

/// All requirements must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Selector {
    requirements: Vec<Requirement>,
}

impl Selector {
    pub fn everything() -> Self {
        Self::default()
    }

    pub fn new(requirements: Vec<Requirement>) -> Self {
        Self { requirements }
    }

    /// `field=value`.
    pub fn equals(field: impl Into<String>, value: impl Into<String>) -> Self {
        Self::new(vec![Requirement {
            field: field.into(),
            value: value.into(),
            negated: false,
        }])
    }

    /// Parses `a=b,c!=d`; `\`, `,` and `=` in values are escaped with `\`.
    ///
    /// # Errors
    /// Go's message (`fields.ParseSelector`).
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut terms = split_terms(text);
        terms.sort_unstable();
        let mut requirements = Vec::new();
        for term in terms.into_iter().filter(|t| !t.is_empty()) {
            let Some((field, negated, value)) = split_term(term) else {
                return Err(format!(
                    "invalid selector: '{text}'; can't understand '{term}'"
                ));
            };
            requirements.push(Requirement {
                field: field.to_owned(),
                value: unescape(value)?,
                negated,
            });
        }
        // Go takes a term of an empty field and an empty value for everything.
        requirements.retain(|r| !(r.field.is_empty() && r.value.is_empty()));
        Ok(Self { requirements })
    }

    pub fn is_everything(&self) -> bool {
        self.requirements.is_empty()
    }

    pub fn requirements(&self) -> &[Requirement] {
        &self.requirements
    }

    /// `lookup` gives the value of a field; an absent one reads as "".
    pub fn matches<'a>(&self, lookup: impl Fn(&str) -> Option<&'a str>) -> bool {
        self.requirements
            .iter()
            .all(|r| (lookup(&r.field).unwrap_or_default() == r.value) != r.negated)
    }

    /// The value that the field must have, if the selector names one.
    pub fn exact(&self, field: &str) -> Option<&str> {
        self.requirements
            .iter()
            .find(|r| !r.negated && r.field == field)
            .map(|r| r.value.as_str())
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, r) in self.requirements.iter().enumerate() {
            if i > 0 {
                f.write_str(",")?;
            }
            let op = if r.negated { "!=" } else { "=" };
            write!(f, "{}{op}{}", r.field, escape(&r.value))?;
        }
        Ok(())
    }
}

fn escape(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace(',', "\\,")
        .replace('=', "\\=")
}

fn split_terms(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut start = 0;
    let mut escaped = false;
    for (i, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ',' => {
                out.push(&text[start..i]);
                start = i + 1;
            }
            _ => {}
        }
    }
    out.push(&text[start..]);
    out
}

/// Field, whether negated, and value.
fn split_term(term: &str) -> Option<(&str, bool, &str)> {
    let at = term
        .char_indices()
        .map(|(i, _)| i)
        .find(|&i| term[i..].starts_with("!=") || term[i..].starts_with('='))?;
    let rest = &term[at..];
    let (op, negated) = match rest {
        r if r.starts_with("!=") => (2, true),
        r if r.starts_with("==") => (2, false),
        _ => (1, false),
    };
    Some((&term[..at], negated, &rest[op..]))
}

fn unescape(value: &str) -> Result<String, String> {
    const BAD: &str = "invalid field selector: invalid escape sequence:";
    let mut out = String::with_capacity(value.len());
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some(c @ ('\\' | ',' | '=')) => out.push(c),
                Some(c) => return Err(format!("{BAD} \\{c}")),
                None => return Err(format!("{BAD} \\")),
            },
            ',' | '=' => {
                let code = c as u32;
                return Err(format!(
                    "invalid field selector: unescaped character in value: {code}"
                ));
            }
            c => out.push(c),
        }
    }
    Ok(out)
}
