//! Leases.

use catena_proto::etcdserverpb::{self as pb, lease_server};
use futures_util::{StreamExt as _, stream::BoxStream};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};

use super::header;
use crate::Engine;

type Answer<T> = Result<Response<T>, Status>;

pub(super) struct Lease {
    pub(super) engine: Engine,
    pub(super) stop: CancellationToken,
}

#[tonic::async_trait]
impl lease_server::Lease for Lease {
    async fn lease_grant(
        &self,
        request: Request<pb::LeaseGrantRequest>,
    ) -> Answer<pb::LeaseGrantResponse> {
        let span = super::span("etcdserverpb.Lease/LeaseGrant", &request);
        let request = request.into_inner();
        let work = self.engine.lease_grant(request.id, request.ttl);
        let id = span.run(work).await?;
        let granted = self.engine.lease_info(id, false).map(|l| l.granted);
        Ok(Response::new(pb::LeaseGrantResponse {
            header: header::of(self.engine.revision()),
            id,
            ttl: granted.unwrap_or(request.ttl),
            error: String::new(),
        }))
    }

    async fn lease_revoke(
        &self,
        request: Request<pb::LeaseRevokeRequest>,
    ) -> Answer<pb::LeaseRevokeResponse> {
        let revision = self.engine.lease_revoke(request.into_inner().id).await?;
        Ok(Response::new(pb::LeaseRevokeResponse {
            header: header::of(revision),
        }))
    }

    type LeaseKeepAliveStream = BoxStream<'static, Result<pb::LeaseKeepAliveResponse, Status>>;

    async fn lease_keep_alive(
        &self,
        request: Request<Streaming<pb::LeaseKeepAliveRequest>>,
    ) -> Answer<Self::LeaseKeepAliveStream> {
        let engine = self.engine.clone();
        let answers = request.into_inner().map(move |request| {
            let id = request?.id;
            Ok(pb::LeaseKeepAliveResponse {
                header: header::of(engine.revision()),
                id,
                // 0 says that the lease is gone.
                ttl: engine.lease_keep_alive(id).unwrap_or(0),
            })
        });
        // A stream that nobody ends must not hold up the end of the server.
        let until = self.stop.clone().cancelled_owned();
        Ok(Response::new(answers.take_until(until).boxed()))
    }

    async fn lease_time_to_live(
        &self,
        request: Request<pb::LeaseTimeToLiveRequest>,
    ) -> Answer<pb::LeaseTimeToLiveResponse> {
        let request = request.into_inner();
        let info = self.engine.lease_info(request.id, request.keys);
        let gone = info.is_none();
        let info = info.unwrap_or_default();
        Ok(Response::new(pb::LeaseTimeToLiveResponse {
            header: header::of(self.engine.revision()),
            id: request.id,
            ttl: if gone { -1 } else { info.left },
            granted_ttl: info.granted,
            keys: info.keys,
        }))
    }

    async fn lease_leases(
        &self,
        _: Request<pb::LeaseLeasesRequest>,
    ) -> Answer<pb::LeaseLeasesResponse> {
        let leases = self.engine.leases().into_iter();
        Ok(Response::new(pb::LeaseLeasesResponse {
            header: header::of(self.engine.revision()),
            leases: leases.map(|id| pb::LeaseStatus { id }).collect(),
        }))
    }
}
