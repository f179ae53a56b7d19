//! What holds for every implementation.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use catena_objects::{Reason, Status};
use futures_util::{StreamExt as _, stream};

use super::fixture::{World, any_port, piped};
use crate::{
    Body, ByteStream, Delegate, Description, Event, EventKind, GroupVersion, Local, Outcome,
    Request, RequestInfo, Response, testing::Fake,
};

/// Runs a case on each way to reach a delegate.
async fn everywhere<F: Future<Output = ()>>(
    fake: impl Fn() -> Fake,
    case: impl Fn(Arc<dyn Delegate>, Arc<Fake>) -> F,
) {
    let f = Arc::new(fake());
    case(Arc::new(Local::new(f.clone())), f).await;
    let f = Arc::new(fake());
    case(Arc::new(piped(f.clone())), f).await;
    let world = World::new();
    for at in [any_port(), world.socket()] {
        let f = Arc::new(fake());
        let server = world.server(f.clone(), &at).await;
        case(Arc::new(world.client(vec![server.endpoint])), f).await;
    }
}

pub(super) fn request(method: &str, verb: &str) -> Request {
    Request {
        method: method.into(),
        path: "/api/v1/pods".into(),
        info: RequestInfo {
            is_resource: true,
            verb: verb.into(),
            resource: "pods".into(),
            ..RequestInfo::default()
        },
        ..Request::default()
    }
}

pub(super) fn served(outcome: Result<Outcome, Status>) -> Response {
    match outcome {
        Ok(Outcome::Served(r)) => r,
        Ok(Outcome::NotMine) => panic!("not mine"),
        Err(e) => panic!("{e:?}"),
    }
}

pub(super) async fn bytes(body: Body) -> Result<Vec<u8>, Status> {
    let mut out = Vec::new();
    let mut parts = body.into_bytes();
    while let Some(part) = parts.next().await {
        out.extend_from_slice(&part?);
    }
    Ok(out)
}

fn streaming(parts: Vec<Result<Bytes, Status>>) -> Response {
    Response {
        body: Body::Stream(stream::iter(parts).boxed()),
        ..Response::json(200, "")
    }
}

#[tokio::test]
async fn events_arrive_with_their_revisions() {
    let event = |kind, revision| Event {
        revision,
        kind,
        frame: format!("{revision}").into(),
    };
    let parts = move || {
        vec![
            Ok(vec![
                event(EventKind::Change, 3),
                event(EventKind::InitialEnd, 4),
            ]),
            Ok(vec![event(EventKind::Bookmark, 9)]),
            Err(Status::internal("lost")),
        ]
    };
    let fake = move || {
        Fake::new(move |_| async move {
            let mut response = Response::json(200, "");
            response.body = Body::Events(stream::iter(parts()).boxed());
            Ok(Outcome::Served(response))
        })
    };
    everywhere(fake, move |d, _| async move {
        let response = served(d.serve(request("GET", "watch")).await);
        let Body::Events(events) = response.body else {
            panic!("no events");
        };
        let got: Vec<_> = events.collect().await;
        for (got, sent) in got.iter().zip(parts()) {
            match (got, sent) {
                (Ok(got), Ok(sent)) => assert_eq!(got, &sent),
                (Err(got), Err(sent)) => assert_eq!(got.message, sent.message),
                _ => panic!("{got:?}"),
            }
        }
        assert_eq!(got.len(), 3);
    })
    .await;
}

#[tokio::test]
async fn heads_and_bodies_arrive() {
    let fake = || {
        Fake::new(|r| async move {
            let mut response = Response::json(201, r.body.clone());
            response.warnings.push("careful".into());
            response.audit.push(("key".into(), "value".into()));
            response
                .headers
                .insert("x-user", r.user.name.parse().expect("a header"));
            Ok(Outcome::Served(response))
        })
    };
    everywhere(fake, |d, fake| async move {
        let mut r = request("POST", "create");
        r.user.name = "jane".into();
        r.body = Bytes::from_static(b"{}");
        let response = served(d.serve(r).await);
        assert_eq!(
            (response.status, response.warnings),
            (201, vec!["careful".to_owned()])
        );
        assert_eq!(response.audit, [("key".to_owned(), "value".to_owned())]);
        assert_eq!(response.headers["x-user"], "jane");
        assert_eq!(bytes(response.body).await.expect("a body"), b"{}");
        assert_eq!(fake.asked().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn not_mine_is_no_answer() {
    everywhere(Fake::not_mine, |d, _| async move {
        for (method, verb) in [("GET", "get"), ("GET", "list"), ("POST", "create")] {
            assert!(
                matches!(d.serve(request(method, verb)).await, Ok(Outcome::NotMine)),
                "{verb}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn failures_keep_their_status() {
    let fake = || Fake::new(|_| async { Err(Status::too_many_requests("slow down", 3)) });
    everywhere(fake, |d, _| async move {
        for (method, verb) in [("GET", "get"), ("GET", "watch"), ("POST", "create")] {
            let failure = d
                .serve(request(method, verb))
                .await
                .err()
                .expect("a failure");
            assert_eq!(failure, Status::too_many_requests("slow down", 3), "{verb}");
        }
    })
    .await;
}

#[tokio::test]
async fn large_bodies_arrive_whole() {
    const SIZE: usize = 20 << 20;
    let fake = || {
        Fake::new(|r| async move {
            let body = Bytes::from(vec![b'x'; SIZE]);
            Ok(Outcome::Served(match r.info.verb.as_str() {
                "list" => streaming(
                    body.chunks(3 << 20)
                        .map(|c| Ok(Bytes::copy_from_slice(c)))
                        .collect(),
                ),
                _ => Response::json(200, body),
            }))
        })
    };
    everywhere(fake, |d, _| async move {
        for verb in ["list", "get"] {
            let body = bytes(served(d.serve(request("GET", verb)).await).body)
                .await
                .expect("a body");
            assert!(
                body.len() == SIZE && body.iter().all(|b| *b == b'x'),
                "{verb}: {}",
                body.len()
            );
        }
    })
    .await;
}

#[tokio::test]
async fn a_stream_can_answer_what_was_expected_to_be_short() {
    let fake = || {
        Fake::new(|_| async {
            Ok(Outcome::Served(streaming(vec![
                Ok("a".into()),
                Ok("b".into()),
            ])))
        })
    };
    everywhere(fake, |d, _| async move {
        for (method, verb) in [
            ("GET", "get"),
            ("DELETE", "deletecollection"),
            ("GET", "list"),
        ] {
            let body = bytes(served(d.serve(request(method, verb)).await).body).await;
            assert_eq!(body.expect("a body"), b"ab", "{verb}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_watch_is_open_before_its_first_event_and_fails_with_a_status() {
    let fake = || {
        Fake::new(|_| async {
            let (tx, rx) = tokio::sync::mpsc::channel(4);
            tokio::spawn(async move {
                tokio::task::yield_now().await;
                let _ = tx.send(Ok(Bytes::from_static(b"event"))).await;
                let _ = tx.send(Err(Status::expired("too old"))).await;
            });
            let body = tokio_stream::wrappers::ReceiverStream::new(rx).boxed();
            Ok(Outcome::Served(Response {
                body: Body::Stream(body),
                ..Response::json(200, "")
            }))
        })
    };
    everywhere(fake, |d, _| async move {
        let response = served(d.serve(request("GET", "watch")).await);
        let Body::Stream(mut body) = response.body else {
            panic!("a watch is a stream")
        };
        assert_eq!(
            body.next().await.expect("an item").expect("an event"),
            "event"
        );
        assert_eq!(
            body.next()
                .await
                .expect("an item")
                .expect_err("a failure")
                .reason,
            Reason::Expired
        );
        assert!(body.next().await.is_none());
    })
    .await;
}

#[tokio::test]
async fn an_upgrade_is_bytes_in_both_directions() {
    let fake = || {
        Fake::not_mine().with_upgrade(|_, input: ByteStream| async move {
            let echo = input.map(|part| part.map(|b| Bytes::from([b"<", &b[..], b">"].concat())));
            Ok(Outcome::Served(Response {
                body: Body::Stream(echo.boxed()),
                ..Response::new(101, "", "")
            }))
        })
    };
    everywhere(fake, |d, _| async move {
        let (tx, rx) = tokio::sync::mpsc::channel(1);
        let input = tokio_stream::wrappers::ReceiverStream::new(rx).boxed();
        let response = served(d.upgrade(request("POST", "create"), input).await);
        assert_eq!(response.status, 101);
        let Body::Stream(mut body) = response.body else {
            panic!("an upgrade is a stream")
        };
        for text in ["one", "two"] {
            tx.send(Ok(Bytes::from(text))).await.expect("taken");
            assert_eq!(
                body.next().await.expect("an item").expect("bytes"),
                format!("<{text}>")
            );
        }
        drop(tx);
        assert!(body.next().await.is_none());
    })
    .await;
}

#[tokio::test]
async fn a_deadline_ends_in_504() {
    let fake = || Fake::new(|_| std::future::pending());
    everywhere(fake, |d, _| async move {
        let deadline = Some(Instant::now() + Duration::from_millis(20));
        let failure = d
            .serve(Request {
                deadline,
                ..request("GET", "get")
            })
            .await
            .err()
            .expect("a failure");
        assert_eq!((failure.code, failure.reason), (504, Reason::Timeout));
    })
    .await;
}

#[tokio::test]
async fn descriptions_follow_changes() {
    let described = |name: &str| Description {
        name: name.into(),
        prefixes: vec!["/api".into()],
        groups: vec![GroupVersion {
            version: "v1".into(),
            resources: "{}".into(),
            version_priority: -1,
            ..GroupVersion::default()
        }],
        checks: vec![("etcd".into(), "down".into())],
        ready: true,
        ..Description::default()
    };
    everywhere(
        || Fake::not_mine().with_description(described("one")),
        |d, fake| async move {
            let mut items = d.describe();
            assert_eq!(
                items.next().await.expect("an item").expect("described"),
                described("one")
            );
            fake.describe_as(described("two"));
            assert_eq!(
                items.next().await.expect("an item").expect("described"),
                described("two")
            );
        },
    )
    .await;
}
