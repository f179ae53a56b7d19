//! TokenRequest: what is asked for, and what is signed.

mod support;

use std::{
    net::IpAddr,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use catena_core::{
    AdmissionFlags, Extras, Options, Services, assemble,
    token::{Claims, Issued, TokenIssuer},
};
use catena_objects::{Status, Value, obj};
use catena_registry::{Context, Handler, Store};
use catena_storage::{Op, Storage, TxnRequest};
use support::Memory;

/// Signs nothing, and keeps what it was asked for.
#[derive(Default)]
struct Notes(Mutex<Vec<Claims>>);

#[async_trait]
impl TokenIssuer for Notes {
    fn default_audiences(&self) -> Vec<String> {
        vec!["api".to_owned()]
    }

    async fn issue(&self, claims: &Claims) -> Result<Issued, Status> {
        self.0.lock().expect("free").push(claims.clone());
        Ok(Issued {
            token: "signed".to_owned(),
            expires: "2030-01-01T00:00:00Z".to_owned(),
        })
    }
}

struct World {
    store: Store,
    handler: Arc<dyn Handler>,
    notes: Arc<Notes>,
}

async fn world() -> World {
    let storage: Arc<dyn Storage> = Arc::new(Memory::default());
    let notes: Arc<Notes> = Arc::default();
    let options = Options {
        admission: AdmissionFlags::default(),
        services: Services {
            service_cluster_ip_range: vec!["10.0.0.0/28".parse().expect("a range")],
            service_node_port_range: (30000, 30003),
        },
        advertise_address: Some(IpAddr::from([192, 0, 2, 1])),
        secure_port: 6443,
        pods: catena_core::Pods::default(),
        kubelet: catena_core::KubeletFlags::default(),
        egress: Default::default(),
    };
    let extras = Extras {
        issuer: Some(notes.clone()),
        ..Extras::default()
    };
    let objects = [
        (
            "serviceaccounts/ns/robot",
            r#"{"kind":"ServiceAccount","apiVersion":"v1","metadata":{"name":"robot","namespace":"ns","uid":"u1"}}"#,
        ),
        (
            "pods/ns/p",
            r#"{"kind":"Pod","apiVersion":"v1","metadata":{"name":"p","namespace":"ns","uid":"u2"},"spec":{"serviceAccountName":"robot","nodeName":"n"}}"#,
        ),
        (
            "pods/ns/lost",
            r#"{"kind":"Pod","apiVersion":"v1","metadata":{"name":"lost","namespace":"ns","uid":"u3"},"spec":{"serviceAccountName":"robot","nodeName":"gone"}}"#,
        ),
        (
            "pods/ns/other",
            r#"{"kind":"Pod","apiVersion":"v1","metadata":{"name":"other","namespace":"ns","uid":"u4"},"spec":{"serviceAccountName":"x"}}"#,
        ),
        (
            "minions/n",
            r#"{"kind":"Node","apiVersion":"v1","metadata":{"name":"n","uid":"u5"}}"#,
        ),
    ];
    let put = |(key, value): &(&str, &str)| Op::Put {
        key: format!("/registry/{key}").into(),
        value: value.as_bytes().to_vec().into(),
        lease: 0,
    };
    let request = TxnRequest {
        success: objects.iter().map(put).collect(),
        ..TxnRequest::default()
    };
    storage.txn(request).await.expect("memory");
    let assembled = assemble::resources(&options, &storage, extras).expect("resources");
    let resources = assembled.resources;
    let accounts = resources
        .iter()
        .find(|r| r.group.is_empty() && r.plural == "serviceaccounts")
        .expect("registered");
    let (_, handler) = accounts
        .handlers
        .iter()
        .find(|(name, _)| name == "token")
        .expect("tokens are signed");
    World {
        store: Store::new(accounts.clone(), storage),
        handler: handler.clone(),
        notes,
    }
}

impl World {
    async fn ask(&self, body: Value) -> Result<Value, Status> {
        let ctx = Context {
            namespace: "ns".to_owned(),
            now: "2026-01-01T00:00:00Z".to_owned(),
            ..Context::default()
        };
        let answer = self.handler.create(&ctx, &self.store, "robot", body).await;
        answer.map(|(_, object)| object)
    }

    fn signed(&self) -> Claims {
        let all = self.notes.0.lock().expect("free");
        all.last().expect("signed").clone()
    }
}

fn to(kind: &str, name: &str, uid: &str) -> Value {
    obj!({"spec": {"boundObjectRef": {"kind": kind, "apiVersion": "v1", "name": name, "uid": uid}}})
}

#[tokio::test]
async fn claims_are_those_of_account_pod_and_node() {
    let w = world().await;
    let answer = w.ask(obj!({"spec": {}})).await.expect("signed");
    assert_eq!(answer.str_at(&["status", "token"]), "signed");
    assert_eq!(answer.str_at(&["metadata", "uid"]), "u1");
    let plain = Claims {
        namespace: "ns".to_owned(),
        account: "robot".to_owned(),
        account_uid: "u1".to_owned(),
        audiences: vec!["api".to_owned()],
        seconds: 3_600,
        bound: None,
        node: None,
    };
    assert_eq!(w.signed(), plain);
    let triple = |a: &str, b: &str, c: &str| Some((a.to_owned(), b.to_owned(), c.to_owned()));
    let pair = |a: &str, b: &str| Some((a.to_owned(), b.to_owned()));
    let cases = [
        (
            to("Pod", "p", "u2"),
            triple("Pod", "p", "u2"),
            pair("n", "u5"),
        ),
        (
            to("Pod", "lost", ""),
            triple("Pod", "lost", "u3"),
            pair("gone", ""),
        ),
        (to("Node", "n", ""), triple("Node", "n", "u5"), None),
    ];
    for (body, bound, node) in cases {
        w.ask(body).await.expect("signed");
        assert_eq!((w.signed().bound, w.signed().node), (bound, node));
    }
}

#[tokio::test]
async fn wrong_requests_are_refused() {
    let w = world().await;
    let cases = [
        (
            obj!({"metadata": {"name": "x"}, "spec": {}}),
            422,
            "TokenRequest.authentication.k8s.io \"robot\" is invalid: metadata.name: Invalid value: \"x\": must match the service account name if specified",
        ),
        (
            obj!({"metadata": {"namespace": "x"}, "spec": {}}),
            400,
            "the namespace of the provided object does not match the namespace sent on the request",
        ),
        (
            obj!({"metadata": {"uid": "x"}, "spec": {}}),
            409,
            "Operation cannot be fulfilled on TokenRequest.authentication.k8s.io \"robot\": the UID in the token request (x) does not match the UID of the service account (u1)",
        ),
        (
            obj!({"metadata": {"name": "robot"}, "spec": {"expirationSeconds": 10}}),
            422,
            "TokenRequest.authentication.k8s.io \"\" is invalid: spec.expirationSeconds: Invalid value: 10: may not specify a duration less than 10 minutes",
        ),
        (
            to("Pod", "other", ""),
            400,
            "cannot bind token for serviceaccount \"robot\" to pod running with different serviceaccount name.",
        ),
        (
            to("Pod", "p", "u9"),
            409,
            "Operation cannot be fulfilled on pods \"p\": the UID in the bound object reference (u9) does not match the UID in record. The object might have been deleted and then recreated",
        ),
        (to("Pod", "absent", ""), 404, "pods \"absent\" not found"),
        (
            to("Lease", "x", ""),
            400,
            "cannot bind token to object of type /v1, Kind=Lease",
        ),
    ];
    for (body, code, why) in cases {
        let refused = w.ask(body).await.expect_err(why);
        assert_eq!((refused.code, refused.message.as_str()), (code, why));
    }
}
