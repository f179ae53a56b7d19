//! Helm charts, rendered: the objects that `helm template` makes of a chart.
//!
//! Templates are Go's `text/template` with the functions of Sprig and Helm;
//! what they print, and the words of what fails, are those of Helm 3.22. A
//! chart is read once ([`Chart::from_files`]) and rendered many times; nothing
//! here does IO: what a template asks of a cluster, a [`Cluster`] answers.
//!
//! ```
//! use catena_chart::{Capabilities, Chart, Offline, Release};
//!
//! let chart = Chart::from_files([
//!     ("Chart.yaml", "apiVersion: v2\nname: demo\nversion: 1.0.0\n"),
//!     ("values.yaml", "port: 80\n"),
//!     ("templates/service.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: {{ .Release.Name }}}\nspec: {ports: [{port: {{ .Values.port }}}]}\n"),
//! ])?;
//! let values = chart.values(&serde_json::json!({"port": 8080}))?;
//! let release = Release::install("web", "default");
//! let rendered = chart.render(&release, &values, &Capabilities::default(), &Offline)?;
//! assert_eq!(rendered.manifests[0].object["spec"]["ports"][0]["port"], 8080);
//! # Ok::<(), catena_chart::Error>(())
//! ```

mod budget;
mod chart;
mod cluster;
mod error;
mod exec;
mod fault;
mod format;
mod functions;
mod glob;
mod ignore;
mod json;
mod load;
mod manifest;
mod release;
mod render;
mod session;
mod template;
mod value;
mod values;
mod version;

pub use budget::Limits;
pub use chart::{Chart, Metadata, Rendered};
pub use cluster::{Certificates, Cluster, Offline, Pair, Subject};
pub use error::{Error, Problem};
pub use manifest::{DeletePolicy, Event, Hook, Manifest, install_order, uninstall_order};
pub use release::{Capabilities, Release};
pub use values::overlay;
