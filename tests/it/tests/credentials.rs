//! Client certificates of every kind at the front, and what a delegate answers
//! to peers that are not the front.

use std::{path::Path, process::Command};

use catena_tests_it::{ControlPlane, has};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
};

/// A client certificate and its key, as one PEM file for curl.
fn client(
    plane: &ControlPlane,
    name: &str,
    issuer: Option<&Issuer<'_, KeyPair>>,
    change: impl FnOnce(&mut CertificateParams),
) -> String {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new(Vec::new()).expect("names");
    let subject = &mut params.distinguished_name;
    subject.push(DnType::CommonName, "eve");
    subject.push(DnType::OrganizationName, "system:masters");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    change(&mut params);
    let cert = match issuer {
        Some(issuer) => params.signed_by(&key, issuer),
        None => params.self_signed(&key),
    };
    let pem = cert.expect("a certificate").pem() + &key.serialize_pem();
    let path = plane.dir().join(name);
    std::fs::write(&path, pem).expect("written");
    path.to_str().expect("a path").to_owned()
}

/// The authority that the processes made at their first start.
fn authority(plane: &ControlPlane, name: &str) -> Issuer<'static, KeyPair> {
    let read = |ending: &str| {
        let path = plane.dir().join("pki").join(format!("{name}.{ending}"));
        std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    };
    let key = KeyPair::from_pem(&read("key")).expect("a key");
    Issuer::from_ca_cert_pem(&read("crt"), key).expect("an authority")
}

fn foreign() -> Issuer<'static, KeyPair> {
    let key = KeyPair::generate().expect("a key");
    let mut ca = CertificateParams::new(Vec::new()).expect("names");
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.distinguished_name
        .push(DnType::CommonName, "somebody else");
    Issuer::new(ca, key)
}

/// Status and body; `0` when there was no answer at all.
fn ask(plane: &ControlPlane, pem: &str, path: &str) -> (u16, String) {
    let out = Command::new("curl")
        .args(["-sk", "--max-time", "10", "-w", "\n%{http_code}"])
        .args(["--cert", pem, &format!("{}{path}", plane.url())])
        .output()
        .expect("curl runs");
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    let (body, code) = text.rsplit_once('\n').unwrap_or(("", "0"));
    (code.parse().unwrap_or(0), body.to_owned())
}

#[test]
fn certificates_of_every_kind_at_the_front() {
    if !has("curl") {
        return;
    }
    let plane = ControlPlane::start(&[]);
    let ours = authority(&plane, "ca");
    let nodes = "/api/v1/nodes";
    let good = client(&plane, "good.pem", Some(&ours), |_| {});
    assert_eq!(ask(&plane, &good, nodes).0, 200);
    let expired = client(&plane, "expired.pem", Some(&ours), |p| {
        p.not_before = rcgen::date_time_ymd(2020, 1, 1);
        p.not_after = rcgen::date_time_ymd(2020, 1, 2);
    });
    let early = client(&plane, "early.pem", Some(&ours), |p| {
        p.not_before = rcgen::date_time_ymd(2090, 1, 1);
        p.not_after = rcgen::date_time_ymd(2090, 1, 2);
    });
    let server = client(&plane, "server.pem", Some(&ours), |p| {
        p.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    });
    let stranger = client(&plane, "stranger.pem", Some(&foreign()), |_| {});
    let own = client(&plane, "own.pem", None, |_| {});
    // The authority of the processes is none for users.
    let process = client(
        &plane,
        "process.pem",
        Some(&authority(&plane, "internal-ca")),
        |_| {},
    );
    for pem in [expired, early, server, stranger, own, process] {
        let (status, body) = ask(&plane, &pem, nodes);
        assert_eq!(status, 401, "{pem}: {body}");
        assert!(body.contains("\"message\":\"Unauthorized\""), "{body}");
    }
    assert_eq!(ask(&plane, &good, "/readyz").0, 200);
}

/// The gRPC status that a TLS client with these credentials gets of a socket;
/// `None` when the connection is refused.
fn verdict(socket: &Path, credentials: &[&str]) -> Option<String> {
    // A message of no bytes, in gRPC's frame.
    let message = socket.with_extension("empty");
    std::fs::write(&message, [0; 5]).expect("written");
    let out = Command::new("curl")
        .args(["-sk", "--http2", "--max-time", "5", "-o", "/dev/null"])
        .args(["-D", "-", "-H", "content-type: application/grpc"])
        .arg("--data-binary")
        .arg(format!("@{}", message.display()))
        .args(["--unix-socket", socket.to_str().expect("a path")])
        .args(credentials)
        .arg("https://core/catena.delegate.v1.Delegate/Serve")
        .output()
        .expect("curl runs");
    let head = String::from_utf8_lossy(&out.stdout).into_owned();
    let mut lines = head.lines();
    let status = lines.find_map(|l| l.strip_prefix("grpc-status: "))?;
    Some(status.to_owned())
}

const PERMISSION_DENIED: &str = "7";

#[test]
fn a_delegate_answers_the_front_alone() {
    if !has("curl") {
        return;
    }
    let plane = ControlPlane::start(&[]);
    let internal = authority(&plane, "internal-ca");
    let named = |name: &str, cn: &'static str| {
        client(&plane, name, Some(&internal), |p| {
            p.distinguished_name = rcgen::DistinguishedName::new();
            p.distinguished_name.push(DnType::CommonName, cn);
        })
    };
    let other = named("other.pem", "system:catena:controllers");
    let user = client(&plane, "user.pem", Some(&authority(&plane, "ca")), |_| {});
    let stranger = client(&plane, "stranger.pem", Some(&foreign()), |_| {});
    let front = front(&plane);
    for socket in ["core-0.sock", "extensions-0.sock"] {
        let socket = plane.dir().join(socket);
        let ask = |pem: &str| verdict(&socket, &["--cert", pem]);
        let of_front = ask(&front);
        assert!(of_front.is_some(), "{socket:?}");
        assert_ne!(of_front.as_deref(), Some(PERMISSION_DENIED), "{socket:?}");
        assert_eq!(ask(&other).as_deref(), Some(PERMISSION_DENIED));
        assert_eq!(verdict(&socket, &[]), None, "{socket:?}");
        for pem in [&user, &stranger] {
            assert_eq!(ask(pem), None, "{socket:?} {pem}");
        }
    }
}

/// The certificate that the front itself uses.
fn front(plane: &ControlPlane) -> String {
    let pki = plane.dir().join("pki");
    let read = |name: &str| std::fs::read_to_string(pki.join(name)).expect("a file");
    let pem = read("aggregator.crt") + &read("aggregator.key");
    let path = plane.dir().join("front.pem");
    std::fs::write(&path, pem).expect("written");
    path.to_str().expect("a path").to_owned()
}
