//! The group `admissionregistration.k8s.io`.

use std::sync::Arc;

use catena_registry::Strategy;

pub mod admissionpolicy;
mod expression;
pub mod policybinding;
pub mod rule;
pub mod webhook;

/// Strategy of a resource of this group, `None` for one without rules of its own.
pub fn strategy(plural: &str, _version: &str) -> Option<Arc<dyn Strategy>> {
    Some(match plural {
        "validatingwebhookconfigurations" => Arc::new(webhook::Webhooks { mutating: false }),
        "mutatingwebhookconfigurations" => Arc::new(webhook::Webhooks { mutating: true }),
        "validatingadmissionpolicies" => {
            Arc::new(admissionpolicy::AdmissionPolicy { mutating: false })
        }
        "mutatingadmissionpolicies" => {
            Arc::new(admissionpolicy::AdmissionPolicy { mutating: true })
        }
        "validatingadmissionpolicybindings" => {
            Arc::new(policybinding::PolicyBinding { mutating: false })
        }
        "mutatingadmissionpolicybindings" => {
            Arc::new(policybinding::PolicyBinding { mutating: true })
        }
        _ => return None,
    })
}
