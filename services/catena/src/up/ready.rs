//! Waits until the control plane answers.

use std::{sync::Arc, time::Duration};

use catena_runtime::{
    net,
    tls::{ALPN_HTTP11, ClientTls},
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::{TlsConnector, rustls::pki_types::ServerName};

use super::Plan;

const AGAIN: Duration = Duration::from_millis(5);
const QUESTION: &[u8] = b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/// Returns when `/readyz` says ok.
pub(super) async fn wait(plan: &Plan) -> anyhow::Result<()> {
    let pair = plan
        .pki
        .client("admin", "kubernetes-admin", Some("system:masters"))?;
    let identity = Some((pair.cert, pair.key));
    let tls = Arc::new(ClientTls::new(plan.pki.ca()?, identity, &[ALPN_HTTP11])?);
    let mut address = plan.address;
    if address.ip().is_unspecified() {
        address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    loop {
        if ask(address, &tls).await.unwrap_or(false) {
            return Ok(());
        }
        tokio::time::sleep(AGAIN).await;
    }
}

async fn ask(address: std::net::SocketAddr, tls: &ClientTls) -> std::io::Result<bool> {
    let io = net::connect_tcp(address).await?;
    let name = ServerName::IpAddress(address.ip().into());
    let mut stream = TlsConnector::from(tls.config()).connect(name, io).await?;
    stream.write_all(QUESTION).await?;
    let mut head = [0; 12];
    stream.read_exact(&mut head).await?;
    Ok(&head[9..] == b"200")
}
