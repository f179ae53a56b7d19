//! The member itself: what it is, how large it is, what it holds.

use catena_proto::etcdserverpb::{self as pb, cluster_server, maintenance_server};
use futures_util::{StreamExt as _, stream::BoxStream};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use super::header;
use crate::Engine;

/// The etcd whose API this is; clients choose features by it.
const VERSION: &str = "3.6.0";

type Answer<T> = Result<Response<T>, Status>;

pub(super) struct Maintenance {
    pub(super) engine: Engine,
    /// Where clients reach this member, as a URL.
    pub(super) url: String,
}

fn number(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

#[tonic::async_trait]
impl cluster_server::Cluster for Maintenance {
    async fn member_list(
        &self,
        _: Request<pb::MemberListRequest>,
    ) -> Answer<pb::MemberListResponse> {
        Ok(Response::new(pb::MemberListResponse {
            header: header::of(self.engine.revision()),
            members: vec![pb::Member {
                id: header::MEMBER,
                name: "store".to_owned(),
                peer_ur_ls: Vec::new(),
                client_ur_ls: vec![self.url.clone()],
                is_learner: false,
            }],
        }))
    }
}

#[tonic::async_trait]
impl maintenance_server::Maintenance for Maintenance {
    /// There is no quota, and damage ends the process: nothing to raise alarms about.
    async fn alarm(&self, _: Request<pb::AlarmRequest>) -> Answer<pb::AlarmResponse> {
        Ok(Response::new(pb::AlarmResponse {
            header: header::of(self.engine.revision()),
            alarms: Vec::new(),
        }))
    }

    async fn status(&self, request: Request<pb::StatusRequest>) -> Answer<pb::StatusResponse> {
        let _span = super::span("etcdserverpb.Maintenance/Status", &request);
        let revision = self.engine.revision();
        let size = number(self.engine.size());
        let applied = u64::try_from(revision).unwrap_or(0);
        Ok(Response::new(pb::StatusResponse {
            header: header::of(revision),
            version: VERSION.to_owned(),
            db_size: size,
            db_size_in_use: size,
            leader: header::MEMBER,
            raft_index: applied,
            raft_applied_index: applied,
            raft_term: header::TERM,
            errors: Vec::new(),
            is_learner: false,
        }))
    }

    async fn defragment(
        &self,
        _: Request<pb::DefragmentRequest>,
    ) -> Answer<pb::DefragmentResponse> {
        self.engine.defragment().await?;
        Ok(Response::new(pb::DefragmentResponse {
            header: header::of(self.engine.revision()),
        }))
    }

    async fn hash_kv(&self, request: Request<pb::HashKvRequest>) -> Answer<pb::HashKvResponse> {
        let asked = request.into_inner().revision;
        let (revision, hash) = self.engine.hash(asked).await?;
        Ok(Response::new(pb::HashKvResponse {
            header: header::of(self.engine.revision()),
            hash,
            compact_revision: self.engine.compact_revision(),
            hash_revision: revision,
        }))
    }

    type SnapshotStream = BoxStream<'static, Result<pb::SnapshotResponse, Status>>;

    async fn snapshot(&self, _: Request<pb::SnapshotRequest>) -> Answer<Self::SnapshotStream> {
        let revision = self.engine.revision();
        let pieces = ReceiverStream::new(self.engine.snapshot());
        let responses = pieces.map(move |piece| {
            Ok(pb::SnapshotResponse {
                header: header::of(revision),
                // The size is not known before the end.
                remaining_bytes: 0,
                blob: piece?,
                version: VERSION.to_owned(),
            })
        });
        Ok(Response::new(responses.boxed()))
    }
}
