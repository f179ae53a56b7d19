//! Keys.

use catena_proto::etcdserverpb::{self as pb, kv_server};
use tonic::{Request, Response, Status};

use super::header;
use crate::Engine;

type Answer<T> = Result<Response<T>, Status>;

pub(super) struct Kv(pub(super) Engine);

#[tonic::async_trait]
impl kv_server::Kv for Kv {
    async fn range(&self, request: Request<pb::RangeRequest>) -> Answer<pb::RangeResponse> {
        let mut response = self.0.range(request.into_inner()).await?;
        header::fill(&mut response.header);
        Ok(Response::new(response))
    }

    async fn put(&self, request: Request<pb::PutRequest>) -> Answer<pb::PutResponse> {
        let mut response = self.0.put(request.into_inner()).await?;
        header::fill(&mut response.header);
        Ok(Response::new(response))
    }

    async fn delete_range(
        &self,
        request: Request<pb::DeleteRangeRequest>,
    ) -> Answer<pb::DeleteRangeResponse> {
        let mut response = self.0.delete_range(request.into_inner()).await?;
        header::fill(&mut response.header);
        Ok(Response::new(response))
    }

    async fn txn(&self, request: Request<pb::TxnRequest>) -> Answer<pb::TxnResponse> {
        let mut response = self.0.txn(request.into_inner()).await?;
        header::fill(&mut response.header);
        Ok(Response::new(response))
    }

    async fn compact(
        &self,
        request: Request<pb::CompactionRequest>,
    ) -> Answer<pb::CompactionResponse> {
        let request = request.into_inner();
        let revision = self.0.compact(request.revision, request.physical).await?;
        Ok(Response::new(pb::CompactionResponse {
            header: header::of(revision),
        }))
    }
}
