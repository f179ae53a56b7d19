//! Resources, groups and what a new cluster holds.

use std::{collections::HashMap, sync::LazyLock};

use serde::Deserialize;

/// One resource or subresource, as discovery lists it.
#[derive(Debug)]
pub struct ResourceFact {
    /// Group and version that serve it.
    pub group: &'static str,
    pub version: &'static str,
    pub plural: &'static str,
    /// "" for the resource itself.
    pub subresource: &'static str,
    pub kind: &'static str,
    /// Group and version of the kind where they differ (`autoscaling/v1` of `scale`); else as served.
    pub kind_group: &'static str,
    pub kind_version: &'static str,
    /// "" for subresources.
    pub singular: &'static str,
    pub namespaced: bool,
    pub short_names: Vec<&'static str>,
    pub categories: Vec<&'static str>,
    pub verbs: Vec<&'static str>,
}

/// One API group.
#[derive(Debug, Deserialize)]
pub struct Group {
    #[serde(rename = "group")]
    pub name: &'static str,
    /// In order of preference.
    pub versions: Vec<&'static str>,
    pub preferred: &'static str,
}

/// One column of a table.
#[derive(Debug, Deserialize)]
pub struct Column {
    pub name: &'static str,
    #[serde(rename = "type")]
    pub ty: &'static str,
    #[serde(default)]
    pub format: &'static str,
    pub priority: i32,
}

/// Priorities of a group version (`spec` of its local APIService).
#[derive(Debug)]
pub struct ApiService {
    /// `v1.apps`; `v1.` for core.
    pub name: &'static str,
    pub group: &'static str,
    pub version: &'static str,
    pub group_priority_minimum: i32,
    pub version_priority: i32,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawResource {
    group_version: &'static str,
    name: &'static str,
    kind: &'static str,
    #[serde(default)]
    group: Option<&'static str>,
    #[serde(default)]
    version: Option<&'static str>,
    singular_name: &'static str,
    namespaced: bool,
    #[serde(default)]
    short_names: Vec<&'static str>,
    #[serde(default)]
    categories: Vec<&'static str>,
    verbs: Vec<&'static str>,
}

#[derive(Deserialize)]
struct RawService {
    name: &'static str,
    spec: RawServiceSpec,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawServiceSpec {
    #[serde(default)]
    group: &'static str,
    version: &'static str,
    group_priority_minimum: i32,
    version_priority: i32,
}

fn read<T: Deserialize<'static>>(text: &'static str) -> T {
    serde_json::from_str(text).expect("facts are written by the generator and read in tests")
}

fn resource(r: RawResource) -> ResourceFact {
    let (group, version) = r
        .group_version
        .split_once('/')
        .unwrap_or(("", r.group_version));
    let (plural, subresource) = r.name.split_once('/').unwrap_or((r.name, ""));
    ResourceFact {
        group,
        version,
        plural,
        subresource,
        kind: r.kind,
        kind_group: if r.version.is_some() {
            r.group.unwrap_or("")
        } else {
            group
        },
        kind_version: r.version.unwrap_or(version),
        singular: r.singular_name,
        namespaced: r.namespaced,
        short_names: r.short_names,
        categories: r.categories,
        verbs: r.verbs,
    }
}

/// Every resource and subresource.
pub fn resources() -> &'static [ResourceFact] {
    static ALL: LazyLock<Vec<ResourceFact>> = LazyLock::new(|| {
        let raw: Vec<RawResource> = read(include_str!("../data/resources.json"));
        raw.into_iter().map(resource).collect()
    });
    &ALL
}

/// Every named group, in the order of discovery; core is not among them.
pub fn groups() -> &'static [Group] {
    static ALL: LazyLock<Vec<Group>> = LazyLock::new(|| read(include_str!("../data/groups.json")));
    &ALL
}

/// Columns of a resource's table; empty where there is none.
/// `group_version` is `v1`, `apps/v1`.
pub fn table_columns(group_version: &str, plural: &str) -> &'static [Column] {
    static ALL: LazyLock<HashMap<&'static str, Vec<Column>>> =
        LazyLock::new(|| read(include_str!("../data/table-columns.json")));
    ALL.get(format!("{group_version}/{plural}").as_str())
        .map_or(&[], Vec::as_slice)
}

/// What a column says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnDoc {
    /// The words for a field: definition (`io.k8s.api.core.v1.Secret`) and property.
    Field(&'static str, &'static str),
    Text(&'static str),
}

/// The words for a column of [`table_columns`].
pub fn column_doc(group_version: &str, plural: &str, column: &str) -> Option<ColumnDoc> {
    let mut lines = include_str!("../data/column-docs.tsv").lines();
    lines.find_map(|line| {
        let mut parts = line.split('\t');
        let (group, resource) = parts.next()?.rsplit_once('/')?;
        if group != group_version || resource != plural || parts.next()? != column {
            return None;
        }
        let doc = parts.next()?;
        Some(match (doc.strip_prefix('@'), parts.next()) {
            (Some(definition), Some(property)) => ColumnDoc::Field(definition, property),
            _ => ColumnDoc::Text(doc),
        })
    })
}

/// Priorities of every group version.
pub fn api_services() -> &'static [ApiService] {
    static ALL: LazyLock<Vec<ApiService>> = LazyLock::new(|| {
        let raw: Vec<RawService> = read(include_str!("../data/apiservices.json"));
        raw.into_iter()
            .map(|s| ApiService {
                name: s.name,
                group: s.spec.group,
                version: s.spec.version,
                group_priority_minimum: s.spec.group_priority_minimum,
                version_priority: s.spec.version_priority,
            })
            .collect()
    });
    &ALL
}

/// RBAC objects of a new cluster: the JSON text of an array of objects with
/// their kind, without apiVersion.
pub fn bootstrap_rbac() -> &'static str {
    include_str!("../data/bootstrap-rbac.json")
}

/// Flow schemas and priority levels of a new cluster: the JSON text of an
/// array of objects with their kind, without apiVersion.
pub fn bootstrap_flowcontrol() -> &'static str {
    include_str!("../data/bootstrap-flowcontrol.json")
}
