//! A delegate on storage in memory, and requests to it.

use std::sync::Arc;

use catena_delegate::{Body, Delegate, Outcome, Request, RequestInfo, Response};
use catena_extensions::{Options, build};
use catena_objects::{Value, json};
use catena_storage::{Op, Storage, TxnRequest, testing::Memory};
use futures_util::StreamExt;
use tokio_util::sync::CancellationToken;

/// The namespace that exists.
pub(crate) const NS: &str = "default";

pub(crate) struct World {
    pub(crate) delegate: Arc<dyn Delegate>,
    pub(crate) storage: Arc<dyn Storage>,
    stop: CancellationToken,
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// An answer, decoded.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: u16,
    pub(crate) body: Value,
    pub(crate) text: String,
    pub(crate) warnings: Vec<String>,
}

impl Answer {
    pub(crate) fn message(&self) -> &str {
        self.body.str_at(&["message"])
    }
}

/// Verb, path, query and body to a request as the front makes it.
pub(crate) fn request(method: &str, url: &str, body: &str) -> Request {
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let mut info = RequestInfo {
        verb: method.to_lowercase(),
        ..RequestInfo::default()
    };
    if let ["apis", group, version, rest @ ..] = parts.as_slice()
        && !rest.is_empty()
    {
        let rest = match rest {
            ["namespaces", ns, rest @ ..] if !rest.is_empty() => {
                info.namespace = (*ns).into();
                rest
            }
            rest => rest,
        };
        let part = |i: usize| rest.get(i).map(|s| (*s).to_owned()).unwrap_or_default();
        info.is_resource = true;
        info.api_prefix = "apis".into();
        info.api_group = (*group).into();
        info.api_version = (*version).into();
        info.parts = rest.iter().map(|s| (*s).to_owned()).collect();
        (info.resource, info.name, info.subresource) = (part(0), part(1), part(2));
        info.verb = match (method, info.name.is_empty()) {
            ("POST", _) => "create",
            ("PUT", _) => "update",
            ("PATCH", _) => "patch",
            ("DELETE", true) => "deletecollection",
            ("DELETE", false) => "delete",
            _ if query.contains("watch=true") => "watch",
            (_, true) => "list",
            (_, false) => "get",
        }
        .into();
    }
    let mut r = Request {
        method: method.into(),
        path: path.into(),
        query: query.into(),
        body: body.to_owned().into(),
        info,
        ..Request::default()
    };
    let kind = match method {
        "PATCH" => "application/merge-patch+json",
        _ => "application/json",
    };
    r.headers
        .insert("content-type", kind.parse().expect("a header"));
    r.headers
        .insert("accept", "application/json".parse().expect("a header"));
    r
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::on(Arc::new(Memory::default())).await
    }

    /// One more server on the same storage.
    pub(crate) async fn on(storage: Arc<dyn Storage>) -> Self {
        let namespace = format!(
            r#"{{"kind":"Namespace","apiVersion":"v1","metadata":{{"name":"{NS}"}},"status":{{"phase":"Active"}}}}"#
        );
        let put = Op::Put {
            key: format!("/registry/namespaces/{NS}").into(),
            value: namespace.into(),
            lease: 0,
        };
        storage
            .txn(TxnRequest {
                success: vec![put],
                ..TxnRequest::default()
            })
            .await
            .expect("written");
        let stop = CancellationToken::new();
        let delegate = build(&Options::default(), storage.clone(), stop.clone())
            .await
            .expect("built");
        let mut described = delegate.describe();
        while let Some(d) = described.next().await {
            if d.expect("described").ready {
                break;
            }
        }
        Self {
            delegate,
            storage,
            stop,
        }
    }

    /// `None`: not this server's.
    pub(crate) async fn send(&self, r: Request) -> Option<Answer> {
        Some(Self::read(self.open(r).await?).await)
    }

    /// As [`Self::send`], without the body: a watch has begun.
    pub(crate) async fn open(&self, r: Request) -> Option<Response> {
        match self.delegate.serve(r).await.expect("answered") {
            Outcome::Served(response) => Some(response),
            Outcome::NotMine => None,
        }
    }

    pub(crate) async fn read(response: Response) -> Answer {
        let bytes = match response.body {
            Body::Full(b) => b.to_vec(),
            other => {
                let mut s = other.into_bytes();
                let mut all = Vec::new();
                while let Some(part) = s.next().await {
                    all.extend_from_slice(&part.expect("a part"));
                }
                all
            }
        };
        Answer {
            code: response.status,
            body: json::parse(&bytes).unwrap_or_default(),
            text: String::from_utf8_lossy(&bytes).into_owned(),
            warnings: response.warnings,
        }
    }

    pub(crate) async fn ask(&self, method: &str, url: &str, body: &str) -> Answer {
        self.send(request(method, url, body))
            .await
            .unwrap_or_else(|| panic!("{method} {url} was not claimed"))
    }

    /// Asks for a definition until it is as wanted.
    pub(crate) async fn wait(&self, name: &str, wanted: impl Fn(&Answer) -> bool) -> Answer {
        let url = format!("{CRDS}/{name}");
        loop {
            let answer = self.ask("GET", &url, "").await;
            if wanted(&answer) {
                return answer;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }

    /// Creates a definition and waits until it is established.
    pub(crate) async fn define(&self, crd: &str) -> Answer {
        let made = self.ask("POST", CRDS, crd).await;
        assert_eq!(made.code, 201, "{}", made.text);
        let name = made.body.str_at(&["metadata", "name"]).to_owned();
        self.wait(&name, |a| condition(&a.body, "Established") == "True")
            .await
    }
}

pub(crate) const CRDS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

/// Status of a condition, "" without it.
pub(crate) fn condition<'a>(object: &'a Value, ty: &str) -> &'a str {
    object
        .items_at(&["status", "conditions"])
        .iter()
        .find(|c| c.str_at(&["type"]) == ty)
        .map_or("", |c| c.str_at(&["status"]))
}
