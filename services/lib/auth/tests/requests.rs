//! Who a request is from: certificates, proxies, static and bootstrap tokens,
//! WebSockets, nobody.

mod support;

use catena_auth::Auth;
use catena_objects::{Value, obj, user::User};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair,
};
use rustls_pki_types::CertificateDer;
use support::{World, ask, headers, part};

type Answer = Result<User, u16>;

/// An authority in a file.
struct Ca(Issuer<'static, KeyPair>);

impl Ca {
    fn new(world: &World, file: &str) -> Self {
        Self::in_years(world, file, 1975, 4096)
    }

    fn in_years(world: &World, file: &str, from: i32, until: i32) -> Self {
        let key = KeyPair::generate().expect("made");
        let mut params = CertificateParams::default();
        params.not_before = rcgen::date_time_ymd(from, 1, 1);
        params.not_after = rcgen::date_time_ymd(until, 1, 1);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, file);
        let cert = params.self_signed(&key).expect("signed");
        world.file(file, &cert.pem());
        Self(Issuer::new(params, key))
    }

    fn params(name: &str, groups: &[&str]) -> CertificateParams {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        for group in groups {
            params
                .distinguished_name
                .push(DnType::OrganizationName, *group);
        }
        if !name.is_empty() {
            params.distinguished_name.push(DnType::CommonName, name);
        }
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params
    }

    fn sign(&self, params: &CertificateParams) -> Vec<CertificateDer<'static>> {
        let key = KeyPair::generate().expect("made");
        let cert = params.signed_by(&key, &self.0).expect("signed");
        vec![cert.der().clone()]
    }

    fn client(&self, name: &str, groups: &[&str]) -> Vec<CertificateDer<'static>> {
        self.sign(&Self::params(name, groups))
    }
}

async fn code(
    auth: &Auth,
    certificates: &[CertificateDer<'static>],
    list: &[(&str, &str)],
) -> Answer {
    ask(auth, Some(certificates), list)
        .await
        .map_err(|s| s.code)
}

fn name(answer: Answer) -> Result<String, u16> {
    answer.map(|u| u.name)
}

#[tokio::test]
async fn an_authority_vouches_in_its_time_only() {
    for (what, from, until, expected) in [
        ("now", 2020, 3000, Ok("jane")),
        ("over", 2000, 2020, Err(401)),
        ("not yet", 3000, 3001, Err(401)),
    ] {
        let world = World::new();
        let ca = Ca::in_years(&world, "ca.pem", from, until);
        let file = format!("--client-ca-file={}", world.path("ca.pem"));
        let auth = world.auth(&[&file, "--authorization-mode=RBAC"]).await;
        let client = ca.client("jane", &[]);
        // The second time it is remembered, and so must be what was refused.
        for _ in 0..2 {
            let got = name(code(&auth, &client, &[]).await);
            assert_eq!(got, expected.map(str::to_owned), "{what}");
        }
    }
}

#[tokio::test]
async fn a_good_chain_says_nothing_of_another() {
    let world = World::new();
    let ca = Ca::new(&world, "ca.pem");
    let file = format!("--client-ca-file={}", world.path("ca.pem"));
    let auth = world.auth(&[&file, "--authorization-mode=RBAC"]).await;
    let good = ca.client("jane", &[]);
    assert!(code(&auth, &good, &[]).await.is_ok());
    let mut changed = good[0].to_vec();
    let at = changed.windows(4).position(|w| w == b"jane");
    changed[at.expect("the name")] = b'J';
    let changed = vec![CertificateDer::from(changed)];
    let foreign = Ca::new(&world, "foreign.pem").client("jane", &[]);
    let behind = vec![foreign[0].clone(), good[0].clone()];
    for chain in [changed, foreign, behind] {
        assert_eq!(name(code(&auth, &chain, &[]).await), Err(401));
    }
}

#[tokio::test]
async fn certificates_name_users() {
    let world = World::new();
    let ca = Ca::new(&world, "ca.pem");
    let foreign = Ca::new(&world, "foreign.pem");
    let file = format!("--client-ca-file={}", world.path("ca.pem"));
    let auth = world.auth(&[&file, "--authorization-mode=RBAC"]).await;
    let good = ca.client("jane", &["devs"]);
    let user = code(&auth, &good, &[]).await.expect("in");
    assert_eq!(user.name, "jane");
    assert_eq!(user.groups, ["devs", "system:authenticated"]);
    let id = &user.extra["authentication.kubernetes.io/credential-id"][0];
    assert!(id.starts_with("X509SHA256=") && id.len() == 75, "{id}");

    let mut server = Ca::params("jane", &[]);
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let mut any = Ca::params("any", &[]);
    any.extended_key_usages = Vec::new();
    let mut past = Ca::params("jane", &[]);
    past.not_after = rcgen::date_time_ymd(2020, 1, 1);
    let mut future = Ca::params("jane", &[]);
    future.not_before = rcgen::date_time_ymd(3020, 1, 1);
    let own = KeyPair::generate().expect("made");
    let selfmade = Ca::params("jane", &["system:masters"]).self_signed(&own);
    let mut extra = good.clone();
    extra.push(CertificateDer::from(b"no certificate".to_vec()));
    let cases = [
        ("no purpose", ca.sign(&any), Ok("any")),
        ("other authority", foreign.client("jane", &[]), Err(401)),
        (
            "self-made",
            vec![selfmade.expect("signed").der().clone()],
            Err(401),
        ),
        ("of a server", ca.sign(&server), Err(401)),
        ("over", ca.sign(&past), Err(401)),
        ("not yet", ca.sign(&future), Err(401)),
        (
            "garbage",
            vec![CertificateDer::from(vec![0x30, 0x80])],
            Err(401),
        ),
        ("empty", vec![CertificateDer::from(Vec::new())], Err(401)),
        ("no name", ca.client("", &["g"]), Ok("system:anonymous")),
        ("none", Vec::new(), Ok("system:anonymous")),
        ("garbage behind", extra, Ok("jane")),
    ];
    for (what, certificates, expected) in cases {
        let got = name(code(&auth, &certificates, &[]).await);
        assert_eq!(got, expected.map(str::to_owned), "{what}");
    }
}

#[tokio::test]
async fn a_subject_may_hold_one_uid() {
    let world = World::new();
    let ca = Ca::new(&world, "ca.pem");
    let file = format!("--client-ca-file={}", world.path("ca.pem"));
    let auth = world.auth(&[&file]).await;
    let uid = || DnType::CustomDnType(vec![1, 3, 6, 1, 4, 1, 57683, 2]);
    for (given, expected) in [("u-1", Ok("u-1")), ("", Err(401))] {
        let mut params = Ca::params("jane", &[]);
        params.distinguished_name.push(uid(), given);
        let got = code(&auth, &ca.sign(&params), &[]).await.map(|u| u.uid);
        assert_eq!(got, expected.map(str::to_owned), "{given:?}");
    }
}

#[tokio::test]
async fn proxies_name_users_in_headers() {
    let world = World::new();
    let (ca, proxies) = (Ca::new(&world, "ca.pem"), Ca::new(&world, "proxies.pem"));
    let files = [
        format!("--client-ca-file={}", world.path("ca.pem")),
        format!(
            "--requestheader-client-ca-file={}",
            world.path("proxies.pem")
        ),
    ];
    let auth = world
        .auth(&[
            &files[0],
            &files[1],
            "--authorization-mode=RBAC",
            "--requestheader-allowed-names=front,back",
            "--requestheader-username-headers=X-Remote-User,X-User",
            "--requestheader-uid-headers=X-Remote-Uid",
            "--requestheader-group-headers=X-Remote-Group",
            "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        ])
        .await;
    let said = [
        ("X-Remote-User", "jane"),
        ("X-Remote-Uid", "u1"),
        ("X-Remote-Group", "g1"),
        ("X-Remote-Group", "g2"),
        ("X-Remote-Extra-Example.com%2Fscopes", "a"),
        ("X-Remote-Extra-Example.com%2Fscopes", "b"),
    ];
    let front = proxies.client("front", &[]);
    let user = code(&auth, &front, &said).await.expect("in");
    assert_eq!((user.name.as_str(), user.uid.as_str()), ("jane", "u1"));
    assert_eq!(user.groups, ["g1", "g2", "system:authenticated"]);
    assert_eq!(user.extra["example.com/scopes"], ["a", "b"]);

    let cases = [
        (
            "second header",
            proxies.client("back", &[]),
            vec![("X-User", "joe")],
            Ok("joe"),
        ),
        ("names nobody", front, vec![], Err(401)),
        (
            "not allowed",
            proxies.client("other", &[]),
            said.to_vec(),
            Err(401),
        ),
        ("a client", ca.client("kim", &[]), said.to_vec(), Ok("kim")),
        ("nobody", Vec::new(), said.to_vec(), Ok("system:anonymous")),
    ];
    for (what, certificates, said, expected) in cases {
        let got = name(code(&auth, &certificates, &said).await);
        assert_eq!(got, expected.map(str::to_owned), "{what}");
    }
}

#[tokio::test]
async fn tokens_come_in_headers() {
    let world = World::new();
    world.file(
        "tokens.csv",
        "secret,ann,1,\"g1,g2\"\nanon,system:anonymous,2\n",
    );
    let file = format!("--token-auth-file={}", world.path("tokens.csv"));
    let auth = world.auth(&[&file, "--authorization-mode=RBAC"]).await;
    let ours = format!("base64url.bearer.authorization.k8s.io.{}", part("secret"));
    let wrong = format!("base64url.bearer.authorization.k8s.io.{}", part("wrong"));
    let upgrade = [
        ("connection", "keep-alive, Upgrade"),
        ("upgrade", "websocket"),
    ];
    let socket = |protocols: &str| {
        let mut list: Vec<(String, String)> = upgrade
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        list.push(("sec-websocket-protocol".to_owned(), protocols.to_owned()));
        list
    };
    let plain = |value: &str| vec![("authorization".to_owned(), value.to_owned())];
    let only = |protocols: &str| vec![("sec-websocket-protocol".to_owned(), protocols.to_owned())];
    let cases = [
        (plain("Bearer secret"), Ok("ann")),
        (plain("bearer secret"), Ok("ann")),
        (plain(" Bearer secret and more"), Ok("ann")),
        (plain("Bearer wrong"), Err(401)),
        (plain("Bearer \u{e4}"), Err(401)),
        (plain("Bearer  secret"), Ok("system:anonymous")),
        (plain("Bearer"), Ok("system:anonymous")),
        (plain("Basic YTpi"), Ok("system:anonymous")),
        (socket(&format!("a, {ours}")), Ok("ann")),
        (socket(&format!("a,{wrong}")), Err(401)),
        (socket(&ours), Err(401)),
        (socket(&format!("a,{ours},{ours}")), Err(401)),
        (
            socket("a,base64url.bearer.authorization.k8s.io.%"),
            Err(401),
        ),
        (
            socket("a,base64url.bearer.authorization.k8s.io."),
            Ok("system:anonymous"),
        ),
        (only(&format!("a, {ours}")), Ok("system:anonymous")),
        (Vec::new(), Ok("system:anonymous")),
    ];
    for (list, expected) in cases {
        let list: Vec<(&str, &str)> = list.iter().map(|(k, v)| (&**k, &**v)).collect();
        let got = name(code(&auth, &[], &list).await);
        assert_eq!(got, expected.map(str::to_owned), "{list:?}");
    }
    let ann = code(&auth, &[], &[("authorization", "Bearer secret")]).await;
    assert_eq!(
        ann.expect("in").groups,
        ["g1", "g2", "system:authenticated"]
    );
    let anonymous = code(&auth, &[], &[("authorization", "Bearer anon")]).await;
    assert!(anonymous.expect("in").groups.is_empty());
}

#[tokio::test]
async fn nobody_is_let_in_where_nobody_may() {
    let world = World::new();
    world.file("tokens.csv", "secret,ann,1\n");
    let file = format!("--token-auth-file={}", world.path("tokens.csv"));
    let cases = [
        (vec!["--authorization-mode=RBAC"], Ok("system:anonymous")),
        (
            vec!["--authorization-mode=RBAC", "--anonymous-auth=false"],
            Err(401),
        ),
        // It would let anybody do anything.
        (vec!["--authorization-mode=AlwaysAllow"], Err(401)),
    ];
    for (mut args, expected) in cases {
        args.push(&file);
        let auth = world.auth(&args).await;
        let got = name(code(&auth, &[], &[]).await);
        assert_eq!(got, expected.map(str::to_owned), "{args:?}");
    }
}

fn bootstrap(change: fn(&mut Value)) -> Value {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let mut object = obj!({
        "kind": "Secret", "apiVersion": "v1", "type": "bootstrap.kubernetes.io/token",
        "metadata": {"name": "bootstrap-token-abcdef", "namespace": "kube-system"},
        "data": {
            "token-id": "abcdef", "token-secret": "0123456789abcdef",
            "usage-bootstrap-authentication": "true",
            "auth-extra-groups": "system:bootstrappers:b,system:bootstrappers:a"
        }
    });
    change(&mut object);
    let plain = object.get("data").and_then(Value::as_object).cloned();
    for (key, value) in plain.unwrap_or_default().iter() {
        let encoded = STANDARD.encode(value.as_str().unwrap_or_default());
        object.set(&["data", key], encoded);
    }
    object
}

#[tokio::test]
async fn bootstrap_tokens_let_nodes_join() {
    type Case = (&'static str, fn(&mut Value));
    let world = World::new();
    let args = ["--enable-bootstrap-token-auth", "--authorization-mode=RBAC"];
    let header = [("authorization", "Bearer abcdef.0123456789abcdef")];
    world.put(
        "secrets/kube-system/bootstrap-token-abcdef",
        &bootstrap(|_| {}),
    );
    let user = code(&world.auth(&args).await, &[], &header)
        .await
        .expect("in");
    assert_eq!(user.name, "system:bootstrap:abcdef");
    let groups = [
        "system:bootstrappers",
        "system:bootstrappers:a",
        "system:bootstrappers:b",
        "system:authenticated",
    ];
    assert_eq!(user.groups, groups);
    let wrong: [Case; 8] = [
        ("type", |o| o.set(&["type"], "Opaque")),
        ("secret", |o| {
            o.set(&["data", "token-secret"], "0123456789abcdeg")
        }),
        ("id", |o| o.set(&["data", "token-id"], "abcdeg")),
        ("usage", |o| {
            o.set(&["data", "usage-bootstrap-authentication"], "false")
        }),
        ("group", |o| {
            o.set(&["data", "auth-extra-groups"], "system:masters")
        }),
        ("over", |o| {
            o.set(&["data", "expiration"], "2020-01-01T00:00:00Z")
        }),
        ("no time", |o| o.set(&["data", "expiration"], "soon")),
        ("deletion", |o| {
            o.set(&["metadata", "deletionTimestamp"], "3020-01-01T00:00:00Z")
        }),
    ];
    for (what, change) in wrong {
        world.put(
            "secrets/kube-system/bootstrap-token-abcdef",
            &bootstrap(change),
        );
        let got = code(&world.auth(&args).await, &[], &header).await;
        assert_eq!(got, Err(401), "{what}");
    }
    world.put(
        "secrets/kube-system/bootstrap-token-abcdef",
        &bootstrap(|o| {
            o.set(&["data", "expiration"], "3020-01-01T00:00:00Z");
        }),
    );
    assert!(code(&world.auth(&args).await, &[], &header).await.is_ok());
    world.file("tokens.csv", "x,y,z\n");
    let file = format!("--token-auth-file={}", world.path("tokens.csv"));
    let off = world.auth(&[&file, "--authorization-mode=RBAC"]).await;
    assert_eq!(code(&off, &[], &header).await, Err(401), "not enabled");
}

#[tokio::test]
async fn nothing_that_names_a_user_passes() {
    let world = World::new();
    let auth = world
        .auth(&[
            "--requestheader-username-headers=X-User",
            "--requestheader-extra-headers-prefix=X-More-",
        ])
        .await;
    let ours = format!("base64url.bearer.authorization.k8s.io.{}", part("secret"));
    let mut given = headers(&[
        ("authorization", "Bearer x"),
        ("sec-websocket-protocol", &format!("a, {ours}")),
        ("sec-websocket-protocol", "b"),
        ("x-remote-user", "root"),
        ("x-remote-uid", "0"),
        ("x-remote-group", "system:masters"),
        ("x-remote-extra-scopes", "all"),
        ("x-user", "root"),
        ("x-more-scopes", "all"),
        ("accept", "*/*"),
    ]);
    auth.strip(&mut given);
    let left = headers(&[("sec-websocket-protocol", "a,b"), ("accept", "*/*")]);
    assert_eq!(given, left);
}
