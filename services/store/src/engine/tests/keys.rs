use super::*;

#[tokio::test]
async fn revisions_versions_and_old_states() {
    let f = fixture();
    assert_eq!(f.engine.revision(), 1);
    assert_eq!(f.put("b", "1").await, 2);
    assert_eq!(f.put("a", "2").await, 3);
    assert_eq!(f.put("b", "3").await, 4);
    assert_eq!(f.range(all()).await.expect("now"), ["a=2@3", "b=3@4"]);
    let old = pb::RangeRequest {
        revision: 3,
        ..all()
    };
    assert_eq!(f.range(old).await.expect("old"), ["a=2@3", "b=1@2"]);
    let b = f.engine.range(pb::RangeRequest {
        key: "b".into(),
        ..Default::default()
    });
    let b = b.await.expect("b").kvs.remove(0);
    assert_eq!((b.create_revision, b.version), (2, 2));
    let future = pb::RangeRequest {
        revision: 5,
        ..all()
    };
    assert_eq!(f.range(future).await, Err(Error::FutureRevision));
    let gone = f.delete("b").await;
    assert_eq!((gone.deleted, show(&gone.prev_kvs[0])), (1, "b=3@4".into()));
    // Nothing deleted is no revision.
    assert_eq!(f.delete("b").await.deleted, 0);
    assert_eq!(f.engine.revision(), 5);
    f.put("b", "4").await;
    let b = f.engine.range(all()).await.expect("now").kvs.remove(1);
    assert_eq!((b.create_revision, b.version, b.mod_revision), (6, 1, 6));
}

#[tokio::test]
async fn limits_sorts_and_filters() {
    let f = fixture();
    for (key, value) in [("c", "1"), ("a", "3"), ("b", "2"), ("c", "0")] {
        f.put(key, value).await;
    }
    let limited = pb::RangeRequest { limit: 2, ..all() };
    let page = f.engine.range(limited).await.expect("page");
    assert_eq!((page.kvs.len(), page.more, page.count), (2, true, 3));
    let counted = pb::RangeRequest {
        count_only: true,
        ..all()
    };
    let counted = f.engine.range(counted).await.expect("count");
    assert_eq!(
        (counted.kvs.len(), counted.more, counted.count),
        (0, false, 3)
    );
    let keys = pb::RangeRequest {
        keys_only: true,
        ..all()
    };
    assert_eq!(f.range(keys).await.expect("keys"), ["a=@3", "b=@4", "c=@5"]);
    let sorted = |target: pb::range_request::SortTarget, order| pb::RangeRequest {
        sort_target: target.into(),
        sort_order: order,
        limit: 2,
        ..all()
    };
    use pb::range_request::SortTarget;
    let by = f.range(sorted(SortTarget::Value, 0)).await.expect("value");
    assert_eq!(by, ["c=0@5", "b=2@4"]);
    let by = f.range(sorted(SortTarget::Mod, 2)).await.expect("mod");
    assert_eq!(by, ["c=0@5", "b=2@4"]);
    let by = f
        .range(sorted(SortTarget::Create, 1))
        .await
        .expect("create");
    assert_eq!(by, ["c=0@5", "a=3@3"]);
    let by = f.range(sorted(SortTarget::Key, 2)).await.expect("key");
    assert_eq!(by, ["c=0@5", "b=2@4"]);
    let filtered = pb::RangeRequest {
        min_mod_revision: 4,
        max_create_revision: 3,
        ..all()
    };
    assert_eq!(f.range(filtered).await.expect("filtered"), ["c=0@5"]);
    let odd = f.range(sorted(SortTarget::Key, 7)).await;
    assert_eq!(odd, Err(Error::InvalidSort));
    // Bounds the wrong way round hold nothing.
    let nothing = pb::RangeRequest {
        key: "z".into(),
        range_end: "a".into(),
        ..Default::default()
    };
    assert!(f.range(nothing).await.expect("nothing").is_empty());
}

#[tokio::test]
async fn puts_that_keep_parts_of_what_was_there() {
    let f = fixture();
    let lease = f.engine.lease_grant(0, 100).await.expect("lease");
    let first = pb::PutRequest {
        lease,
        ..put("a", "1")
    };
    f.engine.put(first).await.expect("put");
    let keep_lease = pb::PutRequest {
        ignore_lease: true,
        prev_kv: true,
        ..put("a", "2")
    };
    let old = f.engine.put(keep_lease).await.expect("put").prev_kv;
    assert_eq!(old.map(|kv| kv.lease), Some(lease));
    let keep_value = pb::PutRequest {
        ignore_value: true,
        ..put("a", "")
    };
    f.engine.put(keep_value.clone()).await.expect("put");
    let a = f.engine.range(all()).await.expect("a").kvs.remove(0);
    assert_eq!((show(&a), a.lease), ("a=2@4".into(), 0));
    let errors = [
        (
            pb::PutRequest {
                ignore_value: true,
                ..put("b", "")
            },
            Error::KeyNotFound,
        ),
        (
            pb::PutRequest {
                ignore_value: true,
                ..put("a", "x")
            },
            Error::ValueProvided,
        ),
        (
            pb::PutRequest {
                ignore_lease: true,
                lease: 1,
                ..put("a", "x")
            },
            Error::LeaseProvided,
        ),
        (
            pb::PutRequest {
                lease: 77,
                ..put("a", "x")
            },
            Error::LeaseNotFound,
        ),
        (put("", "x"), Error::EmptyKey),
    ];
    for (request, error) in errors {
        assert_eq!(f.engine.put(request).await.map(drop), Err(error));
    }
    let large = pb::PutRequest {
        value: vec![0; 2 << 20].into(),
        ..put("a", "")
    };
    assert_eq!(f.engine.put(large).await.map(drop), Err(Error::TooLarge));
    assert_eq!(f.engine.revision(), 4);
}

#[tokio::test]
async fn transactions_choose_and_read_their_own_writes() {
    let f = fixture();
    let create = pb::TxnRequest {
        compare: vec![mod_is("a", 0)],
        success: vec![
            op(Req::RequestPut(put("a", "1"))),
            op(Req::RequestTxn(pb::TxnRequest {
                compare: vec![mod_is("a", 0)],
                success: vec![op(Req::RequestPut(put("b", "2")))],
                failure: vec![],
            })),
            op(Req::RequestRange(all())),
        ],
        failure: vec![op(Req::RequestRange(all()))],
    };
    let done = f.engine.txn(create.clone()).await.expect("txn");
    assert!(done.succeeded);
    assert_eq!(done.header.map(|h| h.revision), Some(2));
    let Some(Resp::ResponseRange(read)) = &done.responses[2].response else {
        panic!("a range was asked for");
    };
    // Conditions are judged before writes; reads see them.
    let read: Vec<_> = read.kvs.iter().map(show).collect();
    assert_eq!(read, ["a=1@2", "b=2@2"]);
    let again = f.engine.txn(create).await.expect("txn");
    assert!(!again.succeeded);
    assert_eq!(again.header.map(|h| h.revision), Some(2));
}

#[tokio::test]
async fn compares_of_all_kinds() {
    let f = fixture();
    f.put("a", "5").await;
    f.put("b", "7").await;
    let compare = |target: CompareTarget, result: CompareResult, union| pb::Compare {
        result: result.into(),
        target: target.into(),
        key: "a".into(),
        range_end: "z".into(),
        target_union: Some(union),
    };
    let value = |v: &'static str| TargetUnion::Value(v.into());
    let cases = [
        (
            compare(CompareTarget::Value, CompareResult::Greater, value("4")),
            true,
        ),
        (
            compare(CompareTarget::Value, CompareResult::Greater, value("5")),
            false,
        ),
        (
            compare(CompareTarget::Value, CompareResult::NotEqual, value("6")),
            true,
        ),
        (
            compare(
                CompareTarget::Version,
                CompareResult::Equal,
                TargetUnion::Version(1),
            ),
            true,
        ),
        (
            compare(
                CompareTarget::Create,
                CompareResult::Less,
                TargetUnion::CreateRevision(3),
            ),
            false,
        ),
        (
            compare(
                CompareTarget::Lease,
                CompareResult::Equal,
                TargetUnion::Lease(0),
            ),
            true,
        ),
    ];
    for (compare, holds) in cases {
        let request = pb::TxnRequest {
            compare: vec![compare.clone()],
            ..Default::default()
        };
        let done = f.engine.txn(request).await.expect("txn");
        assert_eq!(done.succeeded, holds, "{compare:?}");
    }
}

#[tokio::test]
async fn a_key_that_is_not_there_has_numbers_but_no_value() {
    let f = fixture();
    for (target, union, holds) in [
        (CompareTarget::Value, TargetUnion::Value("".into()), false),
        (CompareTarget::Version, TargetUnion::Version(0), true),
    ] {
        let missing = pb::Compare {
            target: target.into(),
            target_union: Some(union),
            ..mod_is("x", 0)
        };
        let request = pb::TxnRequest {
            compare: vec![missing],
            ..Default::default()
        };
        assert_eq!(f.engine.txn(request).await.expect("txn").succeeded, holds);
    }
}

#[tokio::test]
async fn a_transaction_that_cannot_be_done_changes_nothing() {
    let f = fixture();
    let future = pb::RangeRequest {
        revision: 99,
        ..all()
    };
    let request = pb::TxnRequest {
        success: vec![
            op(Req::RequestPut(put("a", "1"))),
            op(Req::RequestRange(future)),
        ],
        ..Default::default()
    };
    assert_eq!(
        f.engine.txn(request).await.map(drop),
        Err(Error::FutureRevision)
    );
    let twice = pb::TxnRequest {
        success: vec![
            op(Req::RequestPut(put("a", "1"))),
            op(Req::RequestPut(put("a", "2"))),
        ],
        ..Default::default()
    };
    assert_eq!(
        f.engine.txn(twice).await.map(drop),
        Err(Error::DuplicateKey)
    );
    assert_eq!(f.engine.revision(), 1);
    assert!(f.range(all()).await.expect("range").is_empty());
}

#[tokio::test]
async fn a_transaction_that_deletes_what_it_wants_to_keep() {
    let f = fixture();
    f.put("a", "1").await;
    let delete = pb::DeleteRangeRequest {
        key: "a".into(),
        range_end: Bytes::from_static(&[0]),
        prev_kv: false,
    };
    let keep = pb::PutRequest {
        ignore_value: true,
        ..put("a", "")
    };
    let request = pb::TxnRequest {
        success: vec![
            op(Req::RequestDeleteRange(delete)),
            op(Req::RequestPut(keep)),
        ],
        ..Default::default()
    };
    f.engine.txn(request).await.expect("txn");
    assert_eq!(f.range(all()).await.expect("range"), ["a=@3"]);
    // The store lives on.
    assert_eq!(f.put("b", "2").await, 4);
}
