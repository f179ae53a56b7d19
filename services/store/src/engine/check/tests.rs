use super::*;

fn put_op(key: &'static str) -> pb::RequestOp {
    request(Request::RequestPut(pb::PutRequest {
        key: key.into(),
        ..pb::PutRequest::default()
    }))
}

fn delete_op(key: &'static str, range_end: &'static str) -> pb::RequestOp {
    request(Request::RequestDeleteRange(pb::DeleteRangeRequest {
        key: key.into(),
        range_end: range_end.into(),
        prev_kv: false,
    }))
}

fn nested(success: Vec<pb::RequestOp>, failure: Vec<pb::RequestOp>) -> pb::RequestOp {
    request(Request::RequestTxn(pb::TxnRequest {
        compare: Vec::new(),
        success,
        failure,
    }))
}

fn request(request: Request) -> pb::RequestOp {
    pb::RequestOp {
        request: Some(request),
    }
}

fn check(success: Vec<pb::RequestOp>) -> Result<(), Error> {
    txn(&pb::TxnRequest {
        success,
        ..pb::TxnRequest::default()
    })
}

#[test]
fn no_key_is_written_twice() {
    let twice = Err(Error::DuplicateKey);
    assert_eq!(check(vec![put_op("a"), put_op("a")]), twice);
    assert_eq!(check(vec![put_op("b"), delete_op("a", "c")]), twice);
    assert_eq!(check(vec![delete_op("a", "c"), put_op("b")]), twice);
    assert_eq!(
        check(vec![put_op("a"), nested(vec![], vec![put_op("a")])]),
        twice
    );
    assert_eq!(
        check(vec![nested(vec![put_op("a")], vec![]), put_op("a")]),
        twice
    );
    assert_eq!(
        check(vec![nested(vec![delete_op("a", "")], vec![]), put_op("a")]),
        twice
    );
    assert_eq!(
        check(vec![nested(vec![put_op("a")], vec![]), delete_op("a", "")]),
        twice
    );
    // Deletions may overlap, and so may branches of which one runs.
    assert_eq!(check(vec![delete_op("a", ""), delete_op("a", "c")]), Ok(()));
    assert_eq!(
        check(vec![nested(vec![put_op("a")], vec![put_op("a")])]),
        Ok(())
    );
    assert_eq!(
        check(vec![nested(vec![put_op("a")], vec![delete_op("a", "")])]),
        Ok(())
    );
}

#[test]
fn transactions_have_bounds() {
    let mut many: Vec<_> = (0..MAX_OPS).map(|_| delete_op("a", "")).collect();
    assert_eq!(check(many.clone()), Ok(()));
    many.push(delete_op("a", ""));
    assert_eq!(check(many), Err(Error::TooManyOps));
    let mut deep = nested(vec![], vec![]);
    for _ in 0..=MAX_DEPTH {
        deep = nested(vec![deep], vec![]);
    }
    assert_eq!(check(vec![deep]), Err(Error::TooManyOps));
}
