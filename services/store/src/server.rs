//! The etcd v3 API over gRPC.

mod accept;
mod header;
mod kv;
mod lease;
mod maintenance;
mod watch;

use std::{io, sync::Arc, time::Duration};

use catena_proto::etcdserverpb::{
    cluster_server::ClusterServer, kv_server::KvServer, lease_server::LeaseServer,
    maintenance_server::MaintenanceServer, watch_server::WatchServer,
};
use catena_runtime::{
    net::{Endpoint, Listener},
    tls::ServerTls,
};
use catena_telemetry::trace::{self, Span};
use tokio_util::sync::CancellationToken;

use crate::Engine;

/// The span of a call whose caller traces it, by the name that etcd gives it.
fn span<T>(name: &'static str, request: &tonic::Request<T>) -> Span {
    let parent = request.metadata().get(trace::TRACEPARENT);
    let parent = parent.and_then(|v| v.to_str().ok()).unwrap_or_default();
    trace::served(name, parent)
}

/// Requests; the engine has a smaller bound and a better answer.
const MAX_REQUEST: usize = 16 << 20;
/// Answers have no bound of their own, as etcd's: what is stored can be read.
const MAX_ANSWER: usize = usize::MAX;
/// Windows: a list of many megabytes is not held up by the distance of the client.
const STREAM_WINDOW: u32 = 4 << 20;
const CONNECTION_WINDOW: u32 = 16 << 20;
const FRAME: u32 = 1 << 20;
const MAX_STREAMS: u32 = 100_000;
/// Peers that are gone without a word are noticed.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(20);
/// Longest time between the end of accepting and the end of serving.
const DRAIN: Duration = Duration::from_secs(10);

/// Serves an engine until `stop`: then watches end, and requests run to their end.
///
/// # Errors
/// When the listener has no address or serving fails.
pub async fn serve_on(
    listener: Listener,
    engine: Engine,
    tls: Option<Arc<ServerTls>>,
    stop: CancellationToken,
) -> io::Result<()> {
    let url = match (listener.local()?, &tls) {
        (at @ Endpoint::Host(..), Some(_)) => format!("https://{at}"),
        (at @ Endpoint::Host(..), None) => format!("http://{at}"),
        (at @ Endpoint::Unix(_), _) => format!("unix://{at}"),
    };
    macro_rules! sized {
        ($service:expr) => {
            $service
                .max_decoding_message_size(MAX_REQUEST)
                .max_encoding_message_size(MAX_ANSWER)
        };
    }
    let member = || maintenance::Maintenance {
        engine: engine.clone(),
        url: url.clone(),
    };
    let watch = watch::Watch {
        engine: engine.clone(),
        stop: stop.clone(),
    };
    let lease = lease::Lease {
        engine: engine.clone(),
        stop: stop.clone(),
    };
    let serving = tonic::transport::Server::builder()
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_frame_size(FRAME)
        .max_concurrent_streams(MAX_STREAMS)
        .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
        .add_service(sized!(KvServer::new(kv::Kv(engine.clone()))))
        .add_service(sized!(WatchServer::new(watch)))
        .add_service(sized!(LeaseServer::new(lease)))
        .add_service(sized!(ClusterServer::new(member())))
        .add_service(sized!(MaintenanceServer::new(member())))
        .serve_with_incoming_shutdown(
            accept::connections(listener, tls, stop.clone()),
            stop.clone().cancelled_owned(),
        );
    let limit = async {
        stop.cancelled().await;
        tokio::time::sleep(DRAIN).await;
    };
    tokio::select! {
        served = serving => served.map_err(io::Error::other),
        () = limit => {
            tracing::warn!("requests were still running when the time to drain was over");
            Ok(())
        }
    }
}
