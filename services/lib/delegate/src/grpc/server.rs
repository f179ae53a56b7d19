//! Serves a delegate to the front.

mod accept;
mod items;
mod service;
mod streams;

use std::{io, sync::Arc, time::Duration};

use catena_proto::delegate::v1::delegate_server;
use catena_runtime::{net::Listener, tls::ServerTls};
use futures_util::{Stream, StreamExt as _};
use tokio_util::sync::CancellationToken;

use super::{
    CONNECTION_WINDOW, FRAME, HEADER_LIST, KEEPALIVE_INTERVAL, KEEPALIVE_TIMEOUT, MAX_MESSAGE,
    MAX_STREAMS, STREAM_WINDOW,
};
use crate::Delegate;
pub use accept::{Connection, Peer};
use service::Service;
use streams::Streams;

/// Longest time between the end of accepting and the end of serving.
const DRAIN: Duration = Duration::from_secs(60);

/// Answers calls from peers whose certificate names an allowed front.
pub struct DelegateServer {
    delegate: Arc<dyn Delegate>,
    fronts: Arc<[String]>,
}

impl DelegateServer {
    /// `fronts`: common names or alternative names of the peers that may call.
    pub fn new(delegate: Arc<dyn Delegate>, fronts: &[String]) -> Self {
        Self {
            delegate,
            fronts: fronts.into(),
        }
    }

    /// Serves until `drain` is cancelled: then watches end, so that clients
    /// resume them elsewhere, and short requests run to their end.
    pub async fn serve(
        self,
        listener: Listener,
        tls: Arc<ServerTls>,
        drain: CancellationToken,
    ) -> io::Result<()> {
        let fronts = Arc::clone(&self.fronts);
        let incoming = accept::connections(listener, tls, fronts, drain.clone());
        self.serve_connections(incoming, drain).await
    }

    /// Serves connections that are open already.
    pub async fn serve_connections(
        self,
        incoming: impl Stream<Item = Connection> + Send,
        drain: CancellationToken,
    ) -> io::Result<()> {
        let own = Arc::new(Service::new(self.delegate, drain.clone()));
        let others = delegate_server::DelegateServer::from_arc(Arc::clone(&own))
            .max_decoding_message_size(MAX_MESSAGE)
            .max_encoding_message_size(MAX_MESSAGE);
        let service = Streams { own, others };
        let serving = tonic::transport::Server::builder()
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_frame_size(FRAME)
            .max_concurrent_streams(MAX_STREAMS)
            .http2_max_header_list_size(HEADER_LIST)
            .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
            .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
            .add_service(service)
            .serve_with_incoming_shutdown(
                incoming.map(io::Result::Ok),
                drain.clone().cancelled_owned(),
            );
        let limit = async {
            drain.cancelled().await;
            tokio::time::sleep(DRAIN).await;
        };
        tokio::select! {
            served = serving => served.map_err(io::Error::other),
            () = limit => {
                tracing::warn!("calls were still running when the time to drain was over");
                Ok(())
            }
        }
    }
}
