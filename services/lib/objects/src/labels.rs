//! Label selectors: `k8s.io/apimachinery/pkg/labels` and `meta/v1 LabelSelector`.

mod parse;
#[cfg(test)]
mod tests;

use std::fmt;

use crate::field::{Error, Errors, Path};
use crate::{Value, meta, names};

/// Operator of a requirement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operator {
    Exists,
    DoesNotExist,
    Equals,
    DoubleEquals,
    NotEquals,
    In,
    NotIn,
    GreaterThan,
    LessThan,
}

/// One condition on one label.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Requirement {
    pub key: String,
    pub operator: Operator,
    /// Sorted and without repetition when parsed from text.
    pub values: Vec<String>,
}

impl Requirement {
    /// `labels.NewRequirement`.
    ///
    /// # Errors
    /// The field errors in one line.
    pub fn new(key: &str, operator: Operator, values: Vec<String>) -> Result<Self, String> {
        let mut errors = Errors::new();
        let key_errors = names::label_key(key);
        if !key_errors.is_empty() {
            errors.push(Error::invalid(
                &Path::new("key"),
                key,
                key_errors.join("; "),
            ));
        }
        let path = Path::new("values");
        let list = || -> Vec<Value> { values.iter().map(|v| v.as_str().into()).collect() };
        let why = match operator {
            Operator::In | Operator::NotIn if values.is_empty() => {
                "for 'in', 'notin' operators, values set can't be empty"
            }
            Operator::Equals | Operator::DoubleEquals | Operator::NotEquals
                if values.len() != 1 =>
            {
                "exact-match compatibility requires one single value"
            }
            Operator::Exists | Operator::DoesNotExist if !values.is_empty() => {
                "values set must be empty for exists and does not exist"
            }
            Operator::GreaterThan | Operator::LessThan if values.len() != 1 => {
                "for 'Gt', 'Lt' operators, exactly one value is required"
            }
            _ => "",
        };
        if !why.is_empty() {
            errors.push(Error::invalid(&path, list(), why));
        }
        for (i, v) in values.iter().enumerate() {
            let compares = matches!(operator, Operator::GreaterThan | Operator::LessThan);
            if compares && v.parse::<i64>().is_err() {
                let why = "for 'Gt', 'Lt' operators, the value must be an integer";
                errors.push(Error::invalid(&path.index(i), v.as_str(), why));
            }
        }
        for (i, v) in values.iter().enumerate() {
            let bad = names::label_value(v);
            if !bad.is_empty() {
                let at = path.index(i).key(key);
                errors.push(Error::invalid(&at, v.as_str(), bad.join("; ")));
            }
        }
        if errors.is_empty() {
            Ok(Self {
                key: key.to_owned(),
                operator,
                values,
            })
        } else {
            Err(errors.aggregate())
        }
    }

    /// Whether a label with this value (`None`: absent) satisfies the requirement.
    pub fn matches(&self, value: Option<&str>) -> bool {
        let has = |v: &str| self.values.iter().any(|own| own == v);
        match self.operator {
            Operator::In | Operator::Equals | Operator::DoubleEquals => value.is_some_and(has),
            Operator::NotIn | Operator::NotEquals => !value.is_some_and(has),
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
            Operator::GreaterThan | Operator::LessThan => {
                let own = self.values.first().and_then(|v| v.parse::<i64>().ok());
                let theirs = value.and_then(|v| v.parse::<i64>().ok());
                match (theirs, own) {
                    (Some(t), Some(o)) if self.operator == Operator::GreaterThan => t > o,
                    (Some(t), Some(o)) => t < o,
                    _ => false,
                }
            }
        }
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sorted = self.values.clone();
        sorted.sort();
        let values = sorted.join(",");
        let key = &self.key;
        match self.operator {
            Operator::Exists => f.write_str(key),
            Operator::DoesNotExist => write!(f, "!{key}"),
            Operator::Equals => write!(f, "{key}={values}"),
            Operator::DoubleEquals => write!(f, "{key}=={values}"),
            Operator::NotEquals => write!(f, "{key}!={values}"),
            Operator::In => write!(f, "{key} in ({values})"),
            Operator::NotIn => write!(f, "{key} notin ({values})"),
            Operator::GreaterThan => write!(f, "{key}>{values}"),
            Operator::LessThan => write!(f, "{key}<{values}"),
        }
    }
}

/// All requirements must hold; none holds for everything. Sorted by key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Selector {
    requirements: Vec<Requirement>,
    nothing: bool,
}

impl Selector {
    /// Matches every object.
    pub fn everything() -> Self {
        Self::default()
    }

    /// Matches no object.
    pub fn nothing() -> Self {
        Self {
            requirements: Vec::new(),
            nothing: true,
        }
    }

    /// The conjunction, sorted by key.
    pub fn new(mut requirements: Vec<Requirement>) -> Self {
        requirements.sort_by(|a, b| a.key.cmp(&b.key));
        Self {
            requirements,
            nothing: false,
        }
    }

    /// Parses `a=b,c in (d,e),!f`; "" is everything.
    ///
    /// # Errors
    /// Go's message (`labels.Parse`).
    pub fn parse(text: &str) -> Result<Self, String> {
        parse::parse(text).map(Self::new)
    }

    /// The selector of a map of labels, unchecked (`SelectorFromSet`).
    pub fn from_set(labels: Option<&Value>) -> Self {
        let members = labels
            .and_then(Value::as_object)
            .into_iter()
            .flat_map(crate::Map::iter);
        Self::new(
            members
                .map(|(k, v)| Requirement {
                    key: k.to_string(),
                    operator: Operator::Equals,
                    values: vec![v.as_str().unwrap_or_default().to_owned()],
                })
                .collect(),
        )
    }

    /// `LabelSelectorAsSelector`: an absent selector matches nothing, an empty one everything.
    ///
    /// # Errors
    /// Unknown operator, bad key or value; in Go's words.
    pub fn from_label_selector(selector: Option<&Value>) -> Result<Self, String> {
        let Some(selector) = selector.filter(|s| !s.is_null()) else {
            return Ok(Self::nothing());
        };
        let mut out = Vec::new();
        let labels = selector.get("matchLabels").and_then(Value::as_object);
        for (k, v) in labels.into_iter().flat_map(crate::Map::iter) {
            let value = v.as_str().unwrap_or_default().to_owned();
            out.push(Requirement::new(k, Operator::Equals, vec![value])?);
        }
        for expression in selector.items_at(&["matchExpressions"]) {
            let operator = match expression.str_at(&["operator"]) {
                "In" => Operator::In,
                "NotIn" => Operator::NotIn,
                "Exists" => Operator::Exists,
                "DoesNotExist" => Operator::DoesNotExist,
                other => return Err(format!("{other:?} is not a valid label selector operator")),
            };
            let values = expression.items_at(&["values"]);
            let values = values
                .iter()
                .filter_map(|v| v.as_str().map(str::to_owned))
                .collect();
            out.push(Requirement::new(
                expression.str_at(&["key"]),
                operator,
                values,
            )?);
        }
        Ok(Self::new(out))
    }

    /// Whether every object matches.
    pub fn is_everything(&self) -> bool {
        !self.nothing && self.requirements.is_empty()
    }

    /// Whether no object can match.
    pub fn is_nothing(&self) -> bool {
        self.nothing
    }

    pub fn requirements(&self) -> &[Requirement] {
        &self.requirements
    }

    /// `lookup` gives the value of a label of the object.
    pub fn matches<'a>(&self, lookup: impl Fn(&str) -> Option<&'a str>) -> bool {
        !self.nothing && self.requirements.iter().all(|r| r.matches(lookup(&r.key)))
    }

    /// As [`Self::matches`] on a map of labels.
    pub fn matches_labels(&self, labels: Option<&Value>) -> bool {
        self.matches(|key| labels?.get(key)?.as_str())
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = self.requirements.iter().map(ToString::to_string).collect();
        f.write_str(&parts.join(","))
    }
}

/// What [`validate_label_selector`] lets pass.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tolerance {
    /// Values in expressions that are no label values (for updates of old objects).
    pub invalid_values: bool,
    /// Operators that are not known (SubjectAccessReview).
    pub unknown_operators: bool,
}

/// `ValidateLabelSelector` of `meta/v1`.
pub fn validate_label_selector(
    selector: Option<&Value>,
    tolerance: Tolerance,
    path: &Path,
) -> Errors {
    let Some(selector) = selector.filter(|s| !s.is_null()) else {
        return Errors::new();
    };
    let mut out = meta::validate_labels(selector.get("matchLabels"), &path.child("matchLabels"));
    for (i, e) in selector.items_at(&["matchExpressions"]).iter().enumerate() {
        out.extend(validate_expression(
            e,
            tolerance,
            &path.child("matchExpressions").index(i),
        ));
    }
    out
}

fn validate_expression(e: &Value, tolerance: Tolerance, path: &Path) -> Errors {
    let mut out = Errors::new();
    let values = e.items_at(&["values"]);
    let at = path.child("values");
    match e.str_at(&["operator"]) {
        "In" | "NotIn" if values.is_empty() => {
            let why = "must be specified when `operator` is 'In' or 'NotIn'";
            out.push(Error::required(&at, why));
        }
        "Exists" | "DoesNotExist" if !values.is_empty() => {
            let why = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
            out.push(Error::forbidden(&at, why));
        }
        "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
        other if !tolerance.unknown_operators => {
            out.push(Error::invalid(
                &path.child("operator"),
                other,
                "not a valid selector operator",
            ));
        }
        _ => {}
    }
    out.extend(meta::validate_label_name(
        e.str_at(&["key"]),
        &path.child("key"),
    ));
    if !tolerance.invalid_values {
        for (i, value) in values.iter().enumerate() {
            let value = value.as_str().unwrap_or_default();
            for why in names::label_value(value) {
                out.push(Error::invalid(&at.index(i), value, why));
            }
        }
    }
    out
}

/// `LabelSelectorHasInvalidLabelValue`.
pub fn has_invalid_value(selector: Option<&Value>) -> bool {
    let bad = |v: &Value| {
        v.as_str()
            .is_some_and(|s| !names::label_value(s).is_empty())
    };
    selector
        .map(|s| s.items_at(&["matchExpressions"]))
        .unwrap_or_default()
        .iter()
        .any(|e| e.items_at(&["values"]).iter().any(bad))
}
