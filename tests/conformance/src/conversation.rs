use std::{collections::BTreeMap, path::Path};

use anyhow::Context as _;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, value::RawValue};

/// Steps in a namespace of their own, whose name stands for `{ns}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conversation {
    pub id: String,
    /// Requests before the steps, whose answers are not compared.
    #[serde(default)]
    pub setup: Vec<Step>,
    pub steps: Vec<Step>,
    /// Requests after the steps, whose answers are not compared.
    #[serde(default)]
    pub teardown: Vec<Step>,
}

/// A request and what its answer has to be.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    #[serde(rename = "m")]
    pub method: String,
    #[serde(rename = "p")]
    pub path: String,
    /// Headers over the usual ones; `null` takes one away.
    #[serde(rename = "h", default)]
    pub headers: Option<BTreeMap<String, Option<String>>>,
    /// As it is sent: the order of keys is part of the request. A string is
    /// the text itself.
    #[serde(rename = "b", default)]
    pub body: Option<Box<RawValue>>,
    /// `null` in the file: nothing about the answer is compared but warnings.
    #[serde(rename = "s", default)]
    pub status: Option<u16>,
    /// The whole answer in normal form; absent: only the status is compared.
    #[serde(rename = "r", default, deserialize_with = "present")]
    pub answer: Option<Value>,
    #[serde(rename = "w", default)]
    pub warnings: Vec<String>,
    /// Parts of the answer before normalization: JSON pointer to value, where
    /// `null` says that nothing is there.
    #[serde(rename = "c", default)]
    pub parts: BTreeMap<String, Value>,
    /// Pieces of text that the answer has.
    #[serde(rename = "t", default)]
    pub texts: Vec<String>,
    /// Kept for later steps: name to JSON pointer; `{name}` stands for it.
    #[serde(rename = "k", default)]
    pub keep: BTreeMap<String, String>,
    /// Sent again until the answer is the expected one, a bounded number of
    /// times: for what comes to pass after an answer.
    #[serde(rename = "u", default)]
    pub until: bool,
}

/// `null` is an answer too, unlike an absent key.
fn present<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(from).map(Some)
}

/// The conversations of a file.
pub fn read(path: &Path) -> anyhow::Result<Vec<Conversation>> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let lines = text.lines().enumerate();
    lines
        .filter(|(_, line)| !line.is_empty())
        .map(|(n, line)| {
            serde_json::from_str(line).with_context(|| format!("{}:{}", path.display(), n + 1))
        })
        .collect()
}
