//! Node ports: one bitmap for the whole range (`portallocator`, `RangeAllocation`).

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD};
use catena_objects::{Value, json, obj};
use catena_storage::{Compare, KeyValue, Op, RangeRequest, Storage, TxnRequest};

use super::{Refused, addresses::failed, arbitrary};

const KEY: &str = "/registry/ranges/servicenodeports";
const TAKEN: &str = "provided port is already allocated";
/// Attempts against other servers that allocate at the same time.
const ATTEMPTS: usize = 64;

/// What one write of a Service wants of the ports.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// These, or an error for the first that cannot be had.
    pub wanted: Vec<i64>,
    /// This many more.
    pub any: usize,
    /// These are free afterwards.
    pub released: Vec<i64>,
}

/// A failure for a port, or for all.
#[derive(Clone, Debug, PartialEq)]
pub struct PortError {
    pub port: Option<i64>,
    pub why: Refused,
}

/// The ports of `--service-node-port-range`.
#[derive(Clone)]
pub struct Ports {
    storage: Arc<dyn Storage>,
    first: i64,
    last: i64,
}

impl Ports {
    /// Both bounds are part of the range.
    pub fn new(storage: Arc<dyn Storage>, first: u16, last: u16) -> Self {
        Self {
            storage,
            first: first.into(),
            last: last.max(first).into(),
        }
    }

    /// Carries out a plan in one transaction and returns the ports for `any`.
    pub async fn apply(&self, plan: &Plan, dry_run: bool) -> Result<Vec<i64>, PortError> {
        for port in &plan.wanted {
            if *port < self.first || *port > self.last {
                let text = format!(
                    "provided port is not in the valid range. The range of valid ports is {}-{}",
                    self.first, self.last
                );
                return Err(PortError {
                    port: Some(*port),
                    why: Refused::Unavailable(text),
                });
            }
        }
        for _ in 0..ATTEMPTS {
            let (kv, mut bits) = self.read().await.map_err(whole)?;
            let given = self.change(&mut bits, plan)?;
            if dry_run || self.write(kv, &bits).await.map_err(whole)? {
                return Ok(given);
            }
        }
        let status = catena_objects::Status::internal("node ports are contended");
        Err(whole(Refused::Failed(status)))
    }

    fn change(&self, bits: &mut Bits, plan: &Plan) -> Result<Vec<i64>, PortError> {
        for port in &plan.released {
            bits.set(port - self.first, false);
        }
        for port in &plan.wanted {
            if bits.get(port - self.first) {
                let why = Refused::Unavailable(TAKEN.to_owned());
                return Err(PortError {
                    port: Some(*port),
                    why,
                });
            }
            bits.set(port - self.first, true);
        }
        let size = self.last - self.first + 1;
        let mut given = Vec::new();
        for _ in 0..plan.any {
            let start = i64::try_from(arbitrary() >> 1).unwrap_or(0) % size;
            let free = (0..size)
                .map(|i| (start + i) % size)
                .find(|i| !bits.get(*i));
            let Some(offset) = free else {
                return Err(whole(Refused::Full));
            };
            bits.set(offset, true);
            given.push(self.first + offset);
        }
        Ok(given)
    }

    async fn read(&self) -> Result<(Option<KeyValue>, Bits), Refused> {
        let answer = self
            .storage
            .range(RangeRequest::key(KEY))
            .await
            .map_err(failed)?;
        let kv = answer.kvs.into_iter().next();
        let object = match &kv {
            Some(kv) => decode(&kv.value),
            None => Value::Null,
        };
        let bytes = STANDARD
            .decode(object.str_at(&["data"]))
            .unwrap_or_default();
        Ok((kv, Bits::from_bytes(&bytes)))
    }

    /// False when another write was faster.
    async fn write(&self, kv: Option<KeyValue>, bits: &Bits) -> Result<bool, Refused> {
        let object = obj!({
            "kind": "RangeAllocation",
            "apiVersion": "v1",
            "metadata": {},
            "range": (format!("{}-{}", self.first, self.last)),
            "data": (STANDARD.encode(bits.to_bytes()))
        });
        let request = TxnRequest {
            compare: vec![Compare::ModRevision {
                key: KEY.into(),
                equals: kv.map_or(0, |kv| kv.mod_revision),
            }],
            success: vec![Op::Put {
                key: KEY.into(),
                value: json::to_vec(&object).into(),
                lease: 0,
            }],
            failure: Vec::new(),
        };
        Ok(self.storage.txn(request).await.map_err(failed)?.succeeded)
    }
}

fn whole(why: Refused) -> PortError {
    PortError { port: None, why }
}

fn decode(value: &[u8]) -> Value {
    if value.starts_with(catena_protobuf::MAGIC) {
        return catena_protobuf::decode_envelope(value).unwrap_or_default();
    }
    json::parse(value).unwrap_or_default()
}

/// Bits as Go's `big.Int` writes them: big-endian bytes, bit 0 in the last.
#[derive(Clone, Debug, Default)]
struct Bits(Vec<u8>);

impl Bits {
    fn from_bytes(big_endian: &[u8]) -> Self {
        Self(big_endian.iter().rev().copied().collect())
    }

    fn to_bytes(&self) -> Vec<u8> {
        let used = self.0.iter().rposition(|b| *b != 0).map_or(0, |i| i + 1);
        self.0[..used].iter().rev().copied().collect()
    }

    fn get(&self, bit: i64) -> bool {
        let Ok(bit) = usize::try_from(bit) else {
            return false;
        };
        self.0
            .get(bit / 8)
            .is_some_and(|b| b & (1 << (bit % 8)) != 0)
    }

    fn set(&mut self, bit: i64, on: bool) {
        let Ok(bit) = usize::try_from(bit) else {
            return;
        };
        let at = bit / 8;
        if at >= self.0.len() {
            self.0.resize(at + 1, 0);
        }
        if on {
            self.0[at] |= 1 << (bit % 8);
        } else {
            self.0[at] &= !(1 << (bit % 8));
        }
    }
}
