mod support;
use rcgen::*;
use support::{World, ask};
#[tokio::test]
async fn t() {
    let world = World::new();
    let key = KeyPair::generate().expect("k");
    let mut p = CertificateParams::default();
    p.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    p.distinguished_name.push(DnType::CommonName, "ca");
    let c = p.self_signed(&key).expect("c");
    world.file("ca.pem", &c.pem());
    let i = Issuer::new(p, key);
    let mut p = CertificateParams::default();
    p.distinguished_name.push(DnType::CommonName, "jane");
    let k = KeyPair::generate().expect("k");
    let certs = vec![p.signed_by(&k, &i).expect("s").der().clone()];
    let f = format!("--client-ca-file={}", world.path("ca.pem"));
    let auth = world.auth(&[&f, "--authorization-mode=RBAC"]).await;
    let t = std::time::Instant::now();
    for _ in 0..2000 {
        ask(&auth, Some(&certs), &[]).await.expect("in");
    }
    eprintln!("per request {:?}", t.elapsed() / 2000);
}
