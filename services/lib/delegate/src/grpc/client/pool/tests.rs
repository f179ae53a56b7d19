use std::{collections::HashMap, convert::Infallible, io, sync::Arc};

use async_trait::async_trait;
use catena_runtime::net::Io;
use http_body_util::Full;
use hyper::{server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{
    super::{Settings, dial::Address, resolve::Endpoints},
    Dial, Pool,
};

/// A server in memory that answers when it is told to.
struct Slow(Arc<Notify>);

#[async_trait]
impl Dial for Slow {
    async fn dial(&self, _: &Address) -> io::Result<Box<dyn Io>> {
        let (near, far) = tokio::io::duplex(1 << 16);
        let told = Arc::clone(&self.0);
        let service = service_fn(move |_| {
            let told = Arc::clone(&told);
            async move {
                told.notified().await;
                let body = Full::new(bytes::Bytes::from_static(b"done"));
                Ok::<_, Infallible>(http::Response::new(body))
            }
        });
        tokio::spawn(
            http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(far), service),
        );
        Ok(Box::new(near))
    }
}

async fn until(condition: impl Fn() -> bool) {
    while !condition() {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
}

/// A name that no longer stands for an address says that nobody new is to go
/// there; who is there already is answered.
#[tokio::test]
async fn a_call_outlives_the_address_of_its_replica() {
    let told = Arc::new(Notify::new());
    let dialer: Arc<dyn Dial> = Arc::new(Slow(Arc::clone(&told)));
    let settings = Settings::new("core", Endpoints::default());
    let stop = CancellationToken::new();
    let pool = Pool::start(&settings, Arc::clone(&dialer), stop);
    let mut known = HashMap::new();
    let address = Address::Unix("/memory".into());
    pool.replace(&mut known, &[address], &dialer);
    until(|| pool.stats().connected == 1).await;
    let replica = Arc::clone(&pool.0.replicas.load()[0]);

    let request = http::Request::post("http://core/x")
        .body(tonic::body::Body::empty())
        .expect("a request");
    let call = tokio::spawn({
        let pool = pool.clone();
        async move { pool.send(request).await.map(|answer| answer.status()) }
    });
    until(|| replica.in_flight() == 1).await;
    pool.replace(&mut known, &[], &dialer);
    until(|| !replica.is_open()).await;
    assert_eq!(pool.stats().replicas, 0);
    told.notify_one();
    let status = call.await.expect("it ends").expect("it is answered");
    assert_eq!(status, 200);
}
