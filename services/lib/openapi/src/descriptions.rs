//! What types and fields mean, as the `k8s-openapi` crate tells it.

use std::collections::HashMap;

use k8s_openapi::{
    api, apiextensions_apiserver::pkg::apis::apiextensions, apimachinery::pkg::apis::meta,
    kube_aggregator::pkg::apis::apiregistration, schemars::SchemaGenerator,
};
use serde_json::Value;

/// Texts of a definition and its properties.
#[derive(Debug, Default)]
pub(crate) struct Text {
    pub(crate) own: String,
    pub(crate) properties: HashMap<String, String>,
}

/// By the name of a definition: `io.k8s.api.core.v1.Pod`.
pub(crate) type Texts = HashMap<String, Text>;

macro_rules! kinds {
    ($generator:ident, $key:ident, { $($name:literal => $module:path [$($kind:ident),* $(,)?],)* }) => {
        match $key {
            $($name => { use $module as module; $(let _ = $generator.subschema_for::<module::$kind>();)* })*
            _ => {}
        }
    };
}

/// Texts of everything that the kinds of a group version consist of.
pub(crate) fn of(group: &str, version: &str) -> Texts {
    let mut generator = SchemaGenerator::default();
    let key = format!("{group}/{version}");
    kinds(&mut generator, &key);
    // Subresources of several groups.
    let _ = generator.subschema_for::<api::autoscaling::v1::Scale>();
    let _ = generator.subschema_for::<api::authentication::v1::TokenRequest>();
    let _ = generator.subschema_for::<api::policy::v1::Eviction>();
    let _ = generator.subschema_for::<meta::v1::DeleteOptions>();
    let _ = generator.subschema_for::<meta::v1::Status>();
    let _ = generator.subschema_for::<meta::v1::ObjectMeta>();
    let _ = generator.subschema_for::<meta::v1::ListMeta>();
    let _ = generator.subschema_for::<meta::v1::Patch>();
    let _ = generator.subschema_for::<meta::v1::APIResourceList>();
    let _ = generator.subschema_for::<meta::v1::WatchEvent<()>>();
    let definitions = generator.take_definitions(true);
    definitions
        .into_iter()
        .map(|(name, schema)| (name, text(&schema)))
        .collect()
}

/// The words for a property of a definition that a group version uses. Costs
/// milliseconds: to be kept by the caller.
pub fn field_text(group: &str, version: &str, definition: &str, property: &str) -> Option<String> {
    of(group, version)
        .remove(definition)?
        .properties
        .remove(property)
}

/// Words for types that the crate has no words for: lists, and a few of metav1.
pub(crate) fn fallback(texts: &Texts, message: &str, property: &str) -> String {
    const ANY: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.Status";
    let name = message.rsplit('.').next().unwrap_or_default();
    let item = name.strip_suffix("List").unwrap_or(name);
    match property {
        "" if item != name => format!("{name} is a list of {item} objects."),
        "apiVersion" | "kind" => texts
            .get(ANY)
            .and_then(|t| t.properties.get(property))
            .cloned()
            .unwrap_or_default(),
        "metadata" if item != name => "Standard metadata of the list.".to_owned(),
        "items" if item != name => format!("Objects of kind {item}."),
        "object" if name == "WatchEvent" => {
            "The object, or a Status when type is ERROR.".to_owned()
        }
        _ => String::new(),
    }
}

fn kinds(generator: &mut SchemaGenerator, key: &str) {
    kinds!(generator, key, {
        "/v1" => api::core::v1 [
            Binding, ComponentStatus, ConfigMap, Endpoints, Event, LimitRange, Namespace, Node,
            PersistentVolume, PersistentVolumeClaim, Pod, PodTemplate, ReplicationController,
            ResourceQuota, Secret, Service, ServiceAccount,
        ],
        "admissionregistration.k8s.io/v1" => api::admissionregistration::v1 [
            MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding, MutatingWebhookConfiguration,
            ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding,
            ValidatingWebhookConfiguration,
        ],
        "apiextensions.k8s.io/v1" => apiextensions::v1 [CustomResourceDefinition],
        "apiregistration.k8s.io/v1" => apiregistration::v1 [APIService],
        "apps/v1" => api::apps::v1 [
            ControllerRevision, DaemonSet, Deployment, ReplicaSet, StatefulSet,
        ],
        "authentication.k8s.io/v1" => api::authentication::v1 [
            SelfSubjectReview, TokenRequest, TokenReview,
        ],
        "authorization.k8s.io/v1" => api::authorization::v1 [
            LocalSubjectAccessReview, SelfSubjectAccessReview, SelfSubjectRulesReview,
            SubjectAccessReview,
        ],
        "autoscaling/v1" => api::autoscaling::v1 [HorizontalPodAutoscaler, Scale],
        "autoscaling/v2" => api::autoscaling::v2 [HorizontalPodAutoscaler],
        "batch/v1" => api::batch::v1 [CronJob, Job],
        "certificates.k8s.io/v1" => api::certificates::v1 [CertificateSigningRequest],
        "coordination.k8s.io/v1" => api::coordination::v1 [Lease],
        "discovery.k8s.io/v1" => api::discovery::v1 [EndpointSlice],
        "events.k8s.io/v1" => api::events::v1 [Event],
        "flowcontrol.apiserver.k8s.io/v1" => api::flowcontrol::v1 [
            FlowSchema, PriorityLevelConfiguration,
        ],
        "networking.k8s.io/v1" => api::networking::v1 [
            IPAddress, Ingress, IngressClass, NetworkPolicy, ServiceCIDR,
        ],
        "node.k8s.io/v1" => api::node::v1 [RuntimeClass],
        "policy/v1" => api::policy::v1 [Eviction, PodDisruptionBudget],
        "rbac.authorization.k8s.io/v1" => api::rbac::v1 [
            ClusterRole, ClusterRoleBinding, Role, RoleBinding,
        ],
        "resource.k8s.io/v1" => api::resource::v1 [
            DeviceClass, ResourceClaim, ResourceClaimTemplate, ResourceSlice,
        ],
        "scheduling.k8s.io/v1" => api::scheduling::v1 [PriorityClass],
        "storage.k8s.io/v1" => api::storage::v1 [
            CSIDriver, CSINode, CSIStorageCapacity, StorageClass, VolumeAttachment,
            VolumeAttributesClass,
        ],
    });
}

fn text(schema: &Value) -> Text {
    let described = |v: &Value| v.get("description")?.as_str().map(str::to_owned);
    let properties = schema.get("properties").and_then(Value::as_object);
    Text {
        own: described(schema).unwrap_or_default(),
        properties: properties
            .into_iter()
            .flatten()
            .filter_map(|(name, v)| Some((name.clone(), described(v)?)))
            .collect(),
    }
}
