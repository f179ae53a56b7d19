//! Leadership by a Lease, as client-go's leader election holds it.

use std::time::Duration;

use anyhow::bail;
use k8s_openapi::{
    api::coordination::v1::{Lease as LeaseObject, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::MicroTime,
    jiff::Timestamp,
};
use kube::{
    Api, Client,
    api::{ObjectMeta, PostParams},
};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

const DURATION: Duration = Duration::from_secs(15);
const RENEW_DEADLINE: Duration = Duration::from_secs(10);
const RETRY: Duration = Duration::from_secs(2);

/// A lease that one of several processes holds.
pub struct Lease {
    api: Api<LeaseObject>,
    name: &'static str,
    identity: String,
}

/// Who holds a lease: unique per process.
pub fn identity() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{}_{}", host.trim(), std::process::id())
}

impl Lease {
    /// The lease `namespace/name`, for [`identity`].
    pub fn new(client: Client, namespace: &str, name: &'static str) -> Self {
        Self {
            api: Api::namespaced(client, namespace),
            name,
            identity: identity(),
        }
    }

    /// Waits until this process holds the lease; false when `stop` came first.
    pub async fn acquire(&self, stop: &CancellationToken) -> bool {
        let mut seen: Option<(String, Instant)> = None;
        loop {
            match self.try_hold(&mut seen).await {
                Ok(true) => return true,
                Ok(false) => {}
                Err(e) => tracing::debug!(error = %e, "lease cannot be read or written"),
            }
            tokio::select! {
                () = stop.cancelled() => return false,
                () = sleep(RETRY) => {}
            }
        }
    }

    /// Renews until that fails for too long.
    ///
    /// # Errors
    /// When another process holds the lease, or it could not be renewed in time.
    pub async fn hold(&self) -> anyhow::Result<()> {
        let mut renewed = Instant::now();
        let mut seen = None;
        loop {
            sleep(RETRY).await;
            match self.try_hold(&mut seen).await {
                Ok(true) => renewed = Instant::now(),
                Ok(false) => bail!("lost leadership to another process"),
                Err(e) if renewed.elapsed() > RENEW_DEADLINE => {
                    bail!("could not renew the lease for {RENEW_DEADLINE:?}: {e}")
                }
                Err(e) => tracing::debug!(error = %e, "lease was not renewed"),
            }
        }
    }

    /// Gives the lease up, so that the next process need not wait for it to expire.
    pub async fn release(&self) {
        let Ok(mut lease) = self.api.get(self.name).await else {
            return;
        };
        if let Some(spec) = lease.spec.as_mut()
            && spec.holder_identity.as_deref() == Some(&self.identity)
        {
            spec.holder_identity = Some(String::new());
            spec.lease_duration_seconds = Some(1);
            let _ = self
                .api
                .replace(self.name, &PostParams::default(), &lease)
                .await;
        }
    }

    /// `seen`: the last record of another holder and when it was first seen.
    async fn try_hold(&self, seen: &mut Option<(String, Instant)>) -> kube::Result<bool> {
        let Some(mut lease) = self.api.get_opt(self.name).await? else {
            let spec = self.spec(None);
            let lease = LeaseObject {
                metadata: ObjectMeta {
                    name: Some(self.name.to_owned()),
                    ..ObjectMeta::default()
                },
                spec: Some(spec),
            };
            self.api.create(&PostParams::default(), &lease).await?;
            return Ok(true);
        };
        let spec = lease.spec.clone().unwrap_or_default();
        let holder = spec.holder_identity.clone().unwrap_or_default();
        if !holder.is_empty() && holder != self.identity {
            let record = format!("{holder} {:?}", spec.renew_time);
            match seen {
                Some((old, since)) if *old == record => {
                    if since.elapsed() < DURATION {
                        return Ok(false);
                    }
                }
                _ => {
                    *seen = Some((record, Instant::now()));
                    return Ok(false);
                }
            }
        }
        lease.spec = Some(self.spec(Some(&spec)));
        self.api
            .replace(self.name, &PostParams::default(), &lease)
            .await?;
        Ok(true)
    }

    fn spec(&self, old: Option<&LeaseSpec>) -> LeaseSpec {
        let now = MicroTime(Timestamp::now());
        let same = old.is_some_and(|o| o.holder_identity.as_deref() == Some(&self.identity));
        LeaseSpec {
            holder_identity: Some(self.identity.clone()),
            lease_duration_seconds: Some(DURATION.as_secs() as i32),
            acquire_time: match old {
                Some(o) if same => o.acquire_time.clone(),
                _ => Some(now.clone()),
            },
            renew_time: Some(now),
            lease_transitions: old
                .map(|o| o.lease_transitions.unwrap_or(0) + i32::from(!same))
                .or(Some(0)),
            ..LeaseSpec::default()
        }
    }
}
