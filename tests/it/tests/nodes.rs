//! Logs, exec, attach, port-forward and proxies.

use catena_tests_it::{
    ControlPlane, has,
    node::{Kubelet, address, forwarded, register, service, streams, terminal},
};

#[test]
fn kubectl_reaches_what_runs() {
    if !has("kubectl") {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let (Some(ip), Some(kubelet)) = (address(), Kubelet::start(dir.path())) else {
        return;
    };
    let port = kubelet.port.clone();
    let plane = ControlPlane::start(&[]);
    register(&plane, &ip, &port);
    assert_eq!(
        plane.kubectl(&["logs", "web"]),
        "one of default/web/c\ntwo\n"
    );
    let followed = plane.kubectl(&["logs", "-f", "--tail=1", "web"]);
    assert_eq!(followed, "one of default/web/c\nthree\n");
    let none = plane.try_kubectl(&["logs", "web", "-c", "nope"]);
    let text = String::from_utf8_lossy(&none.stderr).into_owned();
    assert!(
        text.contains("container nope is not valid for pod web"),
        "{text}"
    );
    streams(&plane, "web", 3_000_000);
    terminal(&plane, "web");
    let raw = |path: &str| plane.kubectl(&["get", "--raw", path]);
    assert_eq!(
        raw("/api/v1/nodes/n1/proxy/healthz?a=b"),
        "ok for /api/v1/nodes/n1/proxy/healthz, a=b"
    );
    let pod = format!("/api/v1/namespaces/default/pods/https:web:{port}/proxy/healthz");
    assert_eq!(raw(&pod), format!("ok for {pod}, "));
    // Links lead through the proxy; the page hears who asked, and for what host.
    let proxy = format!("/api/v1/namespaces/default/pods/https:web:{port}/proxy");
    let host = plane.url().replace("https://", "");
    assert_eq!(
        raw(&format!("{proxy}/page")),
        format!("<a href=\"{proxy}/x\">{host}</a> for 127.0.0.1")
    );
    service(&plane, &ip, &port);
    forwarded(&plane, "web", &port);
    drop(kubelet);
    let gone = plane.try_kubectl(&["logs", "web"]);
    let text = String::from_utf8_lossy(&gone.stderr).into_owned();
    assert!(text.contains("connect: connection refused"), "{text}");
}
