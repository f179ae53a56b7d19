//! The group `certificates.k8s.io`.

use std::sync::Arc;

use catena_registry::Strategy;

pub mod certificatesigningrequest;

/// Strategy of a resource of this group, `None` for one without rules of its own.
pub fn strategy(plural: &str, _version: &str) -> Option<Arc<dyn Strategy>> {
    (plural == "certificatesigningrequests")
        .then(|| Arc::new(certificatesigningrequest::CertificateSigningRequest) as _)
}
