use super::*;

#[tokio::test]
async fn a_restart_finds_everything() {
    let f = fixture();
    f.put("a", "1").await;
    f.put("b", "2").await;
    f.delete("a").await;
    let lease = f.engine.lease_grant(0, 1000).await.expect("lease");
    let bound = pb::PutRequest {
        lease,
        ..put("c", "3")
    };
    f.engine.put(bound).await.expect("put");
    let f = f.reopen();
    assert_eq!(f.engine.revision(), 5);
    assert_eq!(f.range(all()).await.expect("now"), ["b=2@3", "c=3@5"]);
    let old = pb::RangeRequest {
        revision: 3,
        ..all()
    };
    assert_eq!(f.range(old).await.expect("old"), ["a=1@2", "b=2@3"]);
    let info = f.engine.lease_info(lease, true).expect("lease");
    assert_eq!((info.granted, info.keys), (1000, vec![Bytes::from("c")]));
    assert_eq!(f.put("a", "4").await, 6);
}

#[tokio::test]
async fn compaction_forgets_history_only() {
    let f = fixture();
    f.put("a", "1").await;
    f.put("a", "2").await;
    f.put("b", "3").await;
    f.delete("b").await;
    f.put("a", "4").await;
    assert_eq!(
        f.engine.compact(99, false).await,
        Err(Error::FutureRevision)
    );
    f.engine.compact(5, true).await.expect("compacts");
    let again = f.engine.compact(5, true).await;
    assert_eq!(again, Err(Error::Compacted { oldest: 5 }));
    let at = |revision| pb::RangeRequest { revision, ..all() };
    for f in [f.range(at(4)).await, f.range(at(1)).await] {
        assert_eq!(f, Err(Error::Compacted { oldest: 5 }));
    }
    assert_eq!(f.range(at(5)).await.expect("kept"), ["a=2@3"]);
    assert_eq!(f.range(at(6)).await.expect("kept"), ["a=4@6"]);
    let f = f.reopen();
    assert_eq!(f.engine.compact_revision(), 5);
    assert_eq!(f.range(at(5)).await.expect("kept"), ["a=2@3"]);
    assert_eq!(f.range(at(0)).await.expect("kept"), ["a=4@6"]);
    f.delete("a").await;
    f.engine.compact(7, true).await.expect("compacts");
    f.put("c", "5").await;
    f.engine.compact(8, true).await.expect("compacts");
    f.engine.defragment().await.expect("defragments");
    let f = f.reopen();
    assert_eq!((f.engine.revision(), f.engine.compact_revision()), (8, 8));
    assert_eq!(f.range(at(0)).await.expect("kept"), ["c=5@8"]);
}

#[tokio::test]
async fn a_store_whose_history_is_all_gone_keeps_its_revision() {
    let f = fixture();
    f.put("a", "1").await;
    f.delete("a").await;
    f.engine.compact(3, true).await.expect("compacts");
    let f = f.reopen();
    assert_eq!(f.engine.revision(), 3);
    assert_eq!(f.put("a", "2").await, 4);
}

#[tokio::test]
async fn lost_history_is_noticed() {
    let f = fixture();
    for _ in 0..5 {
        f.put("a", "1").await;
    }
    let mut batch = f.engine.shared().disk.batch();
    batch.remove(super::super::Rev { main: 4, sub: 0 });
    batch.commit().expect("removes");
    let Fixture { engine, dir, .. } = f;
    drop(engine);
    let opened = Engine::open(dir.path(), EngineOptions::default());
    let error = opened.map(drop).expect_err("history has a hole");
    assert_eq!(
        error.to_string(),
        "store: data is damaged: history has a hole: revision 3.0 is followed by 5.0"
    );
}

#[tokio::test]
async fn a_lost_end_of_history_is_noticed() {
    let f = with(EngineOptions::default());
    for _ in 0..3 {
        f.put("a", "1").await;
    }
    let f = f.reopen();
    let mut batch = f.engine.shared().disk.batch();
    batch.remove(super::super::Rev { main: 4, sub: 0 });
    batch.commit().expect("removes");
    let Fixture { engine, dir, .. } = f;
    drop(engine);
    let opened = Engine::open(dir.path(), EngineOptions::default());
    let error = opened.map(drop).expect_err("the end is lost").to_string();
    let expected = "store: data is damaged: history ends at revision 3, but revision 4 was there";
    assert!(error.starts_with(expected), "{error}");
    // Who knows may go on.
    std::fs::remove_file(dir.path().join("revision")).expect("removes");
    let opened = Engine::open(dir.path(), EngineOptions::default());
    assert_eq!(opened.expect("opens").revision(), 3);
}

async fn snapshot(engine: &Engine) -> Vec<u8> {
    let (mut pieces, mut out) = (engine.snapshot(), Vec::new());
    while let Some(piece) = pieces.recv().await {
        out.extend_from_slice(&piece.expect("a piece"));
    }
    out
}

#[tokio::test]
async fn a_snapshot_is_the_whole_store() {
    let f = fixture();
    for _ in 0..100 {
        f.put("a", "1").await;
        f.put("b", "2").await;
    }
    let lease = f.engine.lease_grant(0, 1000).await.expect("lease");
    f.engine.compact(50, true).await.expect("compacts");
    let taken = snapshot(&f.engine).await;
    assert_eq!(taken.len() % 512, 32);
    let hashes = [f.engine.hash(60).await, f.engine.hash(0).await];
    f.put("a", "later").await;
    let dir = tempfile::tempdir().expect("a directory");
    // A piece is missing, or is another one.
    for end in [10, 1000, taken.len() - 1] {
        assert!(Engine::restore(dir.path(), &taken[..end]).is_err());
    }
    let mut damaged = taken.clone();
    damaged[3000] ^= 1;
    assert!(Engine::restore(dir.path(), &damaged[..]).is_err());
    assert!(!Engine::exists(dir.path()));
    Engine::restore(dir.path(), &taken[..]).expect("restores");
    assert!(Engine::restore(dir.path(), &taken[..]).is_err());
    let engine = Engine::open(dir.path(), f.options.clone()).expect("opens");
    assert_eq!([engine.hash(60).await, engine.hash(0).await], hashes);
    assert_eq!(
        (engine.compact_revision(), engine.leases()),
        (50, vec![lease])
    );
}

#[tokio::test]
async fn leases_take_their_keys_with_them() {
    let f = fixture();
    let lease = f.engine.lease_grant(7, 100).await.expect("lease");
    assert_eq!(f.engine.lease_grant(7, 100).await, Err(Error::LeaseExists));
    for key in ["a", "b"] {
        let bound = pb::PutRequest {
            lease,
            ..put(key, "1")
        };
        f.engine.put(bound).await.expect("put");
    }
    // Bound to nothing again.
    f.put("b", "2").await;
    assert_eq!(f.engine.lease_revoke(lease).await, Ok(5));
    assert_eq!(f.range(all()).await.expect("now"), ["b=2@4"]);
    assert_eq!(
        f.engine.lease_revoke(lease).await,
        Err(Error::LeaseNotFound)
    );
    assert_eq!(f.engine.lease_keep_alive(lease), None);
    assert!(f.engine.leases().is_empty());
    let short = f.engine.lease_grant(0, 1).await.expect("lease");
    let bound = pb::PutRequest {
        lease: short,
        ..put("c", "1")
    };
    f.engine.put(bound).await.expect("put");
    // Nobody keeps it alive, so its key goes.
    let report = f.watch(7).next().await.expect("report");
    assert_eq!(report.events[0].r#type(), EventType::Delete);
    assert!(f.engine.leases().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_at_once_get_revisions_of_their_own() {
    let f = with(EngineOptions::default());
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..200 {
        let engine = f.engine.clone();
        tasks.spawn(async move {
            let request = pb::PutRequest {
                key: format!("k{}", n % 20).into(),
                value: "x".into(),
                ..Default::default()
            };
            engine
                .put(request)
                .await
                .expect("put")
                .header
                .expect("header")
                .revision
        });
    }
    let mut revisions = tasks.join_all().await;
    revisions.sort_unstable();
    assert_eq!(revisions, (2..=201).collect::<Vec<_>>());
    assert_eq!(f.range(all()).await.expect("range").len(), 20);
}
