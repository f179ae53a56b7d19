//! networking.k8s.io.

use std::sync::Arc;

use catena_registry::Strategy;

pub mod ingress;
pub mod ingress_class;
pub mod ip_address;
pub mod network_policy;
pub mod service_cidr;

/// Rules of a resource of the group.
pub fn strategy(plural: &str, _version: &str) -> Option<Arc<dyn Strategy>> {
    Some(match plural {
        "ingresses" => Arc::new(ingress::Ingress),
        "ingressclasses" => Arc::new(ingress_class::IngressClass),
        "ipaddresses" => Arc::new(ip_address::IpAddress),
        "networkpolicies" => Arc::new(network_policy::NetworkPolicy),
        "servicecidrs" => Arc::new(service_cidr::ServiceCidr),
        _ => return None,
    })
}
