use std::os::unix::fs::PermissionsExt as _;

use super::Pki;
use crate::tls::{names_in_pem, signed_by};

fn read(path: &std::path::Path) -> Vec<u8> {
    std::fs::read(path).expect("a file")
}

#[test]
fn a_process_is_named_and_its_key_is_private() {
    let dir = tempfile::tempdir().expect("a directory");
    let pki = Pki::open(dir.path().join("pki")).expect("opened");
    let pair = pki
        .process("core", &["core.test.svc".to_owned()])
        .expect("made");
    let names = names_in_pem(&read(&pair.cert)).expect("a certificate");
    assert_eq!(names.common_name, "system:catena:core");
    for san in [
        "core.test.svc",
        "localhost",
        "127.0.0.1",
        "core.catena.internal",
    ] {
        assert!(names.sans.contains(&san.to_owned()), "{san}");
    }
    let mode = std::fs::metadata(&pair.key)
        .expect("a key")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let internal = pki.internal_ca().expect("an authority");
    assert!(signed_by(&read(&pair.cert), &read(&internal)));
    assert!(!signed_by(
        &read(&pair.cert),
        &read(&pki.ca().expect("an authority"))
    ));
}

#[test]
fn a_good_leaf_is_kept_and_a_name_that_is_missing_makes_it_anew() {
    let dir = tempfile::tempdir().expect("a directory");
    let pki = Pki::open(dir.path()).expect("opened");
    let first = read(&pki.server("apiserver", &[]).expect("made").cert);
    assert_eq!(
        first,
        read(&pki.server("apiserver", &[]).expect("kept").cert)
    );
    let other = read(
        &pki.server("apiserver", &["10.0.0.1".to_owned()])
            .expect("made")
            .cert,
    );
    assert_ne!(first, other);
}

#[test]
fn a_server_certificate_of_somebody_else_is_kept() {
    let dir = tempfile::tempdir().expect("a directory");
    let key = rcgen::KeyPair::generate().expect("a key");
    let cert = rcgen::CertificateParams::new(vec!["a.example.com".to_owned()])
        .and_then(|p| p.self_signed(&key))
        .expect("a certificate");
    std::fs::write(dir.path().join("apiserver.crt"), cert.pem()).expect("written");
    std::fs::write(dir.path().join("apiserver.key"), key.serialize_pem()).expect("written");
    let pki = Pki::open(dir.path()).expect("opened");
    let pair = pki.server("apiserver", &[]).expect("kept");
    assert_eq!(read(&pair.cert), cert.pem().as_bytes());
}

#[test]
fn processes_that_start_at_once_agree_on_the_authority() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().to_owned();
    let threads: Vec<_> = ["a", "b", "c", "d"]
        .map(|name| {
            let path = path.clone();
            std::thread::spawn(move || {
                Pki::open(path)
                    .and_then(|p| p.process(name, &[]))
                    .expect("made")
            })
        })
        .into();
    let ca = Pki::open(&path)
        .and_then(|p| p.internal_ca())
        .expect("an authority");
    for thread in threads {
        let pair = thread.join().expect("no panic");
        assert!(signed_by(&read(&pair.cert), &read(&ca)));
    }
}

#[test]
fn a_client_is_a_user_in_a_group() {
    let dir = tempfile::tempdir().expect("a directory");
    let pki = Pki::open(dir.path()).expect("opened");
    let pair = pki
        .client("admin", "kubernetes-admin", Some("system:masters"))
        .expect("made");
    let names = names_in_pem(&read(&pair.cert)).expect("a certificate");
    assert_eq!(
        (names.common_name.as_str(), names.organizations),
        ("kubernetes-admin", vec!["system:masters".to_owned()])
    );
}

#[test]
fn without_the_key_of_the_authority_leaves_are_only_read() {
    let dir = tempfile::tempdir().expect("a directory");
    let pki = Pki::open(dir.path()).expect("opened");
    pki.process("core", &[]).expect("made");
    std::fs::remove_file(dir.path().join("internal-ca.key")).expect("removed");
    pki.process("core", &[]).expect("kept");
    assert!(pki.process("other", &[]).is_err());
}

#[test]
fn the_signing_key_stays_the_same() {
    let dir = tempfile::tempdir().expect("a directory");
    let pki = Pki::open(dir.path()).expect("opened");
    let (private, public) = pki.signing_key("sa").expect("made");
    let before = (read(&private), read(&public));
    pki.signing_key("sa").expect("kept");
    assert_eq!(before, (read(&private), read(&public)));
    assert!(before.1.starts_with(b"-----BEGIN PUBLIC KEY-----"));
}
