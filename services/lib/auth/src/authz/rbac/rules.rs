//! Policy rules and what they cover.

use catena_objects::Value;

use crate::authz::Attributes;

/// `rbac/v1 PolicyRule`; also a rule of a rules review.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    pub verbs: Vec<String>,
    pub api_groups: Vec<String>,
    pub resources: Vec<String>,
    pub resource_names: Vec<String>,
    pub non_resource_urls: Vec<String>,
}

/// What a user may do in a namespace.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    pub resource: Vec<Rule>,
    pub non_resource: Vec<Rule>,
    /// Why the list may not be whole.
    pub errors: Vec<String>,
}

fn strings(v: &Value, field: &str) -> Vec<String> {
    v.items_at(&[field])
        .iter()
        .filter_map(|s| s.as_str().map(str::to_owned))
        .collect()
}

fn any(list: &[String], wanted: &str) -> bool {
    list.iter().any(|s| s == "*" || s == wanted)
}

impl Rule {
    pub fn parse(v: &Value) -> Self {
        Self {
            verbs: strings(v, "verbs"),
            api_groups: strings(v, "apiGroups"),
            resources: strings(v, "resources"),
            resource_names: strings(v, "resourceNames"),
            non_resource_urls: strings(v, "nonResourceURLs"),
        }
    }

    /// `RuleAllows`.
    pub fn allows(&self, a: &Attributes) -> bool {
        if !any(&self.verbs, &a.verb) {
            return false;
        }
        if !a.resource_request {
            return self.non_resource_urls.iter().any(|url| {
                url == "*"
                    || *url == a.path
                    || url
                        .strip_suffix('*')
                        .is_some_and(|prefix| a.path.starts_with(prefix))
            });
        }
        any(&self.api_groups, &a.api_group)
            && self.covers_resource(&a.resource, &a.subresource)
            && (self.resource_names.is_empty() || self.resource_names.contains(&a.name))
    }

    fn covers_resource(&self, resource: &str, subresource: &str) -> bool {
        self.resources.iter().any(|rule| {
            if rule == "*" {
                return true;
            }
            if subresource.is_empty() {
                return rule == resource;
            }
            match rule.split_once('/') {
                Some(("*", sub)) => sub == subresource,
                Some((parent, sub)) => parent == resource && sub == subresource,
                None => false,
            }
        })
    }
}
