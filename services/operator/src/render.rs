//! The objects of a control plane: the chart, rendered for its spec.

use std::sync::LazyLock;

use catena_chart::{Capabilities, Chart, Offline, Release};
use serde_json::Value;

use crate::{error::Error, objects};

/// Every file of `charts/catena`.
static FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/chart.rs"));

static CHART: LazyLock<Result<Chart, catena_chart::Error>> =
    LazyLock::new(|| Chart::from_files(FILES.iter().copied()));

/// What `app.kubernetes.io/managed-by` says.
pub(crate) const SERVICE: &str = "catena-operator";

/// The objects, hooks left out, in the order in which Helm installs them.
///
/// # Errors
/// When the values are refused by the chart.
pub(crate) fn render(
    name: &str,
    namespace: &str,
    kube_version: &str,
    overrides: &Value,
) -> Result<Vec<Value>, Error> {
    let chart = CHART.as_ref().map_err(|e| Error::Internal(e.to_string()))?;
    let release = Release {
        service: SERVICE.to_owned(),
        ..Release::install(name, namespace)
    };
    let capabilities = Capabilities {
        kube_version: kube_version.to_owned(),
        ..Capabilities::default()
    };
    let values = chart.values(overrides).map_err(refused)?;
    let rendered = chart
        .render(&release, &values, &capabilities, &Offline)
        .map_err(refused)?;
    let all = rendered.manifests.into_iter().filter(|m| m.hook.is_none());
    Ok(all.map(|m| m.object).collect())
}

/// Values that the chart does not take are the spec's fault.
fn refused(e: catena_chart::Error) -> Error {
    match e {
        catena_chart::Error::Values { problems, .. } => {
            let all: Vec<String> = problems
                .iter()
                .map(|p| format!("values{}: {}", p.path.replace('/', "."), p.message))
                .collect();
            Error::Spec(all.join("; "))
        }
        catena_chart::Error::Failed { message, .. } => Error::Spec(message),
        other => Error::Internal(other.to_string()),
    }
}

/// The full name of the release, of which all names are made.
///
/// # Errors
/// When there is no front.
pub(crate) fn full_name(rendered: &[Value]) -> Result<String, Error> {
    rendered
        .iter()
        .find(|o| o["kind"] == "Deployment" && objects::component(o) == "aggregator")
        .and_then(|o| o["metadata"]["name"].as_str()?.strip_suffix("-aggregator"))
        .map(str::to_owned)
        .ok_or_else(|| Error::Internal("the chart made no front".to_owned()))
}
