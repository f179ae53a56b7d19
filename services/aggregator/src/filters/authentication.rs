//! Who asks (`filters/authentication.go`).

use catena_auth::authn::Credentials;
use catena_objects::{Status, user::User};

use crate::{Front, call::Call};

/// Sets the user of the call.
///
/// # Errors
/// 401 for credentials that are wrong, and for none where there must be some.
pub(crate) async fn identify(front: &Front, call: &mut Call) -> Result<(), Status> {
    if call.peer.insecure {
        call.user = User {
            name: "system:unsecured".to_owned(),
            groups: vec![
                "system:masters".to_owned(),
                "system:authenticated".to_owned(),
            ],
            ..User::default()
        };
        return Ok(());
    }
    let remote = call.peer.addr.to_string();
    let credentials = Credentials {
        certificates: call.peer.certificates.as_deref(),
        headers: &call.headers,
        remote_addr: &remote,
    };
    call.user = front.auth.authenticate(&credentials).await?;
    // Nothing behind this filter may see or forward the credentials.
    front.auth.strip(&mut call.headers);
    Ok(())
}
