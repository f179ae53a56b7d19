use bytes::Bytes;
use catena_proto::{
    etcdserverpb::{
        self as pb,
        compare::{CompareResult, CompareTarget, TargetUnion},
        request_op::Request as Req,
        response_op::Response as Resp,
    },
    mvccpb::event::EventType,
};

use super::{Engine, EngineOptions, Error, WatchOptions, Watcher};

mod busy;
mod keys;
mod life;
mod watches;

struct Fixture {
    engine: Engine,
    dir: tempfile::TempDir,
    options: EngineOptions,
}

fn fixture() -> Fixture {
    with(EngineOptions {
        unsafe_no_fsync: true,
        ..EngineOptions::default()
    })
}

fn with(options: EngineOptions) -> Fixture {
    let dir = tempfile::tempdir().expect("a directory");
    let engine = Engine::open(dir.path(), options.clone()).expect("opens");
    Fixture {
        engine,
        dir,
        options,
    }
}

impl Fixture {
    fn reopen(self) -> Self {
        let Self {
            engine,
            dir,
            options,
        } = self;
        drop(engine);
        let engine = Engine::open(dir.path(), options.clone()).expect("opens again");
        Self {
            engine,
            dir,
            options,
        }
    }

    async fn put(&self, key: &'static str, value: &'static str) -> i64 {
        let response = self.engine.put(put(key, value)).await.expect("put");
        response.header.expect("header").revision
    }

    async fn delete(&self, key: &'static str) -> pb::DeleteRangeResponse {
        let request = pb::DeleteRangeRequest {
            key: key.into(),
            prev_kv: true,
            ..Default::default()
        };
        self.engine.delete_range(request).await.expect("delete")
    }

    /// `key=value@mod` of what a range answers.
    async fn range(&self, request: pb::RangeRequest) -> Result<Vec<String>, Error> {
        let response = self.engine.range(request).await?;
        Ok(response.kvs.iter().map(show).collect())
    }

    fn watch(&self, start_revision: i64) -> Watcher {
        self.engine.watch(WatchOptions {
            key: "a".into(),
            range_end: "z".into(),
            start_revision,
            prev_kv: true,
            ..WatchOptions::default()
        })
    }
}

fn show(kv: &catena_proto::mvccpb::KeyValue) -> String {
    let text = |b: &Bytes| String::from_utf8_lossy(b).into_owned();
    format!("{}={}@{}", text(&kv.key), text(&kv.value), kv.mod_revision)
}

fn put(key: &'static str, value: &'static str) -> pb::PutRequest {
    pb::PutRequest {
        key: key.into(),
        value: value.into(),
        ..Default::default()
    }
}

fn all() -> pb::RangeRequest {
    pb::RangeRequest {
        key: "a".into(),
        range_end: "z".into(),
        ..Default::default()
    }
}

fn op(request: Req) -> pb::RequestOp {
    pb::RequestOp {
        request: Some(request),
    }
}

fn mod_is(key: &'static str, revision: i64) -> pb::Compare {
    pb::Compare {
        result: CompareResult::Equal.into(),
        target: CompareTarget::Mod.into(),
        key: key.into(),
        range_end: Bytes::new(),
        target_union: Some(TargetUnion::ModRevision(revision)),
    }
}
