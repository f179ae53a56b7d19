use std::{collections::BTreeMap, sync::Arc, time::Duration};

use catena_storage::{RangeRequest, Storage, testing::Memory};
use proptest::prelude::*;

use crate::{Cache, Error, Options, Snapshot, Watcher};

const PREFIX: &str = "/registry/things/";

type Seen = (i64, String, Option<String>, Option<String>);
type Objects = BTreeMap<String, (i64, String)>;

fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(test)
}

fn small() -> Options {
    Options {
        history: 8,
        states: 5,
        page: 3,
        ..Options::default()
    }
}

fn cache(storage: &Arc<Memory>, options: Options) -> Arc<Cache<()>> {
    let storage: Arc<dyn Storage> = storage.clone();
    Arc::new(Cache::new(storage, PREFIX, options))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn of_snapshot(snapshot: &Snapshot<()>) -> Objects {
    let end = catena_storage::prefix_end(PREFIX.as_bytes());
    let objects: Objects = snapshot
        .range(PREFIX.as_bytes(), &end)
        .map(|e| (text(e.key()), (e.mod_revision, text(e.value()))))
        .collect();
    assert_eq!(objects.len(), snapshot.len());
    assert_eq!(snapshot.count(PREFIX.as_bytes(), &end), snapshot.len());
    objects
}

async fn of_storage(storage: &Memory, revision: i64) -> Objects {
    let request = RangeRequest {
        revision,
        ..RangeRequest::prefix(PREFIX)
    };
    let answer = storage.range(request).await.expect("a read");
    let kvs = answer.kvs.iter();
    kvs.map(|kv| (text(&kv.key), (kv.mod_revision, text(&kv.value))))
        .collect()
}

fn key(i: u8) -> String {
    format!("{PREFIX}{i:03}")
}

/// Changes until `revision`, as (revision, key, value before, value now).
async fn changes(watcher: &mut Watcher<()>, revision: i64) -> Result<Vec<Seen>, Error> {
    let mut out: Vec<Seen> = Vec::new();
    while out.last().is_none_or(|(r, ..)| *r < revision) {
        for batch in watcher.next().await? {
            for c in &batch.changes {
                assert_eq!(c.revision, batch.revision);
                let value = |e: &Option<Arc<crate::Entry<()>>>| e.as_ref().map(|e| text(e.value()));
                out.push((c.revision, text(c.key()), value(&c.before), value(&c.now)));
            }
        }
    }
    Ok(out)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn same_as_storage(
        before in prop::collection::vec((0u8..40, any::<bool>()), 0..60),
        steps in prop::collection::vec((0u8..60, 0u8..12), 1..120),
    ) {
        run(async {
            let storage = Arc::new(Memory::default());
            for (k, put) in before {
                if put { storage.put(&key(k), "start"); } else { storage.delete(&key(k)); }
            }
            let cache = cache(&storage, small());
            let first = cache.snapshot().await.expect("fills");
            assert_eq!(of_snapshot(&first), of_storage(&storage, 0).await);
            let mut watcher = cache.watch(first.revision).await.expect("a watcher");
            let mut mirror = of_snapshot(&first);
            let mut last = first.revision;
            for (k, what) in steps {
                match what {
                    0..5 => {
                        storage.put(&key(k), format!("{k}-{what}"));
                    }
                    5..8 => {
                        storage.delete(&key(k));
                    }
                    8 => {
                        storage.put("/registry/others/a", "x");
                    }
                    9 => storage.break_watches(),
                    _ => {
                        // A broken watch may be reported; the next one succeeds.
                        let now = loop {
                            match cache.snapshot_consistent().await {
                                Ok(now) => break now,
                                Err(Error::Storage(_) | Error::NoProgress) => tokio::task::yield_now().await,
                                Err(e) => panic!("{e}"),
                            }
                        };
                        let wanted = storage.status().await.expect("up").revision;
                        assert_eq!(now.revision, wanted);
                        assert_eq!(of_snapshot(&now), of_storage(&storage, 0).await);
                        let exact = cache.snapshot_exact(last).await.expect("reached");
                        if let Some(exact) = exact {
                            assert_eq!(of_snapshot(&exact), of_storage(&storage, last).await);
                        }
                        last = now.revision;
                        while watcher.seen() < now.revision {
                            let news = match watcher.next().await {
                                Ok(news) => news,
                                Err(Error::Expired { .. }) => {
                                    watcher = cache.watch(now.revision).await.expect("again");
                                    mirror = of_snapshot(&now);
                                    break;
                                }
                                Err(e) => panic!("{e}"),
                            };
                            for c in news.iter().flat_map(|b| &b.changes) {
                                let old = match &c.now {
                                    Some(e) => mirror.insert(text(e.key()), (e.mod_revision, text(e.value()))),
                                    None => mirror.remove(&text(c.key())),
                                };
                                assert_eq!(old.map(|(r, _)| r), c.before.as_ref().map(|e| e.mod_revision));
                            }
                        }
                        assert_eq!(&mirror, &of_snapshot(&now));
                    }
                }
            }
        });
    }
}

#[test]
fn watchers_get_every_change_once() {
    run(async {
        let storage = Arc::new(Memory::default());
        let before = storage.put(&key(1), "a");
        let cache = cache(&storage, small());
        let mut watcher = cache.watch(before).await.expect("a watcher");
        storage.put(&key(1), "b");
        storage.break_watches();
        storage.put(&key(2), "c");
        let last = storage.delete(&key(1));
        let seen = changes(&mut watcher, last).await.expect("nothing is lost");
        let some = |s: &str| Some(s.to_owned());
        assert_eq!(
            seen,
            [
                (before + 1, key(1), some("a"), some("b")),
                (before + 2, key(2), None, some("c")),
                (before + 3, key(1), some("b"), None),
            ]
        );
        let mut late = cache.watch(before + 1).await.expect("is in memory");
        let again = changes(&mut late, last).await.expect("nothing is lost");
        assert_eq!(again, seen[1..]);
    });
}

#[test]
fn a_slow_watcher_ends() {
    run(async {
        let storage = Arc::new(Memory::default());
        let cache = cache(&storage, small());
        let start = storage.put(&key(0), "a");
        let mut slow = cache.watch(start).await.expect("a watcher");
        for i in 0..20 {
            storage.put(&key(i), "b");
            cache.snapshot_consistent().await.expect("follows");
        }
        let end = slow.next().await.err();
        assert!(matches!(end, Some(Error::Expired { .. })), "{end:?}");
        let again = cache.watch(start).await.err();
        assert!(matches!(again, Some(Error::Expired { .. })), "{again:?}");
    });
}

#[test]
fn compaction_while_away_ends_watchers_and_fills_anew() {
    run(async {
        let storage = Arc::new(Memory::default());
        let start = storage.put(&key(0), "a");
        let cache = cache(&storage, small());
        let mut watcher = cache.watch(start).await.expect("a watcher");
        storage.set_down(true);
        let error = cache.snapshot_consistent().await.err();
        assert!(matches!(error, Some(Error::Storage(_))), "{error:?}");
        let mut last = start;
        for i in 0..5 {
            last = storage.put(&key(i), "b");
        }
        storage.set_down(false);
        storage.compact(last).await.expect("compacts");
        let end = watcher.next().await.err();
        assert!(matches!(end, Some(Error::Expired { .. })), "{end:?}");
        let now = cache.snapshot_at_least(last).await.expect("fills again");
        assert_eq!(of_snapshot(&now), of_storage(&storage, 0).await);
    });
}

#[test]
fn without_progress_only_storage_can_tell() {
    run(async {
        let storage = Arc::new(Memory::default());
        storage.set_quiet(true);
        storage.put(&key(0), "a");
        let cache = cache(&storage, small());
        cache.snapshot_consistent().await.expect("has just filled");
        cache.snapshot_consistent().await.expect("nothing happened");
        storage.put("/registry/others/a", "x");
        let error = cache.snapshot_consistent().await.err();
        assert_eq!(error, Some(Error::NoProgress));
        let mine = storage.put(&key(0), "b");
        cache.snapshot_at_least(mine).await.expect("an event came");
        cache.snapshot_consistent().await.expect("is current");
    });
}

#[test]
fn a_future_revision_is_not_waited_for_long() {
    run(async {
        let storage = Arc::new(Memory::default());
        let now = storage.put(&key(0), "a");
        let options = Options {
            wait: Duration::from_millis(1),
            ..small()
        };
        let cache = cache(&storage, options);
        cache.snapshot().await.expect("fills");
        let error = cache.snapshot_at_least(now + 10).await.err();
        let (wanted, current) = (now + 10, now);
        assert_eq!(error, Some(Error::NotReached { wanted, current }));
    });
}

#[test]
fn unused_it_lets_go_and_comes_back() {
    run(async {
        let storage = Arc::new(Memory::default());
        storage.put(&key(0), "a");
        let options = Options {
            idle: Duration::from_millis(4),
            ..small()
        };
        let cache = cache(&storage, options);
        assert_eq!(storage.watches(), 0, "nothing before it is used");
        let watcher = cache.watch(1).await;
        assert!(watcher.is_err(), "older than the cache");
        cache.snapshot().await.expect("fills");
        while cache.shared.view.load().is_some() || storage.watches() > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let last = storage.put(&key(1), "b");
        let now = cache.snapshot_consistent().await.expect("fills again");
        assert_eq!((now.revision, now.len()), (last, 2));
    });
}

#[test]
fn another_storage_behind_the_same_address_is_noticed() {
    run(async {
        let storage = Arc::new(Memory::default());
        for i in 0..9 {
            storage.put(&key(i), "a");
        }
        let cache = cache(&storage, small());
        cache.snapshot().await.expect("fills");
        storage.set_down(true);
        storage.wipe();
        storage.set_down(false);
        let now = loop {
            match cache.snapshot().await {
                Ok(now) if now.is_empty() => break now,
                _ => tokio::task::yield_now().await,
            }
        };
        assert_eq!(now.revision, 1);
    });
}
