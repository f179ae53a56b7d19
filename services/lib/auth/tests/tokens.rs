//! Tokens of service accounts: who is let in by them, and who is not.

mod support;

use catena_auth::{
    Auth,
    tokens::{Claims, Issuer},
};
use catena_objects::{Value, json, obj, user::User};
use support::{ISSUER, World, bearer, part};

const SPACE: &str = "ns";

fn account(uid: &str) -> Value {
    obj!({"kind": "ServiceAccount", "apiVersion": "v1", "metadata": {"name": "robot", "namespace": SPACE, "uid": uid}})
}

/// Keys `name.key` and `name.pub` in the directory.
fn keys(world: &World, name: &str, algorithm: &'static rcgen::SignatureAlgorithm) {
    let pair = rcgen::KeyPair::generate_for(algorithm).expect("made");
    world.file(&format!("{name}.key"), &pair.serialize_pem());
    world.file(&format!("{name}.pub"), &pair.public_key_pem());
}

fn issuer(world: &World, name: &str) -> Issuer {
    let key = world.dir.path().join(format!("{name}.key"));
    Issuer::open(ISSUER, &key, vec![ISSUER.to_owned()]).expect("a key")
}

fn claims() -> Claims {
    Claims {
        namespace: SPACE.to_owned(),
        account: "robot".to_owned(),
        account_uid: "u1".to_owned(),
        audiences: vec![ISSUER.to_owned()],
        seconds: 3_600,
        ..Claims::default()
    }
}

fn token(issuer: &Issuer, claims: &Claims) -> String {
    issuer.issue(claims).expect("signed").0
}

async fn server(world: &World, names: &[&str]) -> Auth {
    let mut args = vec![
        format!("--service-account-issuer={ISSUER}"),
        "--authorization-mode=RBAC".to_owned(),
    ];
    for name in names {
        let path = world.path(&format!("{name}.pub"));
        args.push(format!("--service-account-key-file={path}"));
    }
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    world.auth(&args).await
}

fn extra<'a>(user: &'a User, key: &str) -> Vec<&'a str> {
    let key = format!("authentication.kubernetes.io/{key}");
    let values = user.extra.get(&key).into_iter().flatten();
    values.map(String::as_str).collect()
}

/// The payload of a token.
fn payload(token: &str) -> Value {
    use base64::Engine as _;
    let encoded = token.split('.').nth(1).expect("three parts");
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(encoded);
    json::parse(&bytes.expect("encoded")).expect("JSON")
}

#[tokio::test]
async fn each_kind_of_key_signs_and_verifies() {
    let world = World::new();
    world.put("serviceaccounts/ns/robot", &account("u1"));
    let kinds = [
        ("rsa", &rcgen::PKCS_RSA_SHA256),
        ("p256", &rcgen::PKCS_ECDSA_P256_SHA256),
        ("p384", &rcgen::PKCS_ECDSA_P384_SHA384),
        ("p521", &rcgen::PKCS_ECDSA_P521_SHA512),
    ];
    for (name, algorithm) in kinds {
        keys(&world, name, algorithm);
    }
    let auth = server(&world, &["rsa", "p256", "p384", "p521"]).await;
    for (name, _) in kinds {
        let token = token(&issuer(&world, name), &claims());
        let user = bearer(&auth, &token).await.expect(name);
        assert_eq!(user.name, "system:serviceaccount:ns:robot");
        assert_eq!(user.uid, "u1");
        let groups = [
            "system:serviceaccounts",
            "system:serviceaccounts:ns",
            "system:authenticated",
        ];
        assert_eq!(user.groups, groups);
        let id = extra(&user, "credential-id");
        let jti = payload(&token).str_at(&["jti"]).to_owned();
        assert_eq!(id, [format!("JTI={jti}")]);
        assert_eq!(user.extra.len(), 1);
    }
}

#[tokio::test]
async fn keys_in_their_traditional_form_sign_and_verify() {
    use aws_lc_rs::{encoding::AsDer as _, signature as sig};
    let world = World::new();
    world.put("serviceaccounts/ns/robot", &account("u1"));
    let pem = |name: &str, kind: &str, der: &[u8]| {
        use base64::Engine as _;
        let body = base64::engine::general_purpose::STANDARD.encode(der);
        let text = format!("-----BEGIN {kind}-----\n{body}\n-----END {kind}-----\n");
        world.file(&format!("{name}.key"), &text);
    };
    // Behind version and algorithm, PKCS #8 holds the key as PKCS #1 has it.
    let rsa = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).expect("made");
    pem("rsa", "RSA PRIVATE KEY", &rsa.serialize_der()[26..]);
    let curves = [
        ("p256", &sig::ECDSA_P256_SHA256_FIXED_SIGNING),
        ("p384", &sig::ECDSA_P384_SHA384_FIXED_SIGNING),
        ("p521", &sig::ECDSA_P521_SHA512_FIXED_SIGNING),
    ];
    for (name, curve) in curves {
        let key = sig::EcdsaKeyPair::generate(curve).expect("made");
        let der = key.private_key().as_der().expect("encoded");
        pem(name, "EC PRIVATE KEY", der.as_ref());
    }
    for name in ["rsa", "p256", "p384", "p521"] {
        let path = world.path(&format!("{name}.key"));
        let args = [
            format!("--service-account-issuer={ISSUER}"),
            format!("--service-account-signing-key-file={path}"),
            format!("--service-account-key-file={path}"),
            "--authorization-mode=RBAC".to_owned(),
        ];
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let issuer = Issuer::from_options(&support::options(&args));
        let issuer = issuer.expect(name).expect("an issuer");
        let user = bearer(&world.auth(&args).await, &token(&issuer, &claims())).await;
        assert_eq!(user.expect(name).uid, "u1");
    }
}

#[tokio::test]
async fn a_token_dies_with_what_it_is_bound_to() {
    let world = World::new();
    keys(&world, "k", &rcgen::PKCS_ECDSA_P256_SHA256);
    let meta = |kind: &str, name: &str, uid: &str| obj!({"kind": kind, "apiVersion": "v1", "metadata": {"name": name, "namespace": SPACE, "uid": uid}});
    let issuer = issuer(&world, "k");
    let all = [
        ("Pod", "pods/ns/x", "pods/ns/x"),
        ("Secret", "secrets/ns/x", "secrets/ns/x"),
        ("Node", "minions/x", "minions/x"),
        ("", "serviceaccounts/ns/robot", ""),
    ];
    for (kind, key, bound) in all {
        world.put("serviceaccounts/ns/robot", &account("u1"));
        if !bound.is_empty() {
            world.put(bound, &meta(kind, "x", "u2"));
        }
        let mut claims = claims();
        if !bound.is_empty() {
            claims.bound = Some((kind.to_owned(), "x".to_owned(), "u2".to_owned()));
        }
        let token = token(&issuer, &claims);
        // A server of its own for each question: none remembers an answer.
        let user = bearer(&server(&world, &["k"]).await, &token).await;
        assert!(user.is_ok(), "{kind}");
        let mut leaving = meta(kind, "x", if bound.is_empty() { "u1" } else { "u2" });
        leaving.set(&["metadata", "deletionTimestamp"], "2020-01-01T00:00:00Z");
        world.put(key, &leaving);
        let left = bearer(&server(&world, &["k"]).await, &token).await;
        assert_eq!(left, Err(401), "{kind} in deletion");
        world.put(key, &meta(kind, "x", "another"));
        let other = bearer(&server(&world, &["k"]).await, &token).await;
        assert_eq!(other, Err(401), "another {kind} of the name");
        world.delete(key);
        let gone = bearer(&server(&world, &["k"]).await, &token).await;
        assert_eq!(gone, Err(401), "{kind} gone");
    }
}

#[tokio::test]
async fn pods_and_nodes_are_named_to_authorizers() {
    let world = World::new();
    keys(&world, "k", &rcgen::PKCS_ECDSA_P256_SHA256);
    world.put("serviceaccounts/ns/robot", &account("u1"));
    world.put("pods/ns/p", &obj!({"metadata": {"name": "p", "uid": "pu"}}));
    let mut claims = claims();
    claims.bound = Some(("Pod".into(), "p".into(), "pu".into()));
    claims.node = Some(("n".into(), "nu".into()));
    claims.seconds = 3_607;
    let signer = issuer(&world, "k");
    let text = token(&signer, &claims);
    let user = bearer(&server(&world, &["k"]).await, &text)
        .await
        .expect("in");
    for (key, value) in [
        ("pod-name", "p"),
        ("pod-uid", "pu"),
        ("node-name", "n"),
        ("node-uid", "nu"),
    ] {
        assert_eq!(extra(&user, key), [value]);
    }
    let said = payload(&text);
    let time = |key: &[&str]| said.i64_at(key).expect("a time");
    assert_eq!(
        time(&["kubernetes.io", "warnafter"]) - time(&["iat"]),
        3_607
    );
    assert_eq!(time(&["exp"]) - time(&["iat"]), 365 * 24 * 3_600);
    let members: Vec<&str> = said
        .as_object()
        .expect("an object")
        .keys()
        .map(|k| k.as_str())
        .collect();
    assert_eq!(
        members,
        [
            "aud",
            "exp",
            "iat",
            "iss",
            "jti",
            "kubernetes.io",
            "nbf",
            "sub"
        ]
    );
    let strict = token(&signer.clone().extending(false), &claims);
    assert_eq!(payload(&strict).at(&["kubernetes.io", "warnafter"]), None);
    claims.audiences = vec!["vault".to_owned()];
    let foreign = payload(&token(&signer, &claims));
    assert_eq!(foreign.at(&["kubernetes.io", "warnafter"]), None);
}

/// What TokenReview says of a token.
async fn reviewed(auth: &Auth, token: &str, audiences: Value) -> Value {
    let body = obj!({
        "kind": "TokenReview", "apiVersion": "authentication.k8s.io/v1",
        "spec": {"token": token, "audiences": audiences}
    });
    let answer = auth
        .review("TokenReview", &User::default(), "", body)
        .await
        .expect("reviewed");
    answer.get("status").cloned().unwrap_or_default()
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
async fn wrong_tokens_are_refused_with_the_reason() {
    let world = World::new();
    for name in ["k", "foreign"] {
        keys(&world, name, &rcgen::PKCS_ECDSA_P256_SHA256);
    }
    keys(&world, "rsa", &rcgen::PKCS_RSA_SHA256);
    world.put("serviceaccounts/ns/robot", &account("u1"));
    let auth = server(&world, &["k", "rsa"]).await;
    let good = issuer(&world, "k");
    let with = |change: fn(&mut Claims)| {
        let mut claims = claims();
        change(&mut claims);
        token(&good, &claims)
    };
    let key = world.dir.path().join("k.key");
    let other = Issuer::open("https://other.example.com", &key, Vec::new()).expect("a key");
    let valid = token(&good, &claims());
    let parts: Vec<&str> = valid.split('.').collect();
    let none = format!("{}.{}.", part(r#"{"alg":"none"}"#), parts[1]);
    let anonymous_key = format!("{}.{}.{}", part(r#"{"alg":"ES256"}"#), parts[1], parts[2]);
    let critical = part(r#"{"alg":"ES256","crit":["b64"],"b64":false}"#);
    let swapped = format!("{}.{}.{}", part(r#"{"alg":"HS256"}"#), parts[1], parts[2]);
    let broken = "go-jose/go-jose: error in cryptographic primitive";
    let cases = [
        (
            "expired",
            with(|c| c.seconds = -61),
            "service account token has expired",
        ),
        (
            "foreign key",
            token(&issuer(&world, "foreign"), &claims()),
            "invalid signature, no keys found",
        ),
        (
            "wrong issuer",
            token(&other, &claims()),
            "invalid bearer token",
        ),
        (
            "wrong audience",
            with(|c| c.audiences = vec!["x".into(), "y".into()]),
            "token audiences [\"x\" \"y\"] is invalid for the target audiences [\"https://issuer.example.com\"]",
        ),
        (
            "no account",
            with(|c| c.account = "absent".into()),
            "serviceaccounts \"absent\" not found",
        ),
        (
            "path as name",
            with(|c| c.account = "../robot".into()),
            "serviceaccounts \"../robot\" not found",
        ),
        (
            "other account",
            with(|c| c.account_uid = "u9".into()),
            "service account UID (u1) does not match claim (u9)",
        ),
        (
            "no pod",
            with(|c| c.bound = Some(("Pod".into(), "p".into(), "u".into()))),
            "service account token has been invalidated",
        ),
        ("alg none", none, broken),
        ("header changed", anonymous_key, broken),
        (
            "critical header",
            format!("{critical}.{}.{}", parts[1], parts[2]),
            broken,
        ),
        ("symmetric", swapped, broken),
        (
            "payload changed",
            format!(
                "{}.{}.{}",
                parts[0],
                part(&format!(r#"{{"iss":"{ISSUER}"}}"#)),
                parts[2]
            ),
            broken,
        ),
        (
            "signature cut",
            format!("{}.{}.{}", parts[0], parts[1], &parts[2][..4]),
            broken,
        ),
        (
            "no signature",
            format!("{}.{}.", parts[0], parts[1]),
            broken,
        ),
        (
            "two parts",
            format!("{}.{}", parts[0], parts[1]),
            "invalid bearer token",
        ),
        ("four parts", format!("{valid}.x"), "invalid bearer token"),
        (
            "no JSON",
            format!("{}.{}.{}", part("x"), part("y"), part("z")),
            "invalid bearer token",
        ),
        (
            "deep JSON",
            format!(
                "{}.{}.{}",
                part(&"[".repeat(9_000)),
                part(&"{\"a\":".repeat(5_000)),
                part("z")
            ),
            "invalid bearer token",
        ),
        ("dots", "..".to_owned(), "invalid bearer token"),
        ("huge", "a".repeat(1 << 20), "invalid bearer token"),
        (
            "no base64",
            "%%%.%%%.%%%".to_owned(),
            "invalid bearer token",
        ),
    ];
    for (what, token, why) in cases {
        let status = reviewed(&auth, &token, obj!([])).await;
        assert_eq!(status, obj!({"user": {}, "error": why}), "{what}");
        assert_eq!(bearer(&auth, &token).await, Err(401), "{what}");
    }
}

#[tokio::test]
async fn a_review_asks_for_audiences() {
    let world = World::new();
    keys(&world, "k", &rcgen::PKCS_ECDSA_P256_SHA256);
    world.put("serviceaccounts/ns/robot", &account("u1"));
    let auth = server(&world, &["k"]).await;
    let mut claims = claims();
    claims.audiences = vec!["vault".into(), "x".into()];
    let text = token(&issuer(&world, "k"), &claims);
    let status = reviewed(&auth, &text, obj!(["x", "y"])).await;
    assert_eq!(status.bool_at(&["authenticated"]), Some(true));
    assert_eq!(status.get("audiences"), Some(&obj!(["x"])));
    let members: Vec<&str> = status
        .as_object()
        .expect("an object")
        .keys()
        .map(|k| k.as_str())
        .collect();
    assert_eq!(members, ["authenticated", "user", "audiences"]);
    assert_eq!(bearer(&auth, &text).await, Err(401), "not for this server");
}

/// A token of a secret, signed by the key in `k.key`.
fn legacy(world: &World, uid: &str) -> String {
    use aws_lc_rs::{rand::SystemRandom, signature};
    use base64::Engine as _;
    use rustls_pki_types::{PrivateKeyDer, pem::PemObject as _};
    let pem = PrivateKeyDer::from_pem_file(world.dir.path().join("k.key")).expect("a key");
    let algorithm = &signature::ECDSA_P256_SHA256_FIXED_SIGNING;
    let key = signature::EcdsaKeyPair::from_pkcs8(algorithm, pem.secret_der()).expect("a key");
    let payload = format!(
        r#"{{"iss":"kubernetes/serviceaccount","kubernetes.io/serviceaccount/namespace":"ns","kubernetes.io/serviceaccount/secret.name":"s","kubernetes.io/serviceaccount/service-account.name":"robot","kubernetes.io/serviceaccount/service-account.uid":"{uid}","sub":"system:serviceaccount:ns:robot"}}"#
    );
    let signed = format!("{}.{}", part(r#"{"alg":"ES256","kid":""}"#), part(&payload));
    let signature = key
        .sign(&SystemRandom::new(), signed.as_bytes())
        .expect("signed");
    let signature = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(signature.as_ref());
    format!("{signed}.{signature}")
}

#[tokio::test]
async fn tokens_in_secrets_live_as_long_as_the_secret() {
    use base64::Engine as _;
    let world = World::new();
    keys(&world, "k", &rcgen::PKCS_ECDSA_P256_SHA256);
    world.put("serviceaccounts/ns/robot", &account("u1"));
    let text = legacy(&world, "u1");
    let secret = |token: &str, labels: Value| {
        let data = base64::engine::general_purpose::STANDARD.encode(token);
        obj!({"metadata": {"name": "s", "namespace": "ns", "labels": labels}, "data": {"token": data}})
    };
    world.put("secrets/ns/s", &secret(&text, obj!({})));
    let user = bearer(&server(&world, &["k"]).await, &text)
        .await
        .expect("in");
    assert_eq!(user.name, "system:serviceaccount:ns:robot");
    assert!(user.extra.is_empty());
    let other = legacy(&world, "u2");
    let cases = [
        (
            secret(
                &text,
                obj!({"kubernetes.io/legacy-token-invalid-since": "2026-01-01"}),
            ),
            &text,
            "the token in secret ns/s for service account ns/robot has been marked invalid. Use tokens from the TokenRequest API or manually created secret-based tokens, or remove the 'kubernetes.io/legacy-token-invalid-since' label from the secret to temporarily allow use of this token",
        ),
        (
            secret("", obj!({})),
            &text,
            "Token does not match server's copy",
        ),
        (
            secret(&other, obj!({})),
            &other,
            "ServiceAccount UID (u1) does not match claim (u2)",
        ),
    ];
    for (object, token, why) in cases {
        world.put("secrets/ns/s", &object);
        let status = reviewed(&server(&world, &["k"]).await, token, obj!([])).await;
        assert_eq!(status.str_at(&["error"]), why);
    }
    world.delete("secrets/ns/s");
    let status = reviewed(&server(&world, &["k"]).await, &text, obj!([])).await;
    assert_eq!(status.str_at(&["error"]), "Token has been invalidated");
}

#[tokio::test]
async fn an_outage_of_storage_is_no_refusal() {
    let world = World::new();
    keys(&world, "k", &rcgen::PKCS_ECDSA_P256_SHA256);
    world.put("serviceaccounts/ns/robot", &account("u1"));
    let auth = server(&world, &["k"]).await;
    let signer = issuer(&world, "k");
    let (known, unknown) = (token(&signer, &claims()), token(&signer, &claims()));
    bearer(&auth, &known).await.expect("in");
    world.storage.set_down(true);
    assert!(bearer(&auth, &known).await.is_ok());
    assert_eq!(bearer(&auth, &unknown).await, Err(503));
    assert_eq!(bearer(&auth, "no.such.token").await, Err(401));
    world.storage.set_down(false);
    assert!(bearer(&auth, &unknown).await.is_ok());
}

#[tokio::test]
async fn keys_are_published() {
    let world = World::new();
    keys(&world, "k", &rcgen::PKCS_ECDSA_P256_SHA256);
    keys(&world, "rsa", &rcgen::PKCS_RSA_SHA256);
    let auth = server(&world, &["k", "rsa"]).await;
    let body = |answer: catena_delegate::Response| match answer.body {
        catena_delegate::Body::Full(bytes) => json::parse(&bytes).expect("JSON"),
        _ => Value::Null,
    };
    let about = body(auth.openid_configuration("host:6443").expect("published"));
    assert_eq!(about.str_at(&["issuer"]), ISSUER);
    assert_eq!(
        about.str_at(&["jwks_uri"]),
        "https://host:6443/openid/v1/jwks"
    );
    let algorithms = about.get("id_token_signing_alg_values_supported");
    assert_eq!(algorithms, Some(&obj!(["ES256", "RS256"])));
    let keys = body(auth.jwks().expect("published"));
    let ec = &keys.items_at(&["keys"])[0];
    let members: Vec<&str> = ec
        .as_object()
        .expect("an object")
        .keys()
        .map(|k| k.as_str())
        .collect();
    assert_eq!(members, ["use", "kty", "kid", "crv", "alg", "x", "y"]);
    let rsa = &keys.items_at(&["keys"])[1];
    assert_eq!((rsa.str_at(&["kty"]), rsa.str_at(&["e"])), ("RSA", "AQAB"));
    let closed = world.auth(&["--authorization-mode=RBAC"]).await;
    assert_eq!(closed.jwks().err().map(|s| s.code), Some(404));
}
