//! Peers, replicas and drain.

use std::{sync::Arc, time::Duration};

use catena_runtime::net::{Endpoint, Listener};
use futures_util::{StreamExt as _, stream};

use super::{
    contract::{bytes, request, served},
    fixture::{World, any_port},
};
use crate::{
    Body, Delegate, Outcome, Response,
    grpc::client::{Endpoints, GrpcDelegate, Settings},
    testing::Fake,
};

/// Waits on a condition, never on time.
async fn until(condition: impl Fn() -> bool) {
    while !condition() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

async fn name_of(client: &GrpcDelegate) -> Vec<u8> {
    bytes(served(client.serve(request("GET", "get")).await).body)
        .await
        .expect("a body")
}

#[tokio::test]
async fn a_peer_that_is_no_front_is_refused() {
    let world = World::new();
    let server = world
        .server(Fake::answering(200, "{}").shared(), &any_port())
        .await;
    let settings = Settings::new("core", Endpoints::new(vec![server.endpoint]));
    let client = GrpcDelegate::new(settings, world.dialer("controllers"));
    let failure = client
        .serve(request("GET", "get"))
        .await
        .err()
        .expect("refused");
    assert_eq!(failure.code, 500);
    assert!(
        failure
            .message
            .contains("\"system:catena:controllers\" is not among the fronts"),
        "{failure}"
    );
}

#[tokio::test]
async fn nobody_there_is_503_with_retry_after() {
    let world = World::new();
    let gone = Listener::bind(&any_port())
        .await
        .expect("bound")
        .local()
        .expect("an address");
    let client = world.client(vec![gone]);
    for verb in ["get", "list", "watch"] {
        let failure = client
            .serve(request("GET", verb))
            .await
            .err()
            .expect("unreachable");
        assert_eq!(
            (failure.code, failure.retry_after_seconds()),
            (503, 1),
            "{verb}"
        );
    }
    assert!(!client.reachable());
}

#[tokio::test]
async fn replicas_share_calls_and_a_dead_one_is_left_out() {
    let world = World::new();
    let a = world
        .server(Fake::answering(200, "a").shared(), &any_port())
        .await;
    let b = world
        .server(Fake::answering(200, "b").shared(), &any_port())
        .await;
    let client = world.client(vec![a.endpoint.clone(), b.endpoint.clone()]);
    until(|| client.stats().connected == 2).await;
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..8 {
        seen.insert(name_of(&client).await);
    }
    assert_eq!(seen.len(), 2);

    a.drain.cancel();
    a.task.await.expect("no panic").expect("drained");
    for _ in 0..20 {
        assert_eq!(name_of(&client).await, b"b");
    }
    // Another process takes the address over.
    let _again = world
        .server(Fake::answering(200, "a").shared(), &a.endpoint)
        .await;
    until(|| client.stats().connected == 2).await;
}

#[tokio::test]
async fn reads_move_to_another_replica_when_their_server_dies_and_writes_do_not() {
    let world = World::new();
    let stuck = Arc::new(Fake::new(|_| std::future::pending()));
    // A runtime of its own: with it the connections of the server die too.
    let process = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    let a = {
        let _inside = process.enter();
        world.server(stuck.clone(), &any_port()).await
    };
    let client = world.client(vec![a.endpoint.clone()]);
    let read = tokio::spawn({
        let client = client.clone();
        async move { client.serve(request("GET", "get")).await }
    });
    let write = tokio::spawn({
        let client = client.clone();
        async move { client.serve(request("POST", "create")).await }
    });
    until(|| stuck.asked().len() == 2).await;
    process.shutdown_background();
    let failure = write.await.expect("no panic").err().expect("lost");
    assert_eq!((failure.code, failure.retry_after_seconds()), (503, 1));
    // The read waits for a connection as long as a new one is being made.
    let _ = read.await.expect("no panic");
}

#[tokio::test]
async fn a_drain_ends_watches_and_finishes_short_requests() {
    let world = World::new();
    let (release, gate) = tokio::sync::watch::channel(false);
    let fake = Arc::new(Fake::new(move |r| {
        let mut gate = gate.clone();
        async move {
            if r.info.verb == "watch" {
                let body = stream::pending().boxed();
                return Ok(Outcome::Served(Response {
                    body: Body::Stream(body),
                    ..Response::json(200, "")
                }));
            }
            gate.wait_for(|open| *open).await.expect("released");
            Ok(Outcome::Served(Response::json(200, "done")))
        }
    }));
    let server = world.server(fake.clone(), &any_port()).await;
    let client = world.client(vec![server.endpoint]);
    let Body::Stream(mut watch) = served(client.serve(request("GET", "watch")).await).body else {
        panic!("a watch is a stream")
    };
    let short = tokio::spawn({
        let client = client.clone();
        async move { served(client.serve(request("POST", "create")).await) }
    });
    until(|| fake.asked().len() == 2).await;
    server.drain.cancel();
    assert!(watch.next().await.is_none());
    release.send_replace(true);
    assert_eq!(
        bytes(short.await.expect("no panic").body)
            .await
            .expect("a body"),
        b"done"
    );
    server.task.await.expect("no panic").expect("drained");
}

#[tokio::test]
async fn what_was_described_stays_when_the_delegate_is_gone() {
    let world = World::new();
    let description = crate::Description {
        name: "core".into(),
        ..Default::default()
    };
    let server = world
        .server(
            Fake::not_mine().with_description(description).shared(),
            &any_port(),
        )
        .await;
    let client = world.client(vec![server.endpoint]);
    let mut known = client.description();
    known.wait_for(Option::is_some).await.expect("described");
    server.drain.cancel();
    server.task.await.expect("no panic").expect("drained");
    until(|| !client.reachable()).await;
    assert_eq!(
        known.borrow().as_ref().map(|d| d.name.clone()).as_deref(),
        Some("core")
    );
}

#[test]
fn endpoints_are_lists_of_hosts_and_sockets() {
    assert!("".parse::<Endpoints>().is_err());
    assert!("core".parse::<Endpoints>().is_err());
    let list = "core:9443, [::1]:1,unix:///run/core.sock,/run/x"
        .parse::<Endpoints>()
        .expect("a list");
    let expected = vec![
        Endpoint::Host("core".into(), 9443),
        Endpoint::Host("::1".into(), 1),
        Endpoint::Unix("/run/core.sock".into()),
        Endpoint::Unix("/run/x".into()),
    ];
    assert_eq!(list, Endpoints::new(expected));
}
