//! A web hook that brings the key to the nodes.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use bytes::Bytes;
use catena_runtime::tls::{ALPN_HTTP11, ClientTls};
use http::{Method, Request, Uri, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::limits;

/// Where the key is posted to, over HTTPS.
pub(crate) struct Webhook {
    url: Uri,
    tls: ClientTls,
}

impl Webhook {
    /// # Errors
    /// What was expected, in words for the operator.
    pub(crate) fn parse(url: &str) -> Result<Uri, String> {
        let uri: Option<Uri> = url.parse().ok();
        uri.filter(|u| u.scheme_str() == Some("https"))
            .filter(|u| u.host().is_some_and(|h| name(h).is_some()))
            .ok_or_else(|| {
                format!(
                    "--ssh-key-installer-webhook {url:?} must be a URL that starts with https://"
                )
            })
    }

    /// `own`: certificate and key that are shown to a hook that asks.
    ///
    /// # Errors
    /// When a file cannot be used.
    pub(crate) fn new(
        url: &str,
        ca: &Path,
        own: Option<(PathBuf, PathBuf)>,
    ) -> anyhow::Result<Self> {
        let url = Self::parse(url).map_err(anyhow::Error::msg)?;
        let tls = ClientTls::new(ca.to_owned(), own, &[ALPN_HTTP11])?;
        Ok(Self { url, tls })
    }

    /// For messages: without the query, which may be a secret.
    pub(crate) fn url(&self) -> String {
        let host = self.url.authority().map_or("", |a| a.as_str());
        format!("https://{host}{}", self.url.path())
    }

    /// Any answer of 2xx says that the key is where it belongs.
    ///
    /// # Errors
    /// What failed, or what the hook said instead.
    pub(super) async fn install(&self, user: &str, line: &str) -> anyhow::Result<()> {
        let host = self.url.host().context("there is no host")?;
        let server = name(host).context("the host is no name of a server")?;
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let tcp = TcpStream::connect((bare, self.url.port_u16().unwrap_or(443))).await?;
        self.tls.refresh();
        let tls = TlsConnector::from(self.tls.config());
        let tls = tls.connect(server, tcp).await?;
        let (mut sender, connection) = http1::Builder::new()
            .max_buf_size(limits::HEAD)
            .handshake(TokioIo::new(tls))
            .await?;
        let connection = tokio::spawn(connection);
        let answered = sender.send_request(self.request(user, line)?).await;
        let (head, body) = answered?.into_parts();
        let said = Limited::new(body, limits::INSTALL_ANSWER).collect().await;
        connection.abort();
        if head.status.is_success() {
            return Ok(());
        }
        // Too long an answer is no reason to hide the status.
        let said = said.map(|s| s.to_bytes()).unwrap_or_default();
        anyhow::bail!("{}: {}", head.status, String::from_utf8_lossy(&said).trim());
    }

    fn request(&self, user: &str, line: &str) -> anyhow::Result<Request<Full<Bytes>>> {
        let body = serde_json::json!({"user": user, "authorizedKey": line});
        let path = self.url.path_and_query().map_or("/", |p| p.as_str());
        let host = self.url.authority().map_or("", |a| a.as_str());
        let request = Request::builder()
            .method(Method::POST)
            .uri(path)
            .header(header::HOST, host)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::CONNECTION, "close")
            .body(Full::from(serde_json::to_vec(&body)?))?;
        Ok(request)
    }
}

fn name(host: &str) -> Option<ServerName<'static>> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    ServerName::try_from(bare.to_owned()).ok()
}
