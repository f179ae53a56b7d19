//! Keys.

use catena_proto::etcdserverpb::{self as pb, kv_server};
use catena_runtime::trace;
use tonic::{Request, Response, Status};
use tracing::{Instrument as _, Span};

use super::header;
use crate::Engine;

type Answer<T> = Result<Response<T>, Status>;

pub(super) struct Kv(pub(super) Engine);

/// The span of a call, child of the one that its metadata names.
fn span<T>(name: &'static str, request: &Request<T>) -> Span {
    let parent = request.metadata().get("traceparent");
    let parent = parent.and_then(|v| v.to_str().ok()).unwrap_or_default();
    trace::hop(name, parent, "", "", "")
}

#[tonic::async_trait]
impl kv_server::Kv for Kv {
    async fn range(&self, request: Request<pb::RangeRequest>) -> Answer<pb::RangeResponse> {
        let span = span("store.range", &request);
        let work = self.0.range(request.into_inner());
        let mut response = work.instrument(span).await?;
        header::fill(&mut response.header);
        Ok(Response::new(response))
    }

    async fn put(&self, request: Request<pb::PutRequest>) -> Answer<pb::PutResponse> {
        let span = span("store.put", &request);
        let work = self.0.put(request.into_inner());
        let mut response = work.instrument(span).await?;
        header::fill(&mut response.header);
        Ok(Response::new(response))
    }

    async fn delete_range(
        &self,
        request: Request<pb::DeleteRangeRequest>,
    ) -> Answer<pb::DeleteRangeResponse> {
        let span = span("store.delete_range", &request);
        let work = self.0.delete_range(request.into_inner());
        let mut response = work.instrument(span).await?;
        header::fill(&mut response.header);
        Ok(Response::new(response))
    }

    async fn txn(&self, request: Request<pb::TxnRequest>) -> Answer<pb::TxnResponse> {
        let span = span("store.txn", &request);
        let work = self.0.txn(request.into_inner());
        let mut response = work.instrument(span).await?;
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
