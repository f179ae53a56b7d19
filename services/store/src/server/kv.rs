//! Keys.

use catena_proto::etcdserverpb::{self as pb, kv_server};
use tonic::{Request, Response, Status};

use super::{header, span};
use crate::Engine;

type Answer<T> = Result<Response<T>, Status>;

pub(super) struct Kv(pub(super) Engine);

#[tonic::async_trait]
impl kv_server::Kv for Kv {
    async fn range(&self, request: Request<pb::RangeRequest>) -> Answer<pb::RangeResponse> {
        let span = span("etcdserverpb.KV/Range", &request);
        let work = self.0.range(request.into_inner());
        let mut response = span.run(work).await?;
        header::fill(&mut response.header);
        Ok(Response::new(response))
    }

    async fn put(&self, request: Request<pb::PutRequest>) -> Answer<pb::PutResponse> {
        let span = span("etcdserverpb.KV/Put", &request);
        let work = self.0.put(request.into_inner());
        let mut response = span.run(work).await?;
        header::fill(&mut response.header);
        Ok(Response::new(response))
    }

    async fn delete_range(
        &self,
        request: Request<pb::DeleteRangeRequest>,
    ) -> Answer<pb::DeleteRangeResponse> {
        let span = span("etcdserverpb.KV/DeleteRange", &request);
        let work = self.0.delete_range(request.into_inner());
        let mut response = span.run(work).await?;
        header::fill(&mut response.header);
        Ok(Response::new(response))
    }

    async fn txn(&self, request: Request<pb::TxnRequest>) -> Answer<pb::TxnResponse> {
        let span = span("etcdserverpb.KV/Txn", &request);
        let work = self.0.txn(request.into_inner());
        let mut response = span.run(work).await?;
        header::fill(&mut response.header);
        Ok(Response::new(response))
    }

    async fn compact(
        &self,
        request: Request<pb::CompactionRequest>,
    ) -> Answer<pb::CompactionResponse> {
        let span = span("etcdserverpb.KV/Compact", &request);
        let request = request.into_inner();
        let work = self.0.compact(request.revision, request.physical);
        let revision = span.run(work).await?;
        Ok(Response::new(pb::CompactionResponse {
            header: header::of(revision),
        }))
    }
}
