//! A trace as Jaeger's API tells it.

use std::collections::HashMap;

use serde_json::Value;

use crate::jaeger::CLIENT;

#[derive(Clone, Debug)]
pub struct Span {
    pub id: String,
    /// "": the trace begins with it.
    pub parent: String,
    pub service: String,
    pub name: String,
    /// Microseconds.
    pub began: u64,
    pub took: u64,
    pub tags: HashMap<String, String>,
}

#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// In the order in which they began.
    pub spans: Vec<Span>,
}

fn text(v: &Value) -> String {
    v.as_str().map_or_else(|| v.to_string(), str::to_owned)
}

fn list(v: &Value) -> &[Value] {
    v.as_array().map_or(&[], Vec::as_slice)
}

impl Trace {
    /// Of one in the data of an answer; empty when it is not known.
    pub(crate) fn of(data: &Value) -> Self {
        let service = |process: &Value| {
            text(&data["processes"][process.as_str().unwrap_or_default()]["serviceName"])
        };
        let span = |s: &Value| Span {
            id: text(&s["spanID"]),
            parent: list(&s["references"])
                .iter()
                .find(|r| r["refType"] == "CHILD_OF")
                .map(|r| text(&r["spanID"]))
                // The client's is above the first, and no part of what we are sent.
                .filter(|id| id != CLIENT)
                .unwrap_or_default(),
            service: service(&s["processID"]),
            name: text(&s["operationName"]),
            began: s["startTime"].as_u64().unwrap_or_default(),
            took: s["duration"].as_u64().unwrap_or_default(),
            tags: list(&s["tags"])
                .iter()
                .map(|t| (text(&t["key"]), text(&t["value"])))
                .collect(),
        };
        let mut spans: Vec<Span> = list(&data["spans"]).iter().map(span).collect();
        spans.sort_by_key(|s| s.began);
        Self { spans }
    }

    /// How many spans a service has with a name.
    pub fn count(&self, service: &str, name: &str) -> usize {
        self.all(service, name).len()
    }

    fn all(&self, service: &str, name: &str) -> Vec<&Span> {
        let is_it = |s: &&Span| s.service == service && s.name == name;
        self.spans.iter().filter(is_it).collect()
    }

    /// The only span of a service with a name.
    pub fn only(&self, service: &str, name: &str) -> &Span {
        let all = self.all(service, name);
        assert_eq!(all.len(), 1, "{service}: {name} in\n{}", self.tree());
        all[0]
    }

    /// Spans whose parent is not in the trace.
    pub fn orphans(&self) -> Vec<&str> {
        let known = |id: &str| id.is_empty() || self.spans.iter().any(|s| s.id == id);
        let lost = self.spans.iter().filter(|s| !known(&s.parent));
        lost.map(|s| s.name.as_str()).collect()
    }

    /// The span above all others.
    pub fn root(&self) -> &Span {
        let roots: Vec<&Span> = self.spans.iter().filter(|s| s.parent.is_empty()).collect();
        assert_eq!(roots.len(), 1, "one root in\n{}", self.tree());
        roots[0]
    }

    /// Services and names of a span and all that are above it, from the root.
    pub fn path(&self, span: &Span) -> Vec<String> {
        let mut out = Vec::new();
        let mut at = Some(span);
        while let Some(s) = at {
            out.push(format!("{}: {}", s.service, s.name));
            at = self.spans.iter().find(|p| p.id == s.parent);
        }
        out.reverse();
        out
    }

    /// A line a span, indented below its parent.
    pub fn tree(&self) -> String {
        let mut out = String::new();
        self.below("", 0, &mut out);
        out
    }

    fn below(&self, parent: &str, depth: usize, out: &mut String) {
        for s in self.spans.iter().filter(|s| s.parent == parent) {
            *out += &format!("{}{}: {}\n", "  ".repeat(depth), s.service, s.name);
            self.below(&s.id, depth + 1, out);
        }
    }
}
