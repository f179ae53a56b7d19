//! What every implementation of the contract must do; the same checks run
//! against the store in memory, our engine, our server and etcd.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::StreamExt as _;

use crate::{
    Compare, Error, Event, EventKind, KeyValue, Op, OpResponse, RangeRequest, Storage, TxnRequest,
    Watch, WatchMessage, WatchRequest, prefix_end,
};

/// More than any server takes in one request.
const TOO_LARGE: usize = 4 << 20;
/// Questions for progress before it counts as missing.
const ASKED: usize = 100;

/// Checks an implementation, with keys below `prefix`. Compacts.
///
/// # Panics
/// Where the contract is broken.
pub async fn contract(storage: Arc<dyn Storage>, prefix: &str) {
    let world = World { storage, prefix };
    world.writes_and_reads().await;
    world.compares().await;
    world.one_revision_for_a_transaction().await;
    world.ranges().await;
    world.reads_of_the_past().await;
    world.watch_from_now().await;
    world.watch_from_the_past().await;
    world.progress_follows_events().await;
    world.limits().await;
    world.compaction().await;
}

struct World<'a> {
    storage: Arc<dyn Storage>,
    prefix: &'a str,
}

fn put(key: &str, value: &str) -> Op {
    Op::Put {
        key: Bytes::copy_from_slice(key.as_bytes()),
        value: Bytes::copy_from_slice(value.as_bytes()),
        lease: 0,
    }
}

fn delete(key: &str) -> Op {
    let key = Bytes::copy_from_slice(key.as_bytes());
    Op::Delete { key }
}

fn values(kvs: &[KeyValue]) -> Vec<&[u8]> {
    kvs.iter().map(|kv| kv.value.as_ref()).collect()
}

impl World<'_> {
    fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    async fn write(&self, ops: Vec<Op>) -> (i64, Vec<OpResponse>) {
        let request = TxnRequest {
            success: ops,
            ..TxnRequest::default()
        };
        let answer = self.storage.txn(request).await.expect("a write");
        assert!(answer.succeeded, "no compare holds always");
        (answer.revision, answer.responses)
    }

    async fn get(&self, key: &str) -> Option<KeyValue> {
        let request = RangeRequest::key(key.to_owned());
        let answer = self.storage.range(request).await.expect("a read");
        answer.kvs.into_iter().next()
    }

    async fn writes_and_reads(&self) {
        let key = self.key("simple/a");
        assert_eq!(self.get(&key).await, None);
        let (first, _) = self.write(vec![put(&key, "1")]).await;
        let (second, _) = self.write(vec![put(&key, "2")]).await;
        assert_eq!(second, first + 1, "each write is a revision");
        let kv = self.get(&key).await.expect("was written");
        assert_eq!((kv.create_revision, kv.mod_revision), (first, second));
        assert_eq!((kv.version, kv.value.as_ref()), (2, b"2".as_ref()));
        let (gone, answers) = self.write(vec![delete(&key)]).await;
        assert_eq!(gone, second + 1);
        assert_eq!(answers, [OpResponse::Delete(Some(kv))]);
        assert_eq!(self.get(&key).await, None);
        let (revision, answers) = self.write(vec![delete(&key)]).await;
        assert_eq!(answers, [OpResponse::Delete(None)]);
        assert_eq!(revision, gone, "nothing changed");
        let status = self.storage.status().await.expect("a status");
        assert_eq!(status.revision, gone);
    }

    async fn compares(&self) {
        let key = self.key("compare/a");
        let request = |equals: i64, value: &str| TxnRequest {
            compare: vec![Compare::ModRevision {
                key: key.clone().into(),
                equals,
            }],
            success: vec![put(&key, value)],
            failure: vec![Op::Get {
                key: key.clone().into(),
            }],
        };
        let made = self.storage.txn(request(0, "1")).await.expect("a txn");
        assert!(made.succeeded, "the key is absent");
        let again = self.storage.txn(request(0, "2")).await.expect("a txn");
        assert!(!again.succeeded);
        assert_eq!(again.revision, made.revision, "a read is no revision");
        let [OpResponse::Get(Some(kv))] = &again.responses[..] else {
            panic!("not the object that is there: {:?}", again.responses);
        };
        assert_eq!(kv.mod_revision, made.revision);
        let right = request(made.revision, "3");
        assert!(self.storage.txn(right).await.expect("a txn").succeeded);
        let stale = request(made.revision, "4");
        assert!(!self.storage.txn(stale).await.expect("a txn").succeeded);
        let kv = self.get(&key).await.expect("is there");
        assert_eq!(kv.value.as_ref(), b"3");
    }

    async fn one_revision_for_a_transaction(&self) {
        let (a, b) = (self.key("txn/a"), self.key("txn/b"));
        let (revision, _) = self.write(vec![put(&a, "1"), put(&b, "1")]).await;
        for key in [&a, &b] {
            let kv = self.get(key).await.expect("was written");
            assert_eq!(kv.mod_revision, revision);
        }
    }

    async fn ranges(&self) {
        let prefix = self.key("range/");
        for name in ["c", "a", "b", "d"] {
            let key = format!("{prefix}{name}");
            self.write(vec![put(&key, name)]).await;
        }
        self.write(vec![put(&self.key("range0"), "outside")]).await;
        let all = RangeRequest::prefix(&prefix);
        let answer = self.storage.range(all.clone()).await.expect("a range");
        assert_eq!(values(&answer.kvs), [b"a", b"b", b"c", b"d"]);
        assert_eq!((answer.count, answer.more), (4, false));
        let some = RangeRequest {
            limit: 3,
            key: format!("{prefix}b").into(),
            ..all.clone()
        };
        let answer = self.storage.range(some.clone()).await.expect("a range");
        assert_eq!(values(&answer.kvs), [b"b", b"c", b"d"]);
        assert!(!answer.more);
        let two = RangeRequest { limit: 2, ..some };
        let answer = self.storage.range(two).await.expect("a range");
        assert_eq!(values(&answer.kvs), [b"b", b"c"]);
        assert_eq!((answer.count, answer.more), (3, true));
        let keys = RangeRequest {
            keys_only: true,
            ..all.clone()
        };
        let answer = self.storage.range(keys).await.expect("a range");
        assert!(answer.kvs.iter().all(|kv| kv.value.is_empty()));
        assert_eq!(answer.kvs.len(), 4);
        let count = RangeRequest {
            count_only: true,
            ..all
        };
        let answer = self.storage.range(count).await.expect("a range");
        assert_eq!((answer.kvs.len(), answer.count), (0, 4));
    }

    async fn reads_of_the_past(&self) {
        let key = self.key("past/a");
        let (first, _) = self.write(vec![put(&key, "1")]).await;
        self.write(vec![put(&key, "2")]).await;
        let (last, _) = self.write(vec![delete(&key)]).await;
        let at = |revision| RangeRequest {
            revision,
            ..RangeRequest::key(key.clone())
        };
        let old = self.storage.range(at(first)).await.expect("a read");
        assert_eq!(values(&old.kvs), [b"1"]);
        assert_eq!(old.revision, last, "the answer tells the newest revision");
        let old = self.storage.range(at(first + 1)).await.expect("a read");
        assert_eq!(values(&old.kvs), [b"2"]);
        let future = self.storage.range(at(last + 1)).await;
        assert_eq!(future, Err(Error::FutureRevision));
    }

    async fn watch(&self, prefix: &str, start_revision: i64) -> Watch {
        let request = WatchRequest {
            key: Bytes::copy_from_slice(prefix.as_bytes()),
            end: prefix_end(prefix.as_bytes()),
            start_revision,
            prev_kv: true,
            progress_notify: true,
        };
        let mut watch = self.storage.watch(request).await.expect("a watch");
        let first = next(&mut watch).await;
        assert!(
            matches!(first, Ok(WatchMessage::Created { .. })),
            "{first:?}"
        );
        watch
    }

    async fn watch_from_now(&self) {
        let prefix = self.key("watch/");
        let (a, b) = (format!("{prefix}a"), format!("{prefix}b"));
        self.write(vec![put(&a, "before")]).await;
        let mut watch = self.watch(&prefix, 0).await;
        self.write(vec![put(&self.key("elsewhere"), "x")]).await;
        let (one, _) = self.write(vec![put(&a, "1"), put(&b, "1")]).await;
        let (two, _) = self.write(vec![delete(&b)]).await;
        let events = next_events(&mut watch).await;
        let (events, more) = events.split_at(2.min(events.len()));
        let revisions: Vec<i64> = events.iter().map(|e| e.kv.mod_revision).collect();
        assert_eq!(revisions, [one, one], "a whole revision");
        let before = events[0].prev.as_ref().expect("was there before");
        assert_eq!(before.value.as_ref(), b"before");
        assert_eq!(events[0].kv.value.as_ref(), b"1");
        assert_eq!(events[1].prev, None);
        let mut events = more.to_vec();
        if events.is_empty() {
            events = next_events(&mut watch).await;
        }
        assert_eq!(events.len(), 1);
        assert_eq!(events[0].kind, EventKind::Delete);
        assert_eq!(events[0].kv.key.as_ref(), b.as_bytes());
        assert_eq!(events[0].kv.mod_revision, two);
        let gone = events[0].prev.as_ref().expect("was there before");
        assert_eq!(gone.value.as_ref(), b"1");
    }

    async fn watch_from_the_past(&self) {
        let prefix = self.key("replay/");
        let mut written = Vec::new();
        for i in 0..50 {
            let key = format!("{prefix}{}", i % 7);
            written.push(self.write(vec![put(&key, &i.to_string())]).await.0);
        }
        let mut watch = self.watch(&prefix, written[10]).await;
        let mut seen = Vec::new();
        while seen.len() < written.len() - 10 {
            let events = next_events(&mut watch).await;
            seen.extend(events.iter().map(|e| e.kv.mod_revision));
        }
        assert_eq!(seen, written[10..]);
        let (live, _) = self.write(vec![put(&format!("{prefix}x"), "x")]).await;
        let events = next_events(&mut watch).await;
        assert_eq!(events[0].kv.mod_revision, live);
    }

    async fn progress_follows_events(&self) {
        let prefix = self.key("progress/");
        let mut watch = self.watch(&prefix, 0).await;
        let key = format!("{prefix}a");
        let (mine, _) = self.write(vec![put(&key, "1")]).await;
        let (last, _) = self.write(vec![put(&self.key("elsewhere"), "y")]).await;
        if !watch.progress.supported() {
            return;
        }
        let mut seen = 0;
        for _ in 0..ASKED {
            watch.progress.request();
            match tokio::time::timeout(Duration::from_secs(1), next(&mut watch)).await {
                Ok(Ok(WatchMessage::Events { revision, events })) => {
                    seen = events.last().expect("an event").kv.mod_revision;
                    assert!(revision >= seen, "{revision} < {seen}");
                }
                Ok(Ok(WatchMessage::Progress { revision })) => {
                    assert!(
                        revision < mine || seen == mine,
                        "progress overtook an event"
                    );
                    if revision >= last {
                        return;
                    }
                }
                Ok(other) => panic!("no progress but {other:?}"),
                Err(_) => {}
            }
        }
        panic!("no progress to revision {last}");
    }

    async fn limits(&self) {
        let large = "x".repeat(TOO_LARGE);
        let request = TxnRequest {
            success: vec![put(&self.key("large"), &large)],
            ..TxnRequest::default()
        };
        assert_eq!(self.storage.txn(request).await, Err(Error::TooLarge));
        assert!(self.storage.lease_grant(60).await.expect("a lease") > 0);
    }

    async fn compaction(&self) {
        let key = self.key("compact/a");
        let (first, _) = self.write(vec![put(&key, "1")]).await;
        self.write(vec![put(&key, "2")]).await;
        let (last, _) = self.write(vec![put(&key, "3")]).await;
        self.storage.compact(last).await.expect("compacts");
        let old = RangeRequest {
            revision: first,
            ..RangeRequest::key(key.clone())
        };
        let old = self.storage.range(old).await;
        assert!(matches!(old, Err(Error::Compacted { .. })), "{old:?}");
        let again = self.storage.compact(first).await;
        assert!(matches!(again, Err(Error::Compacted { .. })), "{again:?}");
        let now = self.get(&key).await.expect("is kept");
        assert_eq!(now.value.as_ref(), b"3");
        let request = WatchRequest {
            key: key.clone().into(),
            start_revision: first,
            ..WatchRequest::default()
        };
        let mut watch = self.storage.watch(request).await.expect("a watch");
        loop {
            match next(&mut watch).await {
                Ok(WatchMessage::Created { .. }) => {}
                Err(Error::Compacted { oldest }) => {
                    assert!(oldest > first, "oldest {oldest}");
                    return;
                }
                other => panic!("a watch of compacted history gave {other:?}"),
            }
        }
    }
}

async fn next(watch: &mut Watch) -> crate::Result<WatchMessage> {
    watch.messages.next().await.expect("the watch goes on")
}

async fn next_events(watch: &mut Watch) -> Vec<Event> {
    loop {
        match next(watch).await.expect("a message") {
            WatchMessage::Events { events, .. } => return events,
            WatchMessage::Progress { .. } | WatchMessage::Created { .. } => {}
        }
    }
}
