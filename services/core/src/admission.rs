//! Admission plugins that are on by default, in kube-apiserver's order.

use std::sync::Arc;

use catena_objects::Status;
use catena_registry::{Admission, Attributes};

use crate::reader::ObjectReader;

mod certificates;
mod default_class;
mod escalation;
mod limit_ranger;
mod namespace_lifecycle;
mod node_restriction;
mod pod_security;
mod pods;
mod priority;
mod resource_quota;
mod runtime_class;
mod service_account;
mod storage_protection;

/// Plugins by their names, in the order in which they run.
const NAMES: [&str; 13] = [
    "NamespaceLifecycle",
    "LimitRanger",
    "ServiceAccount",
    "TaintNodesByCondition",
    "PodSecurity",
    "Priority",
    "DefaultTolerationSeconds",
    "StorageObjectInUseProtection",
    "RuntimeClass",
    "CertificateSigning",
    "DefaultStorageClass",
    "DefaultIngressClass",
    "ResourceQuota",
];

/// Runs only when it is asked for, before the others of its time in kube-apiserver's order.
const ON_DEMAND: &str = "NodeRestriction";

/// Plugins of kube-apiserver that are not here: off or on, nothing changes.
const ABSENT: [&str; 18] = [
    "AlwaysAdmit",
    "AlwaysDeny",
    "AlwaysPullImages",
    "CertificateApproval",
    "CertificateSubjectRestriction",
    "ClusterTrustBundleAttest",
    "DenyServiceExternalIPs",
    "EventRateLimit",
    "ExtendedResourceToleration",
    "ImagePolicyWebhook",
    "MutatingAdmissionPolicy",
    "MutatingAdmissionWebhook",
    "NamespaceAutoProvision",
    "OwnerReferencesPermissionEnforcement",
    "PersistentVolumeClaimResize",
    "PodNodeSelector",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionWebhook",
];

/// Which plugins run.
#[derive(Clone, Debug, Default, clap::Args)]
#[group(skip)]
pub struct AdmissionFlags {
    /// Plugins to run besides those that are on by default.
    #[arg(long, value_delimiter = ',')]
    pub enable_admission_plugins: Vec<String>,

    /// Plugins not to run although they are on by default.
    #[arg(long, value_delimiter = ',')]
    pub disable_admission_plugins: Vec<String>,

    /// `--authorization-mode` has AlwaysAllow: then everybody may also grant
    /// rights, and sign for every signer.
    #[arg(skip)]
    pub everything_is_allowed: bool,
}

impl AdmissionFlags {
    /// Names that nobody knows.
    pub fn problems(&self) -> Vec<String> {
        let known = |name: &String| {
            NAMES.contains(&name.as_str()) || ABSENT.contains(&name.as_str()) || name == ON_DEMAND
        };
        let lists = [
            ("enable", &self.enable_admission_plugins),
            ("disable", &self.disable_admission_plugins),
        ];
        let mut out = Vec::new();
        for (which, list) in lists {
            for name in list.iter().filter(|n| !known(n)) {
                out.push(format!(
                    "{which}-admission-plugins plugin {name:?} is unknown"
                ));
            }
        }
        out
    }
}

/// The plugins, joined with what they read.
pub fn plugins(flags: &AdmissionFlags, reader: Arc<dyn ObjectReader>) -> Vec<Arc<dyn Admission>> {
    let all: [Arc<dyn Admission>; NAMES.len()] = [
        Arc::new(namespace_lifecycle::NamespaceLifecycle {
            reader: reader.clone(),
        }),
        Arc::new(limit_ranger::LimitRanger {
            reader: reader.clone(),
        }),
        Arc::new(service_account::ServiceAccount {
            reader: reader.clone(),
        }),
        Arc::new(pods::TaintNodesByCondition),
        Arc::new(pod_security::PodSecurity {
            reader: reader.clone(),
        }),
        Arc::new(priority::Priority {
            reader: reader.clone(),
        }),
        Arc::new(pods::DefaultTolerationSeconds),
        Arc::new(storage_protection::StorageObjectInUseProtection),
        Arc::new(runtime_class::RuntimeClass {
            reader: reader.clone(),
        }),
        Arc::new(certificates::Signers {
            reader: reader.clone(),
        }),
        Arc::new(default_class::DefaultStorageClass {
            reader: reader.clone(),
        }),
        Arc::new(default_class::DefaultIngressClass {
            reader: reader.clone(),
        }),
        Arc::new(resource_quota::ResourceQuota {
            reader: reader.clone(),
        }),
    ];
    let mut on: Vec<Arc<dyn Admission>> = NAMES
        .iter()
        .zip(all)
        .filter(|(name, _)| !flags.disable_admission_plugins.iter().any(|d| d == *name))
        .filter(|(name, _)| !flags.everything_is_allowed || **name != "CertificateSigning")
        .map(|(_, plugin)| plugin)
        .collect();
    let asked = |name: &str| flags.enable_admission_plugins.iter().any(|n| n == name);
    if asked(ON_DEMAND) {
        let reader = reader.clone();
        on.insert(0, Arc::new(node_restriction::NodeRestriction { reader }));
    }
    for name in ABSENT.iter().filter(|n| asked(n)) {
        tracing::warn!(plugin = name, "this admission plugin is not there yet");
    }
    // Not a plugin of kube-apiserver, which checks in the storage of RBAC: after admission.
    if !flags.everything_is_allowed {
        on.push(Arc::new(escalation::Escalation { reader }));
    }
    on
}

/// `admission.NewForbidden`: about the resource and the object's (generate) name.
fn forbidden(a: &Attributes<'_>, why: &str) -> Status {
    let generated = a
        .object
        .as_ref()
        .map_or("", |o| o.str_at(&["metadata", "generateName"]));
    let name = match (a.name, generated) {
        ("", "") => "Unknown",
        ("", base) => base,
        (name, _) => name,
    };
    Status::forbidden(&a.resource.group, &a.resource.plural, name, why)
}
