//! The front: the only public door. One filter chain for every request, then
//! the delegate that the request belongs to.
//!
//! `filters` is what happens to every request, `route` decides who answers,
//! `documents` are the front's own answers, `apiservices` what is registered.

mod apiservices;
mod body;
mod call;
mod compress;
mod documents;
mod fanout;
mod filters;
mod front;
mod link;
mod metrics;
mod options;
mod own;
mod proxy;
pub mod request_info;
mod resolve;
mod route;
mod server;
mod trust;
mod upgrade;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context as _;
use catena_auth::Auth;
use catena_delegate::{
    Delegate,
    grpc::client::{Endpoints, GrpcDelegate, Settings as LinkSettings, TlsDialer},
};
use catena_egress::{Egress, NetworkContext};
use catena_runtime::{
    flags, pki,
    tls::{ALPN_H2, ALPN_HTTP11, ClientAuth, ClientTls, ServerFiles, ServerTls},
};
use catena_storage::Storage;
use catena_storage_etcd::EtcdStorage;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use front::Front;
pub(crate) use front::etag;
pub use options::{Options, Serving};

/// Time for open requests to end after the listener is closed.
const DRAIN: Duration = Duration::from_secs(30);

/// Runs the process: storage and delegates over gRPC.
///
/// # Errors
/// When a certificate, a port or storage cannot be had.
pub async fn run(options: Options, stop: CancellationToken) -> anyhow::Result<()> {
    options.features.install();
    let storage: Arc<dyn Storage> = Arc::new(EtcdStorage::connect(&options.etcd)?);
    let identity = flags::identity(
        "aggregator",
        options.serving.cert_dir.as_ref(),
        (
            &options.delegate_client_certificate,
            &options.delegate_client_key,
        ),
        &options.internal_ca_file,
    )?;
    let chain = vec![
        ("core", remote("core", &options.core_endpoints, &identity)?),
        (
            "extensions",
            remote("extensions", &options.extensions_endpoints, &identity)?,
        ),
    ];
    let egress = options.egress.selector()?.lookup(NetworkContext::Cluster);
    serve(
        &options.serving,
        &options.auth,
        storage,
        chain,
        egress,
        stop,
    )
    .await
}

/// A delegate in other processes.
fn remote(
    name: &'static str,
    endpoints: &Endpoints,
    identity: &ServerFiles,
) -> anyhow::Result<Arc<dyn Delegate>> {
    let ca = identity
        .client_ca
        .clone()
        .context("the authority of delegates is not known")?;
    let pair = (identity.cert.clone(), identity.key.clone());
    let tls = Arc::new(ClientTls::new(ca, Some(pair), &[ALPN_H2])?);
    let server = pki::process_server_name(name);
    let dialer = TlsDialer::new(tls, Some(&server)).map_err(anyhow::Error::msg)?;
    let settings = LinkSettings::new(name, endpoints.clone());
    let delegate = GrpcDelegate::new(settings, Arc::new(dialer));
    Ok(Arc::new(fanout::Fanout::new(name, Arc::new(delegate))))
}

/// Serves the public ports in front of a chain of delegates, until `stop` and
/// the drain that follows it. Remote API servers are reached through `egress`.
///
/// # Errors
/// When a certificate, a port or the authenticator cannot be had.
pub async fn serve(
    serving: &Serving,
    auth: &catena_auth::Options,
    storage: Arc<dyn Storage>,
    chain: Vec<(&'static str, Arc<dyn Delegate>)>,
    egress: Arc<dyn Egress>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let addr = SocketAddr::new(serving.bind_address, serving.secure_port);
    let listener = TcpListener::bind(addr)
        .await
        .with_context(|| format!("failed to create listener: failed to listen on {addr}"))?;
    let tls = ServerTls::new(
        serving.files(auth.trust.client_ca_file.clone())?,
        ClientAuth::Request,
        &[ALPN_H2, ALPN_HTTP11],
    )?;
    let tls = Arc::new(tls);
    // Background work outlives the drain: requests that still run need it.
    let background = CancellationToken::new();
    let _end = background.clone().drop_guard();
    let auth = Arc::new(Auth::build(auth, storage.clone(), background.clone()).await?);
    let port = listener.local_addr()?.port();
    let proxy = proxy::Proxy::new(storage.clone(), serving.proxy_pair(), egress);
    let front = front(serving, port, auth, storage, chain, proxy, &background);
    spawn_controllers(&front, &background);
    tokio::spawn(tls.clone().watch(background.clone()));
    let closing = CancellationToken::new();
    let mut ports = tokio::task::JoinSet::new();
    if serving.insecure_port != 0 {
        let addr = SocketAddr::from(([127, 0, 0, 1], serving.insecure_port));
        let plain = TcpListener::bind(addr)
            .await
            .with_context(|| addr.to_string())?;
        tracing::warn!(%addr, "serving without authentication");
        ports.spawn(server::serve(
            front.clone(),
            plain,
            None,
            closing.clone(),
            DRAIN,
        ));
    }
    tracing::info!("Serving securely on {}", listener.local_addr()?);
    ports.spawn(server::serve(
        front.clone(),
        listener,
        Some(tls),
        closing.clone(),
        DRAIN,
    ));
    stop.cancelled().await;
    drain(serving, &front, &closing).await;
    while ports.join_next().await.is_some() {}
    Ok(())
}

/// Readiness turns red, then delay, then watches end and the listeners close.
async fn drain(serving: &Serving, front: &Front, closing: &CancellationToken) {
    front
        .leaving
        .store(true, std::sync::atomic::Ordering::Relaxed);
    tokio::time::sleep(serving.shutdown_delay_duration).await;
    front.drained.cancel();
    closing.cancel();
}

fn front(
    serving: &Serving,
    port: u16,
    auth: Arc<Auth>,
    storage: Arc<dyn Storage>,
    chain: Vec<(&'static str, Arc<dyn Delegate>)>,
    proxy: proxy::Proxy,
    background: &CancellationToken,
) -> Arc<Front> {
    let own = own::Own::new(&storage, &auth);
    let links: Vec<link::Link> = chain
        .into_iter()
        .map(|(name, delegate)| link::Link::new(name, delegate, background.clone()))
        .collect();
    let chain_only = serving.chain_only();
    let views = if chain_only {
        tracing::warn!("KUBE_API_VERSIONS is set: there is no aggregator");
        apiservices::Views::of_links(links.clone(), background.clone())
    } else {
        let resource = own.services.resource.clone();
        apiservices::Views::follow(resource, storage.clone(), background.clone())
    };
    let host = serving.advertise_address.unwrap_or(serving.bind_address);
    Arc::new(Front {
        settings: front::Settings {
            request_timeout: serving.request_timeout,
            chain_only,
            advertised: SocketAddr::new(host, port).to_string(),
        },
        auth,
        in_flight: filters::InFlight::new(
            serving.max_requests_inflight,
            serving.max_mutating_requests_inflight,
        ),
        links,
        own,
        views,
        proxy,
        storage,
        remote: papaya::HashMap::new(),
        openapi_v2: Default::default(),
        registered: false.into(),
        leaving: false.into(),
        drained: CancellationToken::new(),
    })
}

fn spawn_controllers(front: &Arc<Front>, background: &CancellationToken) {
    if front.settings.chain_only {
        return;
    }
    let (links, views) = (front.links.clone(), front.views.clone());
    let store = front.own.services.clone();
    tokio::spawn(apiservices::register_local(
        links,
        views.clone(),
        store.clone(),
        background.clone(),
    ));
    tokio::spawn(apiservices::watch_remote(
        front.clone(),
        views,
        store,
        background.clone(),
    ));
}
