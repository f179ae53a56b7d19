//! The contracts between processes, generated from the `.proto` files beside `src`.
//!
//! The code in `gen` is committed, so that building needs no protoc.

/// How a server of the chain asks the next one.
pub mod delegate {
    #[allow(unreachable_pub, clippy::all)]
    pub mod v1 {
        include!("gen/catena.delegate.v1.rs");
    }
}
