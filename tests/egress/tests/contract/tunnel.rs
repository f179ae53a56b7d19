//! A tunnel that needs no nodes: `catena.tunnel.v1` over a socket, with
//! connections that are made directly.

use std::{path::Path, pin::Pin};

use bytes::Bytes;
use catena_proto::tunnel::v1::{
    DialError, DialFrame, Eof, Opened, Stage,
    dial_frame::Frame,
    tunnel_server::{Tunnel, TunnelServer},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpStream, UnixListener},
    sync::mpsc,
};
use tokio_stream::{
    Stream,
    wrappers::{ReceiverStream, UnixListenerStream},
};
use tonic::{Request, Response, Status, Streaming};

struct Direct;

type Frames = mpsc::Sender<Result<DialFrame, Status>>;

fn frame(frame: Frame) -> Result<DialFrame, Status> {
    Ok(DialFrame { frame: Some(frame) })
}

#[tonic::async_trait]
impl Tunnel for Direct {
    type DialStream = Pin<Box<dyn Stream<Item = Result<DialFrame, Status>> + Send>>;

    async fn dial(
        &self,
        request: Request<Streaming<DialFrame>>,
    ) -> Result<Response<Self::DialStream>, Status> {
        let (tx, rx) = mpsc::channel(4);
        tokio::spawn(carry(request.into_inner(), tx));
        Ok(Response::new(Box::pin(ReceiverStream::new(rx))))
    }
}

async fn carry(mut frames: Streaming<DialFrame>, tx: Frames) {
    let Ok(Some(DialFrame {
        frame: Some(Frame::Open(open)),
    })) = frames.message().await
    else {
        return;
    };
    let stream = match TcpStream::connect(&open.target).await {
        Ok(stream) => stream,
        Err(e) => {
            let error = DialError {
                stage: Stage::Channel.into(),
                reason: format!("node n1: {e}").to_lowercase(),
            };
            let _ = tx.send(frame(Frame::Error(error))).await;
            return;
        }
    };
    let node = "n1".to_owned();
    let _ = tx.send(frame(Frame::Opened(Opened { node }))).await;
    let (mut reader, mut writer) = stream.into_split();
    let outward = async {
        let mut piece = vec![0; 32 << 10];
        while let Ok(n @ 1..) = reader.read(&mut piece).await {
            let data = Frame::Data(Bytes::copy_from_slice(&piece[..n]));
            if tx.send(frame(data)).await.is_err() {
                return;
            }
        }
        let _ = tx.send(frame(Frame::Eof(Eof {}))).await;
    };
    let inward = async {
        while let Ok(Some(DialFrame { frame: Some(f) })) = frames.message().await {
            match f {
                Frame::Data(data) if writer.write_all(&data).await.is_ok() => {}
                _ => break,
            }
        }
        let _ = writer.shutdown().await;
    };
    tokio::join!(outward, inward);
}

/// Serves on a socket until the test ends.
pub(crate) fn serve(socket: &Path) -> tokio::task::JoinHandle<()> {
    let listener = UnixListener::bind(socket).expect("a socket");
    tokio::spawn(async move {
        let _ = tonic::transport::Server::builder()
            .add_service(TunnelServer::new(Direct))
            .serve_with_incoming(UnixListenerStream::new(listener))
            .await;
    })
}
