//! CertificateApproval and CertificateSigning: who approves or signs must hold
//! that right for the signer.

use std::sync::Arc;

use async_trait::async_trait;
use catena_objects::{Status, Value, user::SYSTEM_MASTERS};
use catena_registry::{Admission, Attributes, Operation};

use super::{
    escalation::{Escalation, allows},
    forbidden,
};
use crate::reader::ObjectReader;

const GROUP: &str = "certificates.k8s.io";

pub(super) struct Signers {
    pub(super) reader: Arc<dyn ObjectReader>,
}

#[async_trait]
impl Admission for Signers {
    fn handles(&self, operation: Operation, group: &str, resource: &str, sub: &str) -> bool {
        operation == Operation::Update
            && group == GROUP
            && resource == "certificatesigningrequests"
            && matches!(sub, "approval" | "status")
    }

    async fn validate(&self, a: &Attributes<'_>) -> Result<(), Status> {
        let (Some(object), Some(old)) = (a.object.as_deref(), a.old) else {
            return Ok(());
        };
        let approves = a.ctx.subresource == "approval";
        let touched = approves || signs(object, old);
        if !touched || a.ctx.user.in_group(SYSTEM_MASTERS) {
            return Ok(());
        }
        let signer = old.str_at(&["spec", "signerName"]);
        let domain = signer.split('/').next().unwrap_or_default();
        let verb = if approves { "approve" } else { "sign" };
        let rights = Escalation {
            reader: self.reader.clone(),
        };
        let held = rights.rules_for(&a.ctx.user, "").await?;
        let may = |name: &str| allows(&held, verb, GROUP, "signers", name);
        if may(signer) || may(&format!("{domain}/*")) {
            return Ok(());
        }
        let why = format!("user not permitted to {verb} requests with signerName {signer:?}");
        Err(forbidden(a, &why))
    }
}

/// A change of the certificate, or of a condition that a signer sets.
fn signs(object: &Value, old: &Value) -> bool {
    let failed = |v: &Value| {
        v.items_at(&["status", "conditions"])
            .iter()
            .any(|c| c.str_at(&["type"]) == "Failed")
    };
    let certificate = ["status", "certificate"];
    object.at(&certificate) != old.at(&certificate) || failed(object) != failed(old)
}
