//! A server's authentication and authorization over storage in memory.
#![allow(dead_code, reason = "each test takes what it needs")]

use std::{path::PathBuf, sync::Arc};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use catena_auth::{Auth, Options, authn::Credentials};
use catena_objects::{Status, Value, json, user::User};
use catena_storage::testing::Memory;
use clap::Parser;
use http::{HeaderMap, HeaderName, HeaderValue};
use rustls_pki_types::CertificateDer;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

pub(crate) const ISSUER: &str = "https://issuer.example.com";

pub(crate) struct World {
    pub(crate) dir: TempDir,
    pub(crate) storage: Arc<Memory>,
    stop: CancellationToken,
}

#[derive(Parser)]
struct Args {
    #[command(flatten)]
    options: Options,
}

pub(crate) fn options(args: &[&str]) -> Options {
    let name = std::iter::once("test");
    Args::parse_from(name.chain(args.iter().copied())).options
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            dir: tempfile::tempdir().expect("a directory"),
            storage: Arc::default(),
            stop: CancellationToken::new(),
        }
    }

    pub(crate) fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, content).expect("written");
        path
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.dir.path().join(name).display().to_string()
    }

    /// Stores an object below its key without the prefix of all keys.
    pub(crate) fn put(&self, key: &str, object: &Value) {
        self.storage
            .put(&format!("/registry/{key}"), json::to_vec(object));
    }

    pub(crate) fn delete(&self, key: &str) {
        self.storage.delete(&format!("/registry/{key}"));
    }

    pub(crate) async fn auth(&self, args: &[&str]) -> Auth {
        Auth::build(&options(args), self.storage.clone(), self.stop.clone())
            .await
            .expect("built")
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

pub(crate) fn headers(list: &[(&str, &str)]) -> HeaderMap {
    let mut out = HeaderMap::new();
    for (name, value) in list {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
        out.append(name, HeaderValue::from_str(value).expect("a value"));
    }
    out
}

pub(crate) async fn ask(
    auth: &Auth,
    certificates: Option<&[CertificateDer<'static>]>,
    list: &[(&str, &str)],
) -> Result<User, Status> {
    let headers = headers(list);
    let credentials = Credentials {
        certificates,
        headers: &headers,
        remote_addr: "192.0.2.1:1",
    };
    auth.authenticate(&credentials).await
}

/// The user of a bearer token, or the code of the failure.
pub(crate) async fn bearer(auth: &Auth, token: &str) -> Result<User, u16> {
    let value = format!("Bearer {token}");
    ask(auth, None, &[("authorization", &value)])
        .await
        .map_err(|s| s.code)
}

/// A part of a token.
pub(crate) fn part(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

/// Waits until something that follows storage has followed it.
pub(crate) async fn eventually(check: impl AsyncFn() -> bool) {
    for _ in 0..2_000 {
        if check().await {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    panic!("what was waited for did not come");
}
