//! Policy rules and what they allow (`pkg/apis/rbac/v1/evaluation_helpers.go`).

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
    /// Some rights cannot be listed.
    pub incomplete: bool,
    /// What went wrong while rules were looked up.
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

    /// A rule that lets everything be done with objects.
    pub(crate) fn all_resources() -> Self {
        let all = || vec!["*".to_owned()];
        Self {
            verbs: all(),
            api_groups: all(),
            resources: all(),
            ..Self::default()
        }
    }

    /// A rule that lets everything be done with paths.
    pub(crate) fn all_paths() -> Self {
        Self {
            verbs: vec!["*".to_owned()],
            non_resource_urls: vec!["*".to_owned()],
            ..Self::default()
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
                    || (url.ends_with('*') && a.path.starts_with(url.trim_end_matches('*')))
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
            // The subresource may hold slashes: only the first one parts it from the resource.
            match rule.split_once('/') {
                Some((parent, sub)) => sub == subresource && (parent == "*" || parent == resource),
                None => false,
            }
        })
    }
}
