//! Remote API servers: requests go over HTTPS with the user in front-proxy
//! headers (`kube-aggregator/pkg/apiserver/handler_proxy.go`).

use std::{collections::HashMap, path::PathBuf, sync::Arc, time::Duration};

use catena_egress::Egress;
use catena_objects::{Reason, Status, user::User};
use catena_storage::Storage;
use catena_telemetry::trace;
use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use http_body_util::BodyExt as _;
use hyper::{body::Incoming, client::conn};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use rustls::pki_types::ServerName;
use tokio_rustls::TlsConnector;

use crate::{
    apiservices::Entry,
    body::FrontBody,
    call::Call,
    resolve::{self, Place},
    route, trust,
};

const CONNECT: Duration = Duration::from_secs(10);

/// Certificate with which the front proves itself to remote servers.
#[derive(Clone, Debug)]
pub(crate) struct ClientPair {
    pub(crate) cert: PathBuf,
    pub(crate) key: PathBuf,
}

/// Reaches remote servers.
pub(crate) struct Proxy {
    storage: Arc<dyn Storage>,
    pair: Option<ClientPair>,
    /// Every connection to a remote server is made here.
    egress: Arc<dyn Egress>,
    /// Configurations by APIService, for as long as it says the same.
    trusted: Mutex<HashMap<String, Trusted>>,
}

/// `caBundle`, `insecureSkipTLSVerify`, and what was made of both.
type Trusted = (String, bool, Arc<rustls::ClientConfig>);

pub(crate) type Sender = conn::http1::SendRequest<ProxyBody>;
pub(crate) type ProxyBody = http_body_util::combinators::UnsyncBoxBody<bytes::Bytes, hyper::Error>;

impl Proxy {
    pub(crate) fn new(
        storage: Arc<dyn Storage>,
        pair: Option<ClientPair>,
        egress: Arc<dyn Egress>,
    ) -> Self {
        Self {
            storage,
            pair,
            egress,
            trusted: Mutex::default(),
        }
    }

    /// Sends the request on and gives its answer back as it comes.
    pub(crate) async fn forward(
        &self,
        entry: &Entry,
        call: &Call,
        request: http::Request<Incoming>,
    ) -> Result<http::Response<FrontBody>, Status> {
        if !entry.available {
            return Err(unavailable("service unavailable"));
        }
        let span = trace::span("dial");
        span.set("server.address", || host(entry));
        let mut sender = span.run(self.connect(entry)).await?;
        let span = trace::call("HTTP request");
        span.set("http.request.method", || call.method.to_string());
        span.set("server.address", || host(entry));
        let mut request = request;
        let upgrades = call.wants_upgrade();
        let from_client = upgrades.then(|| hyper::upgrade::on(&mut request));
        let mut outgoing = http::Request::new(request.into_body().boxed_unsync());
        *outgoing.method_mut() = call.method.clone();
        *outgoing.uri_mut() = target(call)?;
        *outgoing.headers_mut() = route::forwarded(&call.headers);
        let headers = outgoing.headers_mut();
        name_user(headers, &call.user);
        set(headers, "host", &host(entry));
        set(headers, "x-forwarded-for", &call.peer.addr.ip().to_string());
        set(headers, "audit-id", &call.audit_id);
        let own = span.traceparent();
        let parent = own.as_deref().unwrap_or(&call.traceparent);
        if !parent.is_empty() {
            set(headers, trace::TRACEPARENT, parent);
        }
        if upgrades {
            set(headers, "connection", "Upgrade");
            set(headers, "upgrade", call.header("upgrade"));
        }
        let answered = span.clone().run(sender.send_request(outgoing)).await;
        span.result(&answered);
        let mut answer =
            answered.map_err(|e| unavailable(&format!("error trying to reach service: {e}")))?;
        if let Some(from_client) = from_client
            && answer.status() == http::StatusCode::SWITCHING_PROTOCOLS
        {
            let from_server = hyper::upgrade::on(&mut answer);
            tokio::spawn(span.clone().run(join(from_client, from_server)));
        }
        let (mut head, body) = answer.into_parts();
        if !upgrades {
            for name in ["connection", "transfer-encoding", "keep-alive"] {
                head.headers.remove(name);
            }
        }
        let stream = http_body_util::BodyDataStream::new(body);
        let body = FrontBody::remote(stream);
        Ok(http::Response::from_parts(head, body))
    }

    /// A connection to a server behind the service.
    pub(crate) async fn connect(&self, entry: &Entry) -> Result<Sender, Status> {
        let Some(service) = &entry.service else {
            return Err(Status::internal("the APIService is local"));
        };
        let place = resolve::service(&*self.storage, service)
            .await
            .map_err(|why| unavailable(&why))?;
        tokio::time::timeout(CONNECT, self.dial(entry, &place))
            .await
            .unwrap_or_else(|_| Err("dial timed out".to_owned()))
            .map_err(|why| unavailable(&format!("error trying to reach service: {why}")))
    }

    async fn dial(&self, entry: &Entry, (host, port): &Place) -> Result<Sender, String> {
        let config = self.config(entry)?;
        let dialled = self.egress.dial(host, *port).await;
        let io = dialled.map_err(|e| e.to_string())?;
        let name = entry
            .service
            .as_ref()
            .map(|s| format!("{}.{}.svc", s.name, s.namespace))
            .unwrap_or_default();
        let name = ServerName::try_from(name).map_err(|e| e.to_string())?;
        let tls = TlsConnector::from(config)
            .connect(name, io)
            .await
            .map_err(|e| e.to_string())?;
        let (sender, connection) = conn::http1::handshake(TokioIo::new(tls))
            .await
            .map_err(|e| e.to_string())?;
        tokio::spawn(connection.with_upgrades());
        Ok(sender)
    }

    fn config(&self, entry: &Entry) -> Result<Arc<rustls::ClientConfig>, String> {
        let mut trusted = self.trusted.lock();
        if let Some((bundle, insecure, config)) = trusted.get(&entry.name)
            && *bundle == entry.ca_bundle
            && *insecure == entry.insecure
        {
            return Ok(config.clone());
        }
        let config = Arc::new(trust::config(
            &entry.ca_bundle,
            entry.insecure,
            self.pair.as_ref(),
        )?);
        let value = (entry.ca_bundle.clone(), entry.insecure, config.clone());
        trusted.insert(entry.name.clone(), value);
        Ok(config)
    }
}

async fn join(client: hyper::upgrade::OnUpgrade, server: hyper::upgrade::OnUpgrade) {
    if let (Ok(client), Ok(server)) = (client.await, server.await) {
        let (mut a, mut b) = (TokioIo::new(client), TokioIo::new(server));
        let _ = tokio::io::copy_bidirectional(&mut a, &mut b).await;
    }
}

fn target(call: &Call) -> Result<Uri, Status> {
    let mut text = call.raw_path.clone();
    if !call.query.is_empty() {
        text.push('?');
        text.push_str(&call.query);
    }
    text.parse()
        .map_err(|e| Status::bad_request(format!("the path is not one: {e}")))
}

pub(crate) fn host(entry: &Entry) -> String {
    entry
        .service
        .as_ref()
        .map(|s| format!("{}.{}.svc:{}", s.name, s.namespace, s.port))
        .unwrap_or_default()
}

/// The user as remote servers believe it from a front proxy.
pub(crate) fn name_user(headers: &mut HeaderMap, user: &User) {
    set(headers, "x-remote-user", &user.name);
    if !user.uid.is_empty() {
        set(headers, "x-remote-uid", &user.uid);
    }
    for group in &user.groups {
        add(headers, "x-remote-group", group);
    }
    for (key, values) in &user.extra {
        let name = format!("x-remote-extra-{}", escape(key));
        for value in values {
            add(headers, &name, value);
        }
    }
}

/// Percent-encodes what a header name may not hold.
fn escape(key: &str) -> String {
    let mut out = String::new();
    for byte in key.bytes() {
        let plain = byte.is_ascii_alphanumeric() || b"!#$&'*+-.^_`|~".contains(&byte);
        if plain {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02x}"));
        }
    }
    out
}

fn set(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

fn add(headers: &mut HeaderMap, name: &str, value: &str) {
    if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_str(value)) {
        headers.append(name, value);
    }
}

pub(crate) fn unavailable(why: &str) -> Status {
    Status::new(Reason::ServiceUnavailable, why)
}
