//! One suite of the contract, run on every implementation, and what only the
//! transport has: peers, replicas, drain.

mod contract;
mod fixture;
mod transport;
