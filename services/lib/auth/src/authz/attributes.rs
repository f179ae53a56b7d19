//! What is to be done (`authorizer.AttributesRecord`).

use catena_delegate::RequestInfo;
use catena_objects::user::User;

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
}

impl Attributes {
    /// Those of a request.
    pub fn from_request(user: &User, info: &RequestInfo, path: &str, query: &str) -> Self {
        let mut out = Self {
            user: user.clone(),
            verb: info.verb.clone(),
            resource_request: info.is_resource,
            path: path.to_owned(),
            ..Self::default()
        };
        if info.is_resource {
            out.namespace.clone_from(&info.namespace);
            out.api_group.clone_from(&info.api_group);
            out.api_version.clone_from(&info.api_version);
            out.resource.clone_from(&info.resource);
            out.subresource.clone_from(&info.subresource);
            out.name.clone_from(&info.name);
            if ["list", "watch", "deletecollection"].contains(&info.verb.as_str()) {
                out.field_selector = field_terms(query);
            }
        }
        out
    }
}

/// The equalities of `fieldSelector`: what the node authorizer asks for.
fn field_terms(query: &str) -> Vec<Requirement> {
    let value = query
        .split('&')
        .find_map(|p| p.strip_prefix("fieldSelector="))
        .unwrap_or_default()
        .replace("%3D", "=")
        .replace("%3d", "=")
        .replace("%2C", ",")
        .replace("%2c", ",")
        .replace("%21", "!");
    value
        .split(',')
        .filter_map(|term| {
            let (key, value) = term.split_once('=')?;
            let (key, operator) = match key.strip_suffix('!') {
                Some(key) => (key, "NotIn"),
                None => (key, "In"),
            };
            Some(Requirement {
                key: key.to_owned(),
                operator: operator.to_owned(),
                values: vec![value.trim_start_matches('=').to_owned()],
            })
        })
        .collect()
}
