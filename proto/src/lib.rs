//! The contracts between processes, generated from the `.proto` files beside `src`.
//!
//! The code in `gen` is committed, so that building needs no protoc
//! (`tests/generated` compares it with the files).

/// How a server of the chain asks the next one.
pub mod delegate {
    #[allow(unreachable_pub, clippy::all, clippy::pedantic)]
    #[rustfmt::skip]
    pub mod v1 {
        include!("gen/catena.delegate.v1.rs");
    }
}

/// How connections to nodes are asked for.
pub mod tunnel {
    #[allow(unreachable_pub, clippy::all, clippy::pedantic)]
    #[rustfmt::skip]
    pub mod v1 {
        include!("gen/catena.tunnel.v1.rs");
    }
}

/// The etcd v3 API.
#[allow(unreachable_pub, clippy::all, clippy::pedantic, rustdoc::all)]
#[rustfmt::skip]
pub mod etcdserverpb {
    include!("gen/etcdserverpb.rs");
}

/// Keys and events of the etcd v3 API.
#[allow(unreachable_pub, clippy::all, clippy::pedantic)]
#[rustfmt::skip]
pub mod mvccpb {
    include!("gen/mvccpb.rs");
}
