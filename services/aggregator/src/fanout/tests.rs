//! Clients of shared watches, with a delegate that says what it is told to.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use catena_delegate::{
    Body, Delegate as _, Event, EventKind, EventStream, Outcome, Request, RequestInfo, Response,
    testing::Fake,
};
use catena_objects::Status;
use futures_util::StreamExt as _;
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;

use super::Fanout;

type Line = mpsc::UnboundedSender<Result<Vec<Event>, Status>>;

/// The watches that the delegate serves.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<(String, Line)>>>);

impl Lines {
    fn fanout(&self) -> Fanout {
        let lines = self.clone();
        let fake = Fake::new(move |request| {
            let (line, events) = mpsc::unbounded_channel();
            lines.0.lock().push((request.query, line));
            let mut answer = Response::json(200, "");
            answer.body = Body::Events(UnboundedReceiverStream::new(events).boxed());
            std::future::ready(Ok(Outcome::Served(answer)))
        });
        Fanout::new("core", Arc::new(fake))
    }

    /// Sends on the newest watch.
    fn send(&self, kind: EventKind, revisions: impl IntoIterator<Item = i64>) {
        let lines = self.0.lock();
        let (_, line) = lines.last().expect("a watch");
        for revision in revisions {
            line.send(Ok(vec![event(kind, revision)]))
                .expect("a reader");
        }
    }

    fn queries(&self) -> Vec<String> {
        self.0
            .lock()
            .iter()
            .map(|(query, _)| query.clone())
            .collect()
    }

    /// The newest watch breaks off.
    fn cut(&self) {
        let lines = self.0.lock();
        let (_, line) = lines.last().expect("a watch");
        let _ = line.send(Err(Status::internal("gone")));
    }

    fn listened(&self) -> usize {
        self.0.lock().iter().filter(|(_, l)| !l.is_closed()).count()
    }
}

fn event(kind: EventKind, revision: i64) -> Event {
    Event {
        revision,
        kind,
        frame: Bytes::from(format!("{kind:?}{revision}\n")),
    }
}

async fn watch(fanout: &Fanout, query: &str) -> EventStream {
    let request = Request {
        method: "GET".into(),
        path: "/api/v1/pods".into(),
        query: format!("watch=true&{query}"),
        info: RequestInfo {
            is_resource: true,
            verb: "watch".into(),
            resource: "pods".into(),
            ..RequestInfo::default()
        },
        ..Request::default()
    };
    match fanout.serve(request).await {
        Ok(Outcome::Served(Response {
            body: Body::Events(events),
            ..
        })) => events,
        _ => panic!("no events"),
    }
}

/// So many events, with their revisions.
async fn take(events: &mut EventStream, n: usize) -> Vec<i64> {
    let mut out = Vec::new();
    while out.len() < n {
        let part = events.next().await.expect("more events").expect("events");
        out.extend(part.iter().map(|e| e.revision));
    }
    assert_eq!(out.len(), n, "{out:?}");
    out
}

#[tokio::test]
async fn the_same_question_is_asked_once() {
    let lines = Lines::default();
    let fanout = lines.fanout();
    let mut clients = Vec::new();
    for _ in 0..10 {
        clients.push(watch(&fanout, "resourceVersion=5&timeoutSeconds=300").await);
    }
    let mut other = watch(&fanout, "resourceVersion=5&labelSelector=a").await;
    assert_eq!(lines.queries().len(), 2);
    assert!(lines.queries()[1].contains("labelSelector=a"));
    lines.send(EventKind::Change, [7]);
    assert_eq!(take(&mut other, 1).await, [7]);
    drop(other);
    lines.0.lock().pop();
    lines.send(EventKind::Change, 6..20);
    for client in &mut clients {
        assert_eq!(take(client, 14).await, (6..20).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn clients_begin_where_they_are() {
    let lines = Lines::default();
    let fanout = lines.fanout();
    let mut first = watch(&fanout, "resourceVersion=5").await;
    lines.send(EventKind::Change, 6..10);
    assert_eq!(take(&mut first, 4).await, [6, 7, 8, 9]);
    let mut second = watch(&fanout, "resourceVersion=8").await;
    let mut ahead = watch(&fanout, "resourceVersion=11").await;
    assert_eq!(take(&mut second, 1).await, [9]);
    lines.send(EventKind::Change, 10..13);
    assert_eq!(take(&mut ahead, 1).await, [12]);
    assert_eq!(take(&mut second, 3).await, [10, 11, 12]);
    assert_eq!(lines.queries().len(), 1);
    let _older = watch(&fanout, "resourceVersion=3").await;
    assert_eq!(lines.queries().len(), 2);
}

#[tokio::test]
async fn the_state_is_ones_own_and_the_rest_is_shared() {
    let lines = Lines::default();
    let fanout = lines.fanout();
    let mut one = watch(&fanout, "resourceVersion=5&allowWatchBookmarks=true").await;
    let query = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan";
    let mut two = watch(&fanout, query).await;
    assert!(lines.queries()[1].contains("sendInitialEvents=true"));
    lines.send(EventKind::Change, [2, 4]);
    lines.send(EventKind::InitialEnd, [8]);
    // Who did not ask for bookmarks gets none.
    assert_eq!(take(&mut two, 2).await, [2, 4]);
    let before = lines.0.lock().remove(0);
    let waits = tokio::spawn(async move { take(&mut two, 2).await });
    while lines.listened() > 0 {
        tokio::task::yield_now().await;
    }
    for revision in 7..11 {
        let event = vec![event(EventKind::Change, revision)];
        before.1.send(Ok(event)).expect("a reader");
    }
    assert_eq!(waits.await.expect("two"), [9, 10]);
    assert_eq!(take(&mut one, 4).await, [7, 8, 9, 10]);
}

#[tokio::test(start_paused = true)]
async fn a_lost_delegate_is_asked_to_go_on() {
    let lines = Lines::default();
    let fanout = lines.fanout();
    let mut client = watch(&fanout, "resourceVersion=5").await;
    lines.send(EventKind::Change, [6]);
    assert_eq!(take(&mut client, 1).await, [6]);
    lines.send(EventKind::Bookmark, [9]);
    lines.cut();
    while lines.queries().len() < 2 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(lines.queries()[1].contains("resourceVersion=9"));
    lines.send(EventKind::Change, [10]);
    assert_eq!(take(&mut client, 1).await, [10]);
}

#[tokio::test(start_paused = true)]
async fn a_watch_ends_for_those_whose_time_is_over() {
    let lines = Lines::default();
    let fanout = lines.fanout();
    let mut short = watch(&fanout, "resourceVersion=5&timeoutSeconds=1").await;
    let mut long = watch(&fanout, "resourceVersion=5&timeoutSeconds=100").await;
    assert!(short.next().await.is_none());
    lines.send(EventKind::Change, [6]);
    assert_eq!(take(&mut long, 1).await, [6]);
    drop((short, long));
    while lines.listened() > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn who_is_too_slow_is_let_go() {
    let lines = Lines::default();
    let fanout = lines.fanout();
    let mut fast = watch(&fanout, "resourceVersion=1").await;
    let mut slow = watch(&fanout, "resourceVersion=1").await;
    for revision in 2..10_000 {
        lines.send(EventKind::Change, [revision]);
        assert_eq!(take(&mut fast, 1).await, [revision]);
    }
    assert!(slow.next().await.is_none());
}

#[tokio::test]
async fn an_error_is_the_last_event_for_all() {
    let lines = Lines::default();
    let fanout = lines.fanout();
    let mut clients = [
        watch(&fanout, "resourceVersion=1").await,
        watch(&fanout, "resourceVersion=1").await,
    ];
    lines.send(EventKind::Error, [1]);
    for client in &mut clients {
        assert_eq!(take(client, 1).await, [1]);
        assert!(client.next().await.is_none());
    }
    // The next one asks anew.
    let _again = watch(&fanout, "resourceVersion=1").await;
    assert_eq!(lines.queries().len(), 2);
}

#[tokio::test]
async fn what_is_not_shared_goes_through() {
    let lines = Lines::default();
    let fanout = lines.fanout();
    for query in [
        "resourceVersion=x",
        "timeoutSeconds=-1",
        "resourceVersion=1&resourceVersionMatch=Exact",
        "sendInitialEvents=false",
    ] {
        let _direct = watch(&fanout, query).await;
        let asked = lines.queries().pop();
        assert_eq!(asked, Some(format!("watch=true&{query}")));
    }
}

#[tokio::test(start_paused = true)]
async fn many_clients_are_told_in_rounds() {
    let lines = Lines::default();
    let fanout = lines.fanout();
    let heard: Arc<Mutex<Vec<Vec<Vec<i64>>>>> = Arc::new(Mutex::new(vec![Vec::new(); 300]));
    for client in 0..300 {
        let mut events = watch(&fanout, "resourceVersion=5&timeoutSeconds=300").await;
        let heard = heard.clone();
        tokio::spawn(async move {
            while let Some(Ok(part)) = events.next().await {
                let revisions = part.iter().map(|e| e.revision).collect();
                heard.lock()[client].push(revisions);
            }
        });
    }
    let a_moment = || tokio::time::sleep(Duration::from_millis(1));
    lines.send(EventKind::Change, [6]);
    a_moment().await;
    assert_eq!(heard.lock()[299], [[6]], "the first is told at once");
    for revision in 7..10 {
        lines.send(EventKind::Change, [revision]);
        tokio::task::yield_now().await;
    }
    tokio::time::sleep(Duration::from_millis(20)).await;
    // Nothing is kept back when the delegate is lost.
    lines.send(EventKind::Change, [10, 11]);
    lines.cut();
    a_moment().await;
    for heard in &*heard.lock() {
        assert_eq!(*heard, [vec![6], vec![7, 8, 9], vec![10, 11]]);
    }
}
