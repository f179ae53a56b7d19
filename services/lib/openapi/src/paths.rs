//! Paths and operations of a group version, from its `APIResourceList`.

use catena_objects::{Map, Value};

use crate::{
    definitions::{group_version_kind, reference, string},
    names::{group_in_operation, title},
};

/// Content types of answers.
const OUTPUTS: [&str; 3] = [
    "application/json",
    "application/vnd.kubernetes.protobuf",
    "application/yaml",
];
/// Custom resources have no protobuf.
const CUSTOM_OUTPUTS: [&str; 2] = ["application/json", "application/yaml"];

const PATCHES: [&str; 4] = [
    "application/apply-patch+yaml",
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
];

/// Query parameters: name, type, meaning.
type Parameter = (&'static str, &'static str, &'static str);

const LIST: [Parameter; 9] = [
    (
        "allowWatchBookmarks",
        "boolean",
        "Ask for BOOKMARK events in a watch.",
    ),
    (
        "continue",
        "string",
        "Token of the previous page of a list.",
    ),
    (
        "fieldSelector",
        "string",
        "Fields that returned objects must have.",
    ),
    (
        "labelSelector",
        "string",
        "Labels that returned objects must have.",
    ),
    ("limit", "integer", "Most objects in one page."),
    (
        "resourceVersion",
        "string",
        "Version that the answer is of, or where a watch starts.",
    ),
    (
        "resourceVersionMatch",
        "string",
        "How resourceVersion is meant in a list: Exact or NotOlderThan.",
    ),
    (
        "sendInitialEvents",
        "boolean",
        "Start a watch with the objects that exist.",
    ),
    (
        "timeoutSeconds",
        "integer",
        "Most time for a list or watch.",
    ),
];
const WATCH: Parameter = (
    "watch",
    "boolean",
    "Answer with a stream of changes instead of a list.",
);
const DRY_RUN: Parameter = (
    "dryRun",
    "string",
    "All: go through every step but storing.",
);
const MANAGER: Parameter = (
    "fieldManager",
    "string",
    "Who changes the fields, for managedFields.",
);
const VALIDATION: Parameter = (
    "fieldValidation",
    "string",
    "What becomes of unknown and duplicate fields: Ignore, Warn or Strict.",
);
const FORCE: Parameter = (
    "force",
    "boolean",
    "Take fields from other managers when applying.",
);
const GRACE: Parameter = (
    "gracePeriodSeconds",
    "integer",
    "Seconds before the object goes.",
);
const ORPHAN: Parameter = (
    "orphanDependents",
    "boolean",
    "Deprecated: use propagationPolicy.",
);
const PROPAGATION: Parameter = (
    "propagationPolicy",
    "string",
    "What becomes of dependents: Orphan, Background or Foreground.",
);
const IGNORE_READ_ERROR: Parameter = (
    "ignoreStoreReadErrorWithClusterBreakingPotential",
    "boolean",
    "Delete an object that cannot be read.",
);
const PRETTY: Parameter = ("pretty", "string", "true: print with indentation.");

/// References to the schemas of a kind.
pub(crate) struct Kind {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) kind: String,
    pub(crate) object: Value,
    pub(crate) list: Option<Value>,
}

/// One resource or subresource of the list.
pub(crate) struct Resource<'a> {
    pub(crate) plural: &'a str,
    pub(crate) subresource: &'a str,
    pub(crate) namespaced: bool,
    pub(crate) verbs: Vec<&'a str>,
    pub(crate) kind: Kind,
    /// Kind of the resource itself, for the names of operations.
    pub(crate) parent: String,
    pub(crate) custom: bool,
}

/// Definitions of metav1 that operations refer to.
pub(crate) struct Common {
    pub(crate) delete_options: Value,
    pub(crate) status: Value,
    pub(crate) patch: Value,
}

/// Where operations of a group version live.
pub(crate) struct Place<'a> {
    pub(crate) group: &'a str,
    pub(crate) version: &'a str,
    pub(crate) common: &'a Common,
}

impl Place<'_> {
    pub(crate) fn root(&self) -> String {
        if self.group.is_empty() {
            format!("/api/{}", self.version)
        } else {
            format!("/apis/{}/{}", self.group, self.version)
        }
    }

    /// All paths of a resource: `(path, path item)`.
    pub(crate) fn paths(&self, r: &Resource<'_>) -> Vec<(String, Value)> {
        let root = self.root();
        let all = format!("{root}/{}", r.plural);
        let scoped = if r.namespaced {
            format!("{root}/namespaces/{{namespace}}/{}", r.plural)
        } else {
            all.clone()
        };
        let mut out = Vec::new();
        if !r.subresource.is_empty() {
            let path = format!("{scoped}/{{name}}/{}", r.subresource);
            out.push((path, self.item(r, &["get", "put", "post", "patch"], true)));
            return out;
        }
        if r.namespaced && r.verbs.contains(&"list") {
            let mut item = Map::new();
            item.insert("get", self.operation(r, "list", true));
            item.insert("parameters", parameters(&[PRETTY], &[]));
            out.push((all, item.into()));
        }
        let many = self.item(r, &["list", "post", "deletecollection"], false);
        out.push((scoped.clone(), many));
        let one = self.item(r, &["get", "put", "patch", "delete"], true);
        out.push((format!("{scoped}/{{name}}"), one));
        out.retain(|(_, item)| item.as_object().is_some_and(|m| m.len() > 1));
        out
    }

    fn item(&self, r: &Resource<'_>, actions: &[&str], named: bool) -> Value {
        let mut m = Map::new();
        for action in actions {
            let (verb, method) = match *action {
                "post" => ("create", "post"),
                "put" => ("update", "put"),
                "list" => ("list", "get"),
                "deletecollection" => ("deletecollection", "delete"),
                same => (same, same),
            };
            if r.verbs.contains(&verb) {
                m.insert(method, self.operation(r, action, false));
            }
        }
        let mut path = Vec::new();
        if named {
            path.push(("name", format!("name of the {}", r.parent)));
        }
        if r.namespaced {
            path.push(("namespace", "namespace of the objects".to_owned()));
        }
        m.insert("parameters", parameters(&[PRETTY], &path));
        m.sort_keys();
        m.into()
    }

    fn operation(&self, r: &Resource<'_>, action: &str, everywhere: bool) -> Value {
        let (words, id) = match action {
            "get" => ("read the specified", "read"),
            "list" => ("list or watch objects of kind", "list"),
            "post" => ("create", "create"),
            "put" => ("replace the specified", "replace"),
            "patch" => ("partially update the specified", "patch"),
            "delete" => ("delete", "delete"),
            _ => ("delete collection of", "deleteCollection"),
        };
        let about = match r.subresource {
            "" => r.kind.kind.clone(),
            sub => format!("{sub} of the {}", r.parent),
        };
        let scope = if r.namespaced && !everywhere {
            "Namespaced"
        } else {
            ""
        };
        let mut m = Map::new();
        m.insert("description", format!("{words} {about}"));
        m.insert(
            "operationId",
            format!(
                "{id}{}{}{scope}{}{}{}",
                group_in_operation(self.group),
                title(self.version),
                r.parent,
                title(r.subresource),
                if everywhere { "ForAllNamespaces" } else { "" },
            ),
        );
        let given = query(action);
        if !given.is_empty() {
            m.insert("parameters", parameters(&given, &[]));
        }
        if let Some(body) = self.body(r, action) {
            m.insert("requestBody", body);
        }
        m.insert("responses", self.responses(r, action));
        let group = group_in_operation(self.group);
        let tag = format!(
            "{}{}_{}",
            group[..1].to_lowercase(),
            &group[1..],
            self.version
        );
        m.insert("tags", vec![Value::from(tag)]);
        m.insert("x-kubernetes-action", action);
        m.insert(
            "x-kubernetes-group-version-kind",
            group_version_kind(&r.kind.group, &r.kind.version, &r.kind.kind),
        );
        m.into()
    }

    fn body(&self, r: &Resource<'_>, action: &str) -> Option<Value> {
        let mut m = Map::new();
        match action {
            "post" | "put" => {
                m.insert("content", content(&["*/*"], &r.kind.object));
                m.insert("required", true);
            }
            "patch" => {
                let types: Vec<&str> = PATCHES
                    .into_iter()
                    .filter(|p| !r.custom || !p.contains("strategic"))
                    .collect();
                m.insert("content", content(&types, &self.common.patch));
                m.insert("required", true);
            }
            "delete" | "deletecollection" => {
                m.insert("content", content(&["*/*"], &self.common.delete_options));
            }
            _ => return None,
        }
        Some(m.into())
    }

    fn responses(&self, r: &Resource<'_>, action: &str) -> Value {
        let outputs: &[&str] = if r.custom { &CUSTOM_OUTPUTS } else { &OUTPUTS };
        let schema = match action {
            "list" => r.kind.list.as_ref().unwrap_or(&r.kind.object),
            "delete" | "deletecollection" => &self.common.status,
            _ => &r.kind.object,
        };
        let codes: &[(&str, &str)] = match action {
            "post" => &[("200", "OK"), ("201", "Created"), ("202", "Accepted")],
            "put" | "patch" => &[("200", "OK"), ("201", "Created")],
            "delete" => &[("200", "OK"), ("202", "Accepted")],
            _ => &[("200", "OK")],
        };
        let mut m = Map::new();
        for (code, text) in codes {
            let mut one = Map::new();
            one.insert("content", content(outputs, schema));
            one.insert("description", *text);
            m.insert(*code, one);
        }
        let mut denied = Map::new();
        denied.insert("description", "Unauthorized");
        m.insert("401", denied);
        m.into()
    }
}

/// GET of the list of resources itself.
pub(crate) fn discovery(place: &Place<'_>, list: &str) -> Value {
    let mut response = Map::new();
    response.insert("content", content(&OUTPUTS, &reference(list)));
    response.insert("description", "OK");
    let mut denied = Map::new();
    denied.insert("description", "Unauthorized");
    let mut responses = Map::new();
    responses.insert("200", response);
    responses.insert("401", denied);
    let mut get = Map::new();
    let group = group_in_operation(place.group);
    get.insert("description", "get available resources");
    get.insert(
        "operationId",
        format!("get{group}{}APIResources", title(place.version)),
    );
    get.insert("responses", responses);
    let mut item = Map::new();
    item.insert("get", get);
    item.into()
}

fn query(action: &str) -> Vec<Parameter> {
    match action {
        "list" => LIST.into_iter().chain([WATCH]).collect(),
        "post" | "put" => vec![DRY_RUN, MANAGER, VALIDATION],
        "patch" => vec![DRY_RUN, MANAGER, VALIDATION, FORCE],
        "delete" => vec![DRY_RUN, GRACE, IGNORE_READ_ERROR, ORPHAN, PROPAGATION],
        "deletecollection" => {
            let mut all = vec![DRY_RUN, GRACE, IGNORE_READ_ERROR, ORPHAN, PROPAGATION];
            all.extend(LIST.into_iter().filter(|p| p.0 != "allowWatchBookmarks"));
            all.sort_by_key(|p| p.0);
            all
        }
        _ => Vec::new(),
    }
}

fn parameters(query: &[Parameter], path: &[(&str, String)]) -> Vec<Value> {
    let mut out = Vec::new();
    let mut add = |name: &str, place: &str, ty: &str, text: &str| {
        let mut schema = string();
        schema.set(&["type"], ty);
        schema.set(&["uniqueItems"], true);
        let mut m = Map::new();
        m.insert("description", text);
        m.insert("in", place);
        m.insert("name", name);
        if place == "path" {
            m.insert("required", true);
        }
        m.insert("schema", schema);
        out.push(m.into());
    };
    for (name, text) in path {
        add(name, "path", "string", text);
    }
    for (name, ty, text) in query {
        add(name, "query", ty, text);
    }
    out
}

fn content(types: &[&str], schema: &Value) -> Map {
    let mut m = Map::new();
    for ty in types {
        let mut one = Map::new();
        one.insert("schema", schema.clone());
        m.insert(*ty, one);
    }
    m
}
