//! Whether an etcd answers: each endpoint is asked for a key with the agreement
//! of its members, as `etcdctl endpoint health` does.

use std::time::Duration;

use catena_runtime::{files, flags};
use catena_storage::{RangeRequest, Storage as _};
use catena_storage_etcd::EtcdStorage;

use crate::{api::Etcd, certificates::Data, error::Error};

/// An endpoint that is slower is not healthy.
const TIMEOUT: Duration = Duration::from_secs(5);

/// How the endpoints are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Health {
    pub(crate) endpoints: usize,
    /// Endpoints that are not well, and why.
    pub(crate) unhealthy: Vec<String>,
}

impl Health {
    pub(crate) fn any(&self) -> bool {
        self.unhealthy.len() < self.endpoints
    }
}

/// Asks every endpoint. `secret`: content of the Secret of `etcd.tls`.
///
/// # Errors
/// When the certificates cannot be put where a client reads them.
pub(crate) async fn check(etcd: &Etcd, secret: &Data) -> Result<Health, Error> {
    let dir = tempfile::tempdir().map_err(|e| Error::Internal(e.to_string()))?;
    let file = |name: &str| {
        let path = dir.path().join(name);
        let content = secret.get(name)?;
        files::write_atomic(&path, content, files::PRIVATE).ok()?;
        Some(path)
    };
    let (ca, cert, key) = (file("ca.crt"), file("tls.crt"), file("tls.key"));
    let client = etcd.tls.client_certificate;
    let asked = etcd.servers.iter().map(|server| {
        let options = flags::Etcd {
            etcd_servers: vec![server.clone()],
            etcd_cafile: ca.clone(),
            etcd_certfile: cert.clone().filter(|_| client && key.is_some()),
            etcd_keyfile: key.clone().filter(|_| client && cert.is_some()),
            etcd_prefix: "/registry".to_owned(),
        };
        ask(options)
    });
    let unhealthy = futures_util::future::join_all(asked).await;
    let unhealthy = etcd.servers.iter().zip(unhealthy);
    Ok(Health {
        endpoints: etcd.servers.len(),
        unhealthy: unhealthy
            .filter_map(|(server, why)| Some(format!("{server}: {}", why?)))
            .collect(),
    })
}

/// Why an endpoint is not well.
async fn ask(options: flags::Etcd) -> Option<String> {
    let storage = match EtcdStorage::connect(&options) {
        Ok(storage) => storage,
        Err(e) => return Some(format!("{e:#}")),
    };
    let request = RangeRequest::key("health");
    match tokio::time::timeout(TIMEOUT, storage.range(request)).await {
        Ok(Ok(_)) => None,
        Ok(Err(e)) => Some(e.to_string()),
        Err(_) => Some(format!("no answer within {TIMEOUT:?}")),
    }
}
