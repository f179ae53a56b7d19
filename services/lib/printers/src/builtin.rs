//! Which cells a built-in resource has.

use std::sync::{Arc, OnceLock};

use catena_facts::ColumnDoc;
use catena_objects::Value;

use crate::{
    Column, Fallback, Printer,
    groups::{apps, core, other, pod, service},
    name_column,
};

type Cells = fn(&Value, &str) -> Vec<Value>;

struct Builtin {
    group: String,
    version: String,
    plural: String,
    /// Made when the first table is asked for: their words are looked up in
    /// the documentation of all fields of the group version.
    columns: OnceLock<Vec<Column>>,
    cells: Cells,
}

impl Printer for Builtin {
    fn columns(&self) -> Vec<Column> {
        self.columns
            .get_or_init(|| columns(&self.group, &self.version, &self.plural))
            .clone()
    }

    fn cells(&self, object: &Value, now: &str) -> Vec<Value> {
        let mut cells = (self.cells)(object, now);
        let columns = facts(&self.group, &self.version, &self.plural);
        cells.resize(columns.len(), "".into());
        cells
    }
}

fn group_version(group: &str, version: &str) -> String {
    if group.is_empty() {
        version.to_owned()
    } else {
        format!("{group}/{version}")
    }
}

fn facts(group: &str, version: &str, plural: &str) -> &'static [catena_facts::Column] {
    catena_facts::table_columns(&group_version(group, version), plural)
}

/// The printer of a built-in resource; name and creation time for those without one.
pub fn builtin(group: &str, version: &str, plural: &str) -> Arc<dyn Printer> {
    let Some(cells) = cells(group, plural) else {
        return Arc::new(Fallback);
    };
    if facts(group, version, plural).is_empty() {
        return Arc::new(Fallback);
    }
    Arc::new(Builtin {
        group: group.to_owned(),
        version: version.to_owned(),
        plural: plural.to_owned(),
        columns: OnceLock::new(),
        cells,
    })
}

/// Group and version of `io.k8s.api.<package>.<version>.<kind>`: a few tables
/// borrow the words of another version.
fn package(definition: &'static str) -> Option<(&'static str, &'static str)> {
    let mut parts = definition.strip_prefix("io.k8s.api.")?.split('.');
    let (package, version) = (parts.next()?, parts.next()?);
    if package == "core" {
        return Some(("", version));
    }
    let mut groups = catena_facts::groups().iter();
    let group = groups.find(|g| g.name.split('.').next() == Some(package))?;
    Some((group.name, version))
}

fn columns(group: &str, version: &str, plural: &str) -> Vec<Column> {
    let name = name_column();
    let own = group_version(group, version);
    let words = |column: &str| match catena_facts::column_doc(&own, plural, column) {
        Some(ColumnDoc::Text(text)) => text.to_owned(),
        Some(ColumnDoc::Field(definition, property)) => {
            let (group, version) = package(definition).unwrap_or((group, version));
            catena_openapi::field_text(group, version, definition, property).unwrap_or_default()
        }
        None => String::new(),
    };
    facts(group, version, plural)
        .iter()
        .map(|c| {
            if c.name == "Name" && c.format == "name" {
                return Column {
                    priority: c.priority,
                    ..name.clone()
                };
            }
            Column::new(c.name, c.ty, c.format, &words(c.name), c.priority)
        })
        .collect()
}

fn cells(group: &str, plural: &str) -> Option<Cells> {
    Some(match (group, plural) {
        ("", "configmaps") => core::config_map,
        ("", "secrets") => core::secret,
        ("", "serviceaccounts") => core::name_and_age,
        ("", "pods") => pod::pod,
        ("", "podtemplates") => core::pod_template,
        ("", "services") => service::service,
        ("", "endpoints") => core::endpoints,
        ("", "namespaces") => core::namespace,
        ("", "nodes") => core::node,
        ("", "persistentvolumes") => core::persistent_volume,
        ("", "persistentvolumeclaims") => core::persistent_volume_claim,
        ("", "resourcequotas") => core::resource_quota,
        ("", "replicationcontrollers") => apps::replication_controller,
        ("" | "events.k8s.io", "events") => core::event,
        ("apps", "deployments") => apps::deployment,
        ("apps", "replicasets") => apps::replica_set,
        ("apps", "statefulsets") => apps::stateful_set,
        ("apps", "daemonsets") => apps::daemon_set,
        ("apps", "controllerrevisions") => apps::controller_revision,
        ("batch", "jobs") => apps::job,
        ("batch", "cronjobs") => apps::cron_job,
        ("autoscaling", "horizontalpodautoscalers") => other::hpa,
        ("policy", "poddisruptionbudgets") => other::pdb,
        ("networking.k8s.io", "ingresses") => other::ingress,
        ("networking.k8s.io", "ingressclasses") => other::ingress_class,
        ("networking.k8s.io", "networkpolicies") => other::network_policy,
        ("rbac.authorization.k8s.io", "rolebindings" | "clusterrolebindings") => core::role_binding,
        ("storage.k8s.io", "storageclasses") => other::storage_class,
        ("storage.k8s.io", "csidrivers") => other::csi_driver,
        ("storage.k8s.io", "csinodes") => other::csi_node,
        ("storage.k8s.io", "volumeattachments") => other::volume_attachment,
        ("scheduling.k8s.io", "priorityclasses") => core::priority_class,
        ("coordination.k8s.io", "leases") => core::lease,
        ("discovery.k8s.io", "endpointslices") => other::endpoint_slice,
        ("node.k8s.io", "runtimeclasses") => other::runtime_class,
        (
            "admissionregistration.k8s.io",
            "validatingwebhookconfigurations" | "mutatingwebhookconfigurations",
        ) => other::webhooks,
        (
            "admissionregistration.k8s.io",
            "validatingadmissionpolicies" | "mutatingadmissionpolicies",
        ) => other::admission_policy,
        (
            "admissionregistration.k8s.io",
            "validatingadmissionpolicybindings" | "mutatingadmissionpolicybindings",
        ) => other::admission_policy_binding,
        ("flowcontrol.apiserver.k8s.io", "flowschemas") => other::flow_schema,
        ("flowcontrol.apiserver.k8s.io", "prioritylevelconfigurations") => other::priority_level,
        ("resource.k8s.io", "resourceclaims") => other::resource_claim,
        ("resource.k8s.io", "deviceclasses" | "resourceclaimtemplates") => core::name_and_age,
        ("certificates.k8s.io", "certificatesigningrequests") => other::csr,
        ("", "limitranges")
        | ("rbac.authorization.k8s.io", "roles" | "clusterroles")
        | ("storage.k8s.io", "csistoragecapacities") => core::created_at,
        _ => return None,
    })
}
