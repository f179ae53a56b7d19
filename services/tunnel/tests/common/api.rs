//! An API server that knows nodes only.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::{Mutex, broadcast},
};

/// Nodes by name, with their addresses.
#[derive(Clone)]
pub struct Api {
    pub at: SocketAddr,
    nodes: Arc<Mutex<BTreeMap<String, String>>>,
    events: broadcast::Sender<String>,
}

fn node(name: &str, address: &str) -> String {
    format!(
        r#"{{"apiVersion":"v1","kind":"Node","metadata":{{"name":"{name}","uid":"{name}","resourceVersion":"2"}},"status":{{"addresses":[{{"type":"InternalIP","address":"{address}"}}]}}}}"#
    )
}

impl Api {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let api = Self {
            at: listener.local_addr().expect("an address"),
            nodes: Arc::default(),
            events: broadcast::channel(64).0,
        };
        let serving = api.clone();
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let api = serving.clone();
                tokio::spawn(async move { api.answer(tcp).await });
            }
        });
        api
    }

    pub fn kubeconfig(&self) -> String {
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters:\n- name: c\n  cluster: {{server: \"http://{}\"}}\nusers:\n- name: u\n  user: {{token: t}}\ncontexts:\n- name: c\n  context: {{cluster: c, user: u}}\n",
            self.at
        )
    }

    pub async fn add(&self, name: &str, address: &str) {
        self.nodes
            .lock()
            .await
            .insert(name.to_owned(), address.to_owned());
        self.tell("ADDED", &node(name, address));
    }

    pub async fn remove(&self, name: &str) {
        let address = self.nodes.lock().await.remove(name).expect("a node");
        self.tell("DELETED", &node(name, &address));
    }

    fn tell(&self, kind: &str, object: &str) {
        // Nobody may be watching yet.
        let _ = self
            .events
            .send(format!(r#"{{"type":"{kind}","object":{object}}}"#));
    }

    async fn answer(&self, mut tcp: TcpStream) {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let Ok(byte) = tcp.read_u8().await else {
                return;
            };
            head.push(byte);
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        let line = head.lines().next().unwrap_or_default();
        assert!(line.starts_with("GET /api/v1/nodes?"), "{line}");
        let mut events = self.events.subscribe();
        let ok = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n";
        let _ = tcp.write_all(ok.as_bytes()).await;
        if !line.contains("watch=true") {
            let nodes = self.nodes.lock().await;
            let items: Vec<_> = nodes.iter().map(|(n, a)| node(n, a)).collect();
            let list = format!(
                r#"{{"apiVersion":"v1","kind":"NodeList","metadata":{{"resourceVersion":"1"}},"items":[{}]}}"#,
                items.join(",")
            );
            let _ = tcp.write_all(list.as_bytes()).await;
            return;
        }
        while let Ok(event) = events.recv().await {
            if tcp
                .write_all(format!("{event}\n").as_bytes())
                .await
                .is_err()
            {
                return;
            }
        }
    }
}
