//! A chart, read once and rendered many times.

use serde_json::Value;

use crate::{Capabilities, Cluster, Error, Manifest, Release, load};

/// A chart without dependencies, with its templates parsed.
#[derive(Clone, Debug)]
pub struct Chart {
    pub(crate) metadata: Metadata,
    /// `values.yaml`, an object.
    pub(crate) defaults: Value,
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
        load::load(files.into_iter())
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
        Err(self.unfinished(overrides))
    }

    /// The objects of a release. `values` are what [`Chart::values`] made.
    ///
    /// # Errors
    /// A template fails, says that values are wrong, prints something that is not
    /// an object, or goes beyond a limit; or the cluster is too old for the chart.
    pub fn render(
        &self,
        _release: &Release,
        values: &Value,
        _capabilities: &Capabilities,
        _cluster: &dyn Cluster,
    ) -> Result<Rendered, Error> {
        Err(self.unfinished(values))
    }

    /// `templates/NOTES.txt`, rendered; "" where there is none.
    ///
    /// # Errors
    /// As [`Chart::render`].
    pub fn notes(
        &self,
        _release: &Release,
        values: &Value,
        _capabilities: &Capabilities,
        _cluster: &dyn Cluster,
    ) -> Result<String, Error> {
        Err(self.unfinished(values))
    }

    fn unfinished(&self, _: &Value) -> Error {
        Error::Execution(format!(
            "{}: templates are not rendered yet",
            self.metadata.name
        ))
    }
}
