//! port-forward over WebSocket, for kubelets that speak SPDY: the client's SPDY
//! connection in binary messages (KEP-4006, `apiserver/pkg/util/proxy`,
//! `TunnelingHandler`).

use bytes::Bytes;
use catena_egress::Egress;
use catena_endpoints::websocket::{self, Socket};
use catena_objects::Status;
use catena_registry::{ByteStream, Connected, Connecting};
use futures_util::{SinkExt as _, StreamExt as _};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_tungstenite::tungstenite::Message;

use super::{
    forward::{self, Outgoing},
    target::Target,
    translated::MOST,
};

/// Before the name of the protocol that is spoken inside.
const PREFIX: &str = "SPDY/3.1+";
const SUFFIX: &str = ".k8s.io";
const VERSION: HeaderName = HeaderName::from_static("x-stream-protocol-version");

/// Messages that wait for the kubelet.
const WAITING: usize = 4;

fn inner(headers: &HeaderMap) -> Vec<String> {
    websocket::protocols(headers)
        .iter()
        .filter_map(|p| p.strip_prefix(PREFIX))
        .filter(|p| p.ends_with(SUFFIX))
        .map(str::to_owned)
        .collect()
}

/// Whether the client asks for a tunnel.
pub(super) fn is_wanted(headers: &HeaderMap) -> bool {
    websocket::is_wanted(headers) && !inner(headers).is_empty()
}

/// Joins both once the kubelet has switched; what else it says is passed on.
pub(super) async fn answer(
    egress: &dyn Egress,
    target: &Target,
    uri: String,
    request: Connecting,
) -> Result<Connected, Status> {
    let client = request.headers;
    // A handshake that is none reaches no kubelet.
    websocket::accept(&client, None)?;
    let Some(input) = request.input else {
        return Err(Status::bad_request("Upgrade request required"));
    };
    let (tx, waiting) = mpsc::channel(WAITING);
    let outgoing = Outgoing {
        method: "POST".to_owned(),
        uri,
        headers: spdy(&client)?,
        body: Bytes::new(),
        input: Some(ReceiverStream::new(waiting).boxed()),
    };
    let answer = forward::send(egress, target, outgoing)
        .await
        .map_err(|why| Status::internal(format!("error dialing backend: {why}")))?;
    if answer.status != 101 {
        return Ok(answer);
    }
    let chosen = answer.headers.get(VERSION).and_then(|v| v.to_str().ok());
    let protocol = format!("{PREFIX}{}", chosen.unwrap_or_default());
    let headers = websocket::accept(&client, Some(&protocol))?;
    let (socket, body) = websocket::open(input, MOST).await;
    tokio::spawn(join(socket, tx, answer.body));
    Ok(Connected {
        status: 101,
        headers,
        body,
    })
}

/// The client's headers, for an upgrade to SPDY.
fn spdy(client: &HeaderMap) -> Result<HeaderMap, Status> {
    let mut headers = client.clone();
    for name in [
        header::SEC_WEBSOCKET_PROTOCOL,
        header::SEC_WEBSOCKET_KEY,
        header::SEC_WEBSOCKET_VERSION,
        header::SEC_WEBSOCKET_EXTENSIONS,
        VERSION,
    ] {
        headers.remove(name);
    }
    headers.insert(header::UPGRADE, HeaderValue::from_static("SPDY/3.1"));
    for protocol in inner(client) {
        let value = HeaderValue::from_str(&protocol)
            .map_err(|e| Status::bad_request(format!("protocol: {e}")))?;
        headers.append(VERSION, value);
    }
    Ok(headers)
}

/// Until either side ends.
async fn join(socket: Socket, kubelet: mpsc::Sender<Result<Bytes, Status>>, mut body: ByteStream) {
    let (mut sink, mut source) = socket.split();
    let inward = async {
        while let Some(Ok(message)) = source.next().await {
            let sent = match message {
                Message::Binary(bytes) => kubelet.send(Ok(bytes)).await.is_ok(),
                Message::Close(_) => false,
                _ => true,
            };
            if !sent {
                return;
            }
        }
    };
    let outward = async {
        while let Some(Ok(piece)) = body.next().await {
            if sink.send(Message::Binary(piece)).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = inward => {}
        () = outward => {}
    }
    let _ = sink.close().await;
}
