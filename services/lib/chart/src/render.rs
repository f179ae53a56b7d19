//! A chart's templates, executed on a thread with a stack of their own.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value as Json;

use crate::{
    Capabilities, Chart, Cluster, Error, Release,
    exec::{self, NO_VALUE},
    fault::Fault,
    session::{Env, Session},
    value::{MapOf, Members, Native, Value},
    version,
};

/// Of the thread; only what is used of it is ever taken. Each level of a template in
/// another one takes some KiB of it, and [`crate::Limits::depth`] counts them.
const STACK: usize = 256 << 20;

/// Which templates are executed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    Objects,
    Notes,
}

/// Texts by the name of the template.
pub(crate) type Printed = BTreeMap<String, String>;

/// Executes templates of a chart, and `finish`es what they print on the same thread.
///
/// # Errors
/// The chart is not for such a cluster, a template fails, or what comes after it.
pub(crate) fn render<T: Send>(
    chart: &Chart,
    what: What,
    release: &Release,
    values: &Json,
    capabilities: &Capabilities,
    cluster: &dyn Cluster,
    finish: impl FnOnce(Printed) -> Result<T, Error> + Send,
) -> Result<T, Error> {
    check_version(chart, capabilities)?;
    std::thread::scope(|scope| {
        let work = || {
            let printed = print(chart, what, release, values, capabilities, cluster)?;
            finish(printed)
        };
        let thread = std::thread::Builder::new()
            .name("chart".to_owned())
            .stack_size(STACK)
            .spawn_scoped(scope, work);
        let thread = thread.map_err(|e| Error::Execution(format!("no thread: {e}")))?;
        // A panic is a mistake of this crate; it goes on in the caller.
        match thread.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

fn check_version(chart: &Chart, capabilities: &Capabilities) -> Result<(), Error> {
    let wanted = &chart.metadata.kube_version;
    let there = &capabilities.kube_version;
    if wanted.is_empty() {
        return Ok(());
    }
    match version::satisfies(wanted, there) {
        Ok(true) => Ok(()),
        // Helm says so too where one of them is no version.
        Ok(false) | Err(_) => Err(Error::Execution(format!(
            "chart requires kubeVersion: {wanted} which is incompatible with Kubernetes {there}"
        ))),
    }
}

fn print(
    chart: &Chart,
    what: What,
    release: &Release,
    values: &Json,
    capabilities: &Capabilities,
    cluster: &dyn Cluster,
) -> Result<Printed, Error> {
    let session = Session::new(chart.limits, cluster);
    let env = Env {
        session: &session,
        trees: &chart.trees,
    };
    let root = root(chart, release, values, capabilities);
    let mut printed = Printed::new();
    for name in &chart.templates {
        let base = name.rsplit('/').next().unwrap_or(name);
        let notes = base == "NOTES.txt";
        if base.starts_with('_') || notes != (what == What::Notes) {
            continue;
        }
        let text = one(env, chart, name, &root).map_err(error)?;
        printed.insert(name.clone(), text.replace(NO_VALUE, ""));
    }
    Ok(printed)
}

fn one(env: Env<'_>, chart: &Chart, name: &str, root: &Value) -> Result<String, Fault> {
    if let Value::Map(map) = root {
        let base = format!("{}/templates", chart.metadata.name);
        let template = Members::from([
            ("Name".into(), Value::text(name)),
            ("BasePath".into(), Value::text(base)),
        ]);
        let template = Value::map_of(MapOf::Values, template);
        env.session
            .change(map, |m| m.insert("Template".into(), template))?;
    }
    exec::execute(env, name, root.clone())
}

/// What templates see as `.`.
fn root(chart: &Chart, release: &Release, values: &Json, capabilities: &Capabilities) -> Value {
    let values = match Value::of_json(values) {
        Value::Map(map) => Value::map_of(MapOf::Values, map.members().clone()),
        _ => Value::map_of(MapOf::Values, Members::new()),
    };
    let release = Members::from([
        ("Name".into(), Value::text(release.name.as_str())),
        ("Namespace".into(), Value::text(release.namespace.as_str())),
        ("Revision".into(), Value::Int(release.revision)),
        ("IsInstall".into(), Value::Bool(release.is_install)),
        ("IsUpgrade".into(), Value::Bool(release.is_upgrade)),
        ("Service".into(), Value::text(release.service.as_str())),
    ]);
    let native = Value::Native;
    Value::map(Members::from([
        ("Values".into(), values),
        ("Release".into(), Value::map(release)),
        (
            "Chart".into(),
            native(Native::Chart(chart.metadata.clone())),
        ),
        ("Files".into(), native(Native::Files(chart.files.clone()))),
        (
            "Capabilities".into(),
            native(Native::Capabilities(Arc::new(capabilities.clone()))),
        ),
        ("Subcharts".into(), Value::map(Members::new())),
    ]))
}

/// `template: place: ...`.
fn place(text: &str) -> String {
    let rest = text.strip_prefix("template: ").unwrap_or(text);
    let end = rest.find(": ").unwrap_or(rest.len());
    rest[..end].to_owned()
}

fn error(fault: Fault) -> Error {
    match (fault.limit, fault.said) {
        (Some(limit), _) => Error::Limit {
            location: place(&fault.text),
            limit,
        },
        (_, Some(message)) => Error::Failed {
            location: place(&fault.text),
            message,
        },
        _ => Error::Execution(fault.text),
    }
}
