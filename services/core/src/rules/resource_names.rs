//! Names of compute resources (`pkg/apis/core/helper`).

use catena_objects::{Value, field::Errors, names};

use super::{At, quantity};

const STANDARD: [&str; 20] = [
    "cpu",
    "memory",
    "ephemeral-storage",
    "requests.cpu",
    "requests.memory",
    "requests.ephemeral-storage",
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
    "pods",
    "resourcequotas",
    "services",
    "replicationcontrollers",
    "secrets",
    "configmaps",
    "persistentvolumeclaims",
    "storage",
    "requests.storage",
    "services.nodeports",
    "services.loadbalancers",
];
const INTEGER: [&str; 9] = [
    "pods",
    "resourcequotas",
    "services",
    "replicationcontrollers",
    "secrets",
    "configmaps",
    "persistentvolumeclaims",
    "services.nodeports",
    "services.loadbalancers",
];
const HUGE: &str = "hugepages-";

/// `validateResourceName`.
pub fn validate(at: &At, name: &str, e: &mut Errors) {
    let bad = names::qualified_name(name);
    let good = bad.is_empty();
    for why in bad {
        at.bad_value(e, name, why);
    }
    if good && !name.contains('/') && !is_standard(name) {
        at.bad_value(
            e,
            name,
            "must be a standard resource type or fully qualified",
        );
    }
}

/// `validateContainerResourceName`.
pub fn container(at: &At, name: &str, e: &mut Errors) {
    validate(at, name, e);
    if !name.contains('/') {
        if !is_standard_container(name) {
            at.bad_value(e, name, "must be a standard resource for containers");
        }
    } else if !is_native(name) && !is_extended(name) {
        at.bad_value(e, name, "doesn't follow extended resource name standard");
    }
}

/// `ValidateResourceQuotaResourceName`.
pub fn quota(at: &At, name: &str, e: &mut Errors) {
    validate(at, name, e);
    if !name.contains('/') && !is_standard_quota(name) {
        at.bad_value(e, name, "must be a standard resource for quota");
    }
}

pub fn is_standard_quota(name: &str) -> bool {
    name != "storage" && is_standard(name)
}

pub fn is_standard(name: &str) -> bool {
    STANDARD.contains(&name) || is_huge_page(name) || name.starts_with("requests.hugepages-")
}

pub fn is_standard_container(name: &str) -> bool {
    matches!(name, "cpu" | "memory" | "ephemeral-storage") || is_huge_page(name)
}

pub fn is_huge_page(name: &str) -> bool {
    name.starts_with(HUGE)
}

pub fn is_native(name: &str) -> bool {
    !name.contains('/') || name.contains("kubernetes.io/")
}

pub fn is_extended(name: &str) -> bool {
    !is_native(name)
        && !name.starts_with("requests.")
        && names::qualified_name(&format!("requests.{name}")).is_empty()
}

pub fn overcommit_allowed(name: &str) -> bool {
    is_native(name) && !is_huge_page(name)
}

pub fn is_integer(name: &str) -> bool {
    INTEGER.contains(&name) || is_extended(name)
}

/// Whether an amount is a multiple of the page size in the name.
pub fn huge_page_divides(name: &str, amount: &Value) -> bool {
    let Some(size) = name.strip_prefix(HUGE).map(Value::from) else {
        return false;
    };
    let (Some(size), true, Some(q)) = (
        quantity::of(&size),
        quantity::is_whole(&size),
        quantity::of(amount),
    ) else {
        return false;
    };
    size.sign() > 0 && q.value() % size.value() == 0
}
