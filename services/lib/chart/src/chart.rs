//! A chart, read once and rendered many times.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value;

use crate::{
    Capabilities, Cluster, Error, Limits, Manifest, Release, load, manifest,
    render::{self, What},
    template::Trees,
    value::Files,
    values::{self, Schema},
};

/// A chart without dependencies, with its templates parsed.
#[derive(Clone, Debug)]
pub struct Chart {
    pub(crate) metadata: Arc<Metadata>,
    /// `values.yaml`, an object.
    pub(crate) defaults: Value,
    pub(crate) schema: Option<Schema>,
    pub(crate) trees: Trees,
    /// Names of the templates, in the order in which Helm executes them.
    pub(crate) templates: Vec<String>,
    pub(crate) files: Arc<Files>,
    pub(crate) limits: Limits,
}

/// `Chart.yaml`, `.Chart` of templates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    pub name: String,
    pub version: String,
    pub app_version: String,
    pub description: String,
    pub api_version: String,
    /// `application` or `library`; a library makes no objects.
    pub kind: String,
    /// The constraint on the cluster's version, "" for any.
    pub kube_version: String,
    pub home: String,
    pub icon: String,
    pub deprecated: bool,
    pub keywords: Vec<String>,
    pub sources: Vec<String>,
    pub annotations: BTreeMap<String, String>,
}

/// What a chart makes.
#[derive(Clone, Debug, PartialEq)]
pub struct Rendered {
    /// In the order in which Helm installs them; hooks are among them.
    pub manifests: Vec<Manifest>,
}

impl Chart {
    /// Reads the files of a chart, by their paths below its folder: `Chart.yaml`,
    /// `templates/core/service.yaml`. Those that its `.helmignore` names are left out.
    ///
    /// # Errors
    /// `Chart.yaml` is missing or wrong, a file is not what its name says, a template
    /// does not parse, the chart has dependencies, or something is too large.
    pub fn from_files<P, B>(files: impl IntoIterator<Item = (P, B)>) -> Result<Self, Error>
    where
        P: AsRef<str>,
        B: AsRef<[u8]>,
    {
        Self::with_limits(files, Limits::default())
    }

    /// As [`Chart::from_files`], with other limits.
    ///
    /// # Errors
    /// As there.
    pub fn with_limits<P, B>(
        files: impl IntoIterator<Item = (P, B)>,
        limits: Limits,
    ) -> Result<Self, Error>
    where
        P: AsRef<str>,
        B: AsRef<[u8]>,
    {
        load::load(files.into_iter(), limits)
    }

    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// `values.yaml`.
    pub fn defaults(&self) -> &Value {
        &self.defaults
    }

    /// Values over the defaults of the chart, by Helm's rules: tables are merged,
    /// lists and scalars replaced, and null takes a key away.
    ///
    /// # Errors
    /// [`Error::Values`] where `values.schema.json` does not allow the result.
    pub fn values(&self, overrides: &Value) -> Result<Value, Error> {
        if !overrides.is_object() {
            let problem = crate::Problem {
                path: String::new(),
                message: "an object is expected".to_owned(),
            };
            return Err(self.refused(vec![problem]));
        }
        let values = values::coalesce(overrides, &self.defaults);
        let problems = match &self.schema {
            Some(schema) => schema.check(&values),
            None => Vec::new(),
        };
        if problems.is_empty() {
            return Ok(values);
        }
        Err(self.refused(problems))
    }

    fn refused(&self, problems: Vec<crate::Problem>) -> Error {
        Error::Values {
            chart: self.metadata.name.clone(),
            problems,
        }
    }

    /// The objects of a release. `values` are what [`Chart::values`] made.
    ///
    /// # Errors
    /// A template fails, says that values are wrong, prints something that is not
    /// an object, or goes beyond a limit; or the cluster is too old for the chart.
    pub fn render(
        &self,
        release: &Release,
        values: &Value,
        capabilities: &Capabilities,
        cluster: &dyn Cluster,
    ) -> Result<Rendered, Error> {
        let what = What::Objects;
        let read = |printed: BTreeMap<String, String>| {
            let mut manifests = Vec::new();
            for (path, text) in printed {
                manifests.extend(manifest::read(&path, &text)?);
            }
            manifest::install_order(&mut manifests);
            Ok(Rendered { manifests })
        };
        render::render(self, what, release, values, capabilities, cluster, read)
    }

    /// What the templates print, by their names: the texts of which [`Chart::render`]
    /// makes objects.
    ///
    /// # Errors
    /// As [`Chart::render`], but for what is not an object.
    pub fn print(
        &self,
        release: &Release,
        values: &Value,
        capabilities: &Capabilities,
        cluster: &dyn Cluster,
    ) -> Result<BTreeMap<String, String>, Error> {
        let what = What::Objects;
        render::render(self, what, release, values, capabilities, cluster, Ok)
    }

    /// `templates/NOTES.txt`, rendered; "" where there is none.
    ///
    /// # Errors
    /// As [`Chart::render`].
    pub fn notes(
        &self,
        release: &Release,
        values: &Value,
        capabilities: &Capabilities,
        cluster: &dyn Cluster,
    ) -> Result<String, Error> {
        let what = What::Notes;
        let joined = |printed: BTreeMap<String, String>| Ok(printed.into_values().collect());
        render::render(self, what, release, values, capabilities, cluster, joined)
    }
}
