//! A cursor: a value and the path under which errors name it.

use catena_objects::{
    Value,
    field::{Error, Errors, Path},
};

static ABSENT: Value = Value::Null;

/// A value with its path. Absent members read as Go's zero values.
#[derive(Clone, Debug)]
pub struct At<'a> {
    pub v: &'a Value,
    pub path: Path,
}

impl<'a> At<'a> {
    pub fn new(v: &'a Value, path: Path) -> Self {
        Self { v, path }
    }

    /// The member `name` of the root object, with the path `name`.
    pub fn root(object: &'a Value, name: &str) -> Self {
        Self::new(object.get(name).unwrap_or(&ABSENT), Path::new(name))
    }

    pub fn child(&self, name: &str) -> Self {
        Self::new(self.v.get(name).unwrap_or(&ABSENT), self.path.child(name))
    }

    pub fn down(&self, names: &[&str]) -> Self {
        names.iter().fold(self.clone(), |at, n| at.child(n))
    }

    /// The member if it is there and not null.
    pub fn some(&self, name: &str) -> Option<Self> {
        let c = self.child(name);
        c.has().then_some(c)
    }

    pub fn has(&self) -> bool {
        !self.v.is_null()
    }

    pub fn str(&self) -> &'a str {
        self.v.as_str().unwrap_or_default()
    }

    pub fn text(&self, name: &str) -> &'a str {
        self.v.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    pub fn int(&self) -> Option<i64> {
        self.v.as_i64()
    }

    pub fn num(&self, name: &str) -> i64 {
        self.v.get(name).and_then(Value::as_i64).unwrap_or(0)
    }

    pub fn flag(&self, name: &str) -> bool {
        self.v.get(name).and_then(Value::as_bool).unwrap_or(false)
    }

    pub fn len(&self) -> usize {
        match self.v {
            Value::Array(a) => a.len(),
            Value::Object(m) => m.len(),
            Value::String(s) => s.len(),
            _ => 0,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn items(&self) -> impl Iterator<Item = At<'a>> + use<'a> {
        let path = self.path.clone();
        self.v
            .as_array()
            .unwrap_or_default()
            .iter()
            .enumerate()
            .map(move |(i, v)| At::new(v, path.index(i)))
    }

    /// Members in byte order of their names, with the path `here[name]`.
    pub fn entries(&self) -> Vec<(&'a str, At<'a>)> {
        let mut out: Vec<_> = self
            .v
            .as_object()
            .into_iter()
            .flat_map(|m| m.iter())
            .map(|(k, v)| (k.as_str(), At::new(v, self.path.key(k))))
            .collect();
        out.sort_by(|a, b| a.0.cmp(b.0));
        out
    }

    pub fn required(&self, e: &mut Errors, why: &str) {
        e.push(Error::required(&self.path, why));
    }

    pub fn forbidden(&self, e: &mut Errors, why: impl Into<String>) {
        e.push(Error::forbidden(&self.path, why));
    }

    /// The value is wrong; pointers print as they are, null too.
    pub fn invalid(&self, e: &mut Errors, why: impl Into<String>) {
        let shown = super::labels::shown(self.v);
        e.push(Error::invalid(&self.path, shown, why));
    }

    /// A wrong string that is "" when absent.
    pub fn bad_text(&self, e: &mut Errors, why: impl Into<String>) {
        e.push(Error::invalid(&self.path, self.str(), why));
    }

    /// A wrong number that is 0 when absent.
    pub fn bad_num(&self, e: &mut Errors, why: impl Into<String>) {
        e.push(Error::invalid(&self.path, self.int().unwrap_or(0), why));
    }

    pub fn bad_value(&self, e: &mut Errors, value: impl Into<Value>, why: impl Into<String>) {
        e.push(Error::invalid(&self.path, value, why));
    }

    pub fn duplicate(&self, e: &mut Errors) {
        e.push(Error::duplicate(&self.path, self.v.clone()));
    }

    pub fn not_found(&self, e: &mut Errors) {
        e.push(Error::not_found(&self.path, self.str()));
    }

    pub fn unsupported(&self, e: &mut Errors, supported: &[&str]) {
        e.push(Error::not_supported(&self.path, self.str(), supported));
    }

    /// Unsupported unless one of `supported`.
    pub fn one_of(&self, e: &mut Errors, supported: &[&str]) {
        if !supported.contains(&self.str()) {
            self.unsupported(e, supported);
        }
    }

    /// Required when "", else one of `supported`.
    pub fn required_one_of(&self, e: &mut Errors, supported: &[&str]) {
        if self.str().is_empty() {
            self.required(e, "");
        } else {
            self.one_of(e, supported);
        }
    }

    /// One error for each complaint about this string.
    pub fn complain(&self, e: &mut Errors, complaints: Vec<String>) {
        for why in complaints {
            self.bad_text(e, why);
        }
    }

    /// One error for each complaint about this number.
    pub fn complain_num(&self, e: &mut Errors, complaints: Vec<String>) {
        for why in complaints {
            self.bad_num(e, why);
        }
    }

    /// Required when "".
    pub fn need(&self, e: &mut Errors) {
        if self.str().is_empty() {
            self.required(e, "");
        }
    }

    /// `ValidateNonnegativeField`.
    pub fn non_negative(&self, e: &mut Errors) {
        if self.int().unwrap_or(0) < 0 {
            self.bad_num(e, super::NOT_NEGATIVE);
        }
    }

    /// `ValidatePositiveField`.
    pub fn positive(&self, e: &mut Errors) {
        if self.int().unwrap_or(0) <= 0 {
            self.bad_num(e, "must be greater than zero");
        }
    }

    /// `ValidateImmutableField` against the value in the old object.
    pub fn immutable(&self, e: &mut Errors, old: &Value) {
        if !super::equality::same(self.v, old) {
            self.invalid(e, super::IMMUTABLE);
        }
    }
}
