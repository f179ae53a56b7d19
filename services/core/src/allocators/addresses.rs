//! Cluster addresses: one IPAddress object for each (`ipallocator`).

use std::{net::IpAddr, sync::Arc};

use catena_objects::{Value, obj, time};
use catena_registry::codec;
use catena_storage::{Op, RangeRequest, Storage, TxnRequest};
use ipnet::IpNet;

use super::{Refused, arbitrary};

const PREFIX: &str = "/registry/ipaddresses/";
const TAKEN: &str = "provided IP is already allocated";
const FOREIGN: &str = "the provided network does not match the current range";
/// Bounds of the lower part, which is kept for addresses that are asked for by value.
const RESERVED: (u128, u128) = (16, 256);
/// Largest number of taken addresses looked at for one allocation.
const MAX_SEARCH: u128 = 1 << 17;

/// Who an address is for.
#[derive(Clone, Copy, Debug)]
pub struct Owner<'a> {
    pub namespace: &'a str,
    pub name: &'a str,
}

/// The addresses of one service range.
#[derive(Clone)]
pub struct Addresses {
    storage: Arc<dyn Storage>,
    range: IpNet,
}

impl Addresses {
    pub fn new(storage: Arc<dyn Storage>, range: IpNet) -> Self {
        Self {
            storage,
            range: range.trunc(),
        }
    }

    /// "IPv4" or "IPv6".
    pub fn family(&self) -> &'static str {
        match self.range {
            IpNet::V4(_) => "IPv4",
            IpNet::V6(_) => "IPv6",
        }
    }

    pub fn range(&self) -> IpNet {
        self.range
    }

    /// The first address, which is that of default/kubernetes.
    pub fn first(&self) -> IpAddr {
        self.address(1)
    }

    /// The base of the range: what a dry run shows.
    pub fn base(&self) -> IpAddr {
        self.range.network()
    }

    /// Usable addresses: without the network's own and, in IPv4, broadcast.
    fn size(&self) -> u128 {
        let host_bits = u32::from(self.range.max_prefix_len() - self.range.prefix_len());
        let all = 1u128.checked_shl(host_bits).unwrap_or(u128::MAX);
        let unusable = if matches!(self.range, IpNet::V4(_)) {
            2
        } else {
            1
        };
        all.saturating_sub(unusable)
    }

    fn reserved(&self) -> u128 {
        let size = self.size();
        if size < RESERVED.0 {
            0
        } else {
            (size / 16).clamp(RESERVED.0, RESERVED.1)
        }
    }

    fn address(&self, offset: u128) -> IpAddr {
        match self.range.network() {
            IpAddr::V4(a) => {
                let low = u32::try_from(offset & u128::from(u32::MAX)).unwrap_or(0);
                IpAddr::V4(u32::from(a).wrapping_add(low).into())
            }
            IpAddr::V6(a) => IpAddr::V6(u128::from(a).wrapping_add(offset).into()),
        }
    }

    /// Takes this address.
    pub async fn take(&self, ip: IpAddr, owner: Owner<'_>, dry_run: bool) -> Result<(), Refused> {
        let usable = self.range.contains(&ip)
            && ip != self.range.network()
            && !(ip.is_ipv4() && ip == self.range.broadcast());
        if !usable {
            return Err(Refused::Unavailable(FOREIGN.to_owned()));
        }
        if dry_run || self.create(ip, owner).await? {
            return Ok(());
        }
        Err(Refused::Unavailable(TAKEN.to_owned()))
    }

    /// Takes any address, from the upper part of the range as long as it has one.
    pub async fn take_any(&self, owner: Owner<'_>, dry_run: bool) -> Result<IpAddr, Refused> {
        if dry_run {
            return Ok(self.base());
        }
        let taken = self.taken().await?;
        let (size, reserved) = (self.size(), self.reserved());
        for (from, count) in [(reserved, size - reserved), (0, reserved)] {
            if count == 0 {
                continue;
            }
            let start = u128::from(arbitrary()) % count;
            for step in 0..count.min(MAX_SEARCH) {
                let ip = self.address(1 + from + (start + step) % count);
                if !taken.contains(&ip) && self.create(ip, owner).await? {
                    return Ok(ip);
                }
            }
        }
        Err(Refused::Full)
    }

    async fn taken(&self) -> Result<std::collections::HashSet<IpAddr>, Refused> {
        let request = RangeRequest {
            keys_only: true,
            ..RangeRequest::prefix(PREFIX)
        };
        let answer = self.storage.range(request).await.map_err(failed)?;
        Ok(answer
            .kvs
            .iter()
            .filter_map(|kv| {
                std::str::from_utf8(&kv.key)
                    .ok()?
                    .strip_prefix(PREFIX)?
                    .parse()
                    .ok()
            })
            .collect())
    }

    /// False when somebody has it.
    async fn create(&self, ip: IpAddr, owner: Owner<'_>) -> Result<bool, Refused> {
        let object = object(ip, owner, &time::now());
        let request = TxnRequest::create(key(ip), codec::encode(&object));
        Ok(self.storage.txn(request).await.map_err(failed)?.succeeded)
    }

    /// Gives an address back; one that nobody has is no error.
    pub async fn release(&self, ip: IpAddr) {
        let request = TxnRequest {
            compare: Vec::new(),
            success: vec![Op::Delete {
                key: key(ip).into(),
            }],
            failure: Vec::new(),
        };
        if let Err(error) = self.storage.txn(request).await {
            tracing::warn!(%ip, %error, "cluster address was not released");
        }
    }
}

pub(super) fn failed(e: catena_storage::Error) -> Refused {
    Refused::Failed(codec::storage_error(e))
}

/// Storage key of an address.
pub fn key(ip: IpAddr) -> String {
    format!("{PREFIX}{ip}")
}

/// The IPAddress object of an address.
pub fn object(ip: IpAddr, owner: Owner<'_>, now: &str) -> Value {
    let family = if ip.is_ipv4() { "IPv4" } else { "IPv6" };
    obj!({
        "kind": "IPAddress",
        "apiVersion": "networking.k8s.io/v1",
        "metadata": {
            "name": (ip.to_string()),
            "uid": (uuid::Uuid::new_v4().to_string()),
            "creationTimestamp": now,
            "labels": {
                "ipaddress.kubernetes.io/ip-family": family,
                "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io"
            }
        },
        "spec": {"parentRef": {
            "resource": "services",
            "namespace": (owner.namespace),
            "name": (owner.name)
        }}
    })
}
