//! Why an execution ends.

/// An error on its way out of functions and templates.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    /// In Go's words.
    pub(crate) text: String,
    /// What the chart says with `fail` or `required`.
    pub(crate) said: Option<String>,
    /// The limit that is reached.
    pub(crate) limit: Option<String>,
}

impl Fault {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            said: None,
            limit: None,
        }
    }

    pub(crate) fn said(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            said: Some(text.to_owned()),
            limit: None,
        }
    }

    pub(crate) fn limit(limit: String) -> Self {
        Self {
            text: format!("more than {limit}"),
            said: None,
            limit: Some(limit),
        }
    }

    /// With words around its text.
    pub(crate) fn within(self, words: impl FnOnce(&str) -> String) -> Self {
        Self {
            text: words(&self.text),
            ..self
        }
    }
}

impl From<String> for Fault {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<&str> for Fault {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}
