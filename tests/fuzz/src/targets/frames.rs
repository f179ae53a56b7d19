//! Frames on the way between clients and kubelets: a first byte tells who sent
//! the rest, a client on its WebSocket or a kubelet on its SPDY connection.

use catena_core::testing::{from_client, from_kubelet};
use tokio::runtime::Runtime;

thread_local! {
    static RUNTIME: Runtime = super::requests::runtime();
}

pub(crate) fn frames(data: &[u8]) {
    let Some((first, rest)) = data.split_first() else {
        return;
    };
    let bytes = rest.to_vec().into();
    RUNTIME.with(|runtime| {
        if first % 2 == 0 {
            let sent: usize = runtime
                .block_on(from_client(bytes))
                .iter()
                .map(|f| f.len())
                .sum();
            // A frame has a head of 8 bytes; the shortest message has 6 of its own.
            assert!(sent <= rest.len() * 2, "{sent}");
        } else {
            let _ = runtime.block_on(from_kubelet(bytes));
        }
    });
}
