//! Which replicas there are.

use std::{collections::BTreeSet, str::FromStr, time::Duration};

use catena_runtime::net::Endpoint;

use super::dial::Address;

/// Names are looked up again this often: a headless service changes.
pub(super) const AGAIN: Duration = Duration::from_secs(5);
/// And this soon while nobody is connected.
pub(super) const SOON: Duration = Duration::from_millis(500);
/// Bound on the replicas of one delegate.
const MAX_REPLICAS: usize = 256;

/// Addresses of replicas, and names that stand for several.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoints(Vec<Endpoint>);

impl Endpoints {
    pub fn new(endpoints: Vec<Endpoint>) -> Self {
        Self(endpoints)
    }

    /// Whether the set can change: some endpoint is a name.
    pub(super) fn dynamic(&self) -> bool {
        self.0
            .iter()
            .any(|e| matches!(e, Endpoint::Host(h, _) if h.parse::<std::net::IpAddr>().is_err()))
    }

    /// Looks every name up. `None` for a name that cannot be looked up now: the
    /// replicas that are known stay.
    pub(super) async fn resolve(&self) -> Option<Vec<Address>> {
        let mut out = Vec::new();
        for endpoint in &self.0 {
            match endpoint {
                Endpoint::Unix(path) => out.push(Address::Unix(path.clone())),
                Endpoint::Host(host, port) => {
                    match tokio::net::lookup_host((host.as_str(), *port)).await {
                        Ok(found) => {
                            let found: BTreeSet<_> = found.collect();
                            out.extend(found.into_iter().map(|addr| Address::Tcp {
                                host: host.clone(),
                                addr,
                            }));
                        }
                        Err(e) => {
                            tracing::debug!(host, error = %e, "name was not resolved");
                            return None;
                        }
                    }
                }
            }
        }
        out.truncate(MAX_REPLICAS);
        Some(out)
    }
}

impl FromStr for Endpoints {
    type Err = String;

    /// A list with commas.
    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split(',').map(str::trim).filter(|p| !p.is_empty());
        let endpoints: Vec<Endpoint> = parts.map(str::parse).collect::<Result<_, _>>()?;
        if endpoints.is_empty() {
            return Err("no endpoint is given".to_owned());
        }
        Ok(Self(endpoints))
    }
}
