//! What Kubernetes 1.10 had and later versions took away, behind one switch.

use std::process::{Child, Command, Stdio};

use catena_tests_it::{binary, eventually, free_port, has};

struct Seed {
    child: Child,
    _dir: tempfile::TempDir,
    secure: u16,
    insecure: u16,
}

impl Seed {
    fn start(versions: Option<&str>) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let (secure, insecure) = (free_port(), free_port());
        let path = |name: &str| dir.path().join(name).display().to_string();
        let mut command = Command::new(binary());
        command
            .args([
                "apiserver",
                "--compatibility=seed",
                "--authorization-mode=RBAC",
            ])
            .arg("--bind-address=127.0.0.1")
            .arg(format!("--data-dir={}", path("data")))
            .arg(format!("--cert-dir={}", path("pki")))
            .arg(format!("--secure-port={secure}"))
            .arg(format!("--insecure-port={insecure}"))
            .env_remove("KUBE_API_VERSIONS")
            .stderr(Stdio::null());
        if let Some(versions) = versions {
            command.env("KUBE_API_VERSIONS", versions);
        }
        let child = command.spawn().expect("it starts");
        let seed = Self {
            child,
            _dir: dir,
            secure,
            insecure,
        };
        eventually("the seed is ready", || seed.plain("/readyz").0 == 200);
        seed
    }

    fn plain(&self, path: &str) -> (u16, String) {
        ask(&format!("http://127.0.0.1:{}{path}", self.insecure), &[])
    }
}

impl Drop for Seed {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ask(url: &str, args: &[&str]) -> (u16, String) {
    let out = Command::new("curl")
        .args(["-sk", "-m", "20", "-w", "\n%{http_code}"])
        .args(args)
        .arg(url)
        .output()
        .expect("curl runs");
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    let (body, code) = text.rsplit_once('\n').unwrap_or(("", "0"));
    (code.parse().unwrap_or(0), body.to_owned())
}

#[test]
fn the_insecure_port_asks_for_no_credentials() {
    if !has("curl") {
        return;
    }
    let seed = Seed::start(None);
    let body = "{\"metadata\":{\"name\":\"a\"}}";
    let url = format!(
        "http://127.0.0.1:{}/api/v1/namespaces/default/configmaps",
        seed.insecure
    );
    let json = ["-H", "Content-Type: application/json", "-d", body];
    assert_eq!(ask(&url, &json).0, 201);
    let whoami = "{\"apiVersion\":\"authentication.k8s.io/v1\",\"kind\":\"SelfSubjectReview\"}";
    let url = format!(
        "http://127.0.0.1:{}/apis/authentication.k8s.io/v1/selfsubjectreviews",
        seed.insecure
    );
    let (status, body) = ask(
        &url,
        &["-H", "Content-Type: application/json", "-d", whoami],
    );
    assert_eq!(status, 201, "{body}");
    assert!(body.contains("\"username\":\"system:unsecured\""), "{body}");
    // The other port goes on asking.
    let url = format!("https://127.0.0.1:{}/api/v1/namespaces", seed.secure);
    assert_eq!(ask(&url, &[]).0, 403);
}

#[test]
fn kube_api_versions_leaves_the_aggregator_out() {
    if !has("curl") {
        return;
    }
    let seed = Seed::start(Some("v1"));
    let (status, groups) = seed.plain("/apis");
    assert_eq!(status, 200);
    assert!(groups.contains("\"name\":\"apps\""), "{groups}");
    assert!(!groups.contains("apiregistration.k8s.io"), "{groups}");
    assert_eq!(
        seed.plain("/apis/apiregistration.k8s.io/v1/apiservices").0,
        404
    );
    assert_eq!(seed.plain("/api/v1/namespaces/default").0, 200);
    // Extensions are still asked.
    let crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    assert_eq!(seed.plain(crds).0, 200);
    let (status, _) = seed.plain("/apis/example.com/v1/nothing");
    assert_eq!(status, 404);
}
