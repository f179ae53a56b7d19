//! What is to be done (`authorizer.AttributesRecord`).

use catena_delegate::RequestInfo;
use catena_objects::{fields, labels, user::User};

use crate::query;

/// One term of a selector: key, operator ("In", "NotIn", "Exists", "DoesNotExist"), values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requirement {
    pub key: String,
    pub operator: String,
    pub values: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    pub user: User,
    pub verb: String,
    pub namespace: String,
    pub api_group: String,
    pub api_version: String,
    pub resource: String,
    pub subresource: String,
    pub name: String,
    /// False for paths like `/healthz`.
    pub resource_request: bool,
    pub path: String,
    pub field_selector: Vec<Requirement>,
    pub label_selector: Vec<Requirement>,
    /// Some of the selector was not understood: the requirements are too few.
    pub field_selector_broken: bool,
    pub label_selector_broken: bool,
}

impl Attributes {
    /// Those of a request: decoded path, raw query.
    pub fn from_request(user: &User, info: &RequestInfo, path: &str, query: &str) -> Self {
        let mut out = Self {
            user: user.clone(),
            verb: info.verb.clone(),
            resource_request: info.is_resource,
            path: path.to_owned(),
            ..Self::default()
        };
        if !info.is_resource {
            return out;
        }
        out.namespace.clone_from(&info.namespace);
        out.api_group.clone_from(&info.api_group);
        out.api_version.clone_from(&info.api_version);
        out.resource.clone_from(&info.resource);
        out.subresource.clone_from(&info.subresource);
        out.name.clone_from(&info.name);
        if ["list", "watch", "deletecollection"].contains(&info.verb.as_str()) {
            out.select_fields(&query::value(query, "fieldSelector"));
            out.select_labels(&query::value(query, "labelSelector"));
        }
        out
    }

    /// Takes the requirements of `a=b,c!=d`.
    pub(crate) fn select_fields(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        let Ok(selector) = fields::Selector::parse(text) else {
            self.field_selector_broken = true;
            return;
        };
        let requirement = |r: &fields::Requirement| Requirement {
            key: r.field.clone(),
            operator: if r.negated { "NotIn" } else { "In" }.to_owned(),
            values: vec![r.value.clone()],
        };
        self.field_selector = selector.requirements().iter().map(requirement).collect();
    }

    /// Takes the requirements of `a in (b),!c`.
    pub(crate) fn select_labels(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        let Ok(selector) = labels::Selector::parse(text) else {
            self.label_selector_broken = true;
            return;
        };
        self.label_selector = selector.requirements().iter().map(label).collect();
    }

    /// Whether only objects whose `field` is `value` are asked for.
    pub(crate) fn is_limited_to(&self, field: &str, value: &str) -> bool {
        self.field_selector
            .iter()
            .any(|r| r.key == field && r.operator == "In" && r.values == [value])
    }
}

fn label(r: &labels::Requirement) -> Requirement {
    use labels::Operator::*;
    let operator = match r.operator {
        Exists => "Exists",
        DoesNotExist => "DoesNotExist",
        Equals | DoubleEquals | In => "In",
        NotEquals | NotIn => "NotIn",
        GreaterThan => "Gt",
        LessThan => "Lt",
    };
    Requirement {
        key: r.key.clone(),
        operator: operator.to_owned(),
        values: r.values.clone(),
    }
}
