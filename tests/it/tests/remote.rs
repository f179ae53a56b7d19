//! A remote API server is one of the cluster.

use catena_tests_it::{
    ControlPlane, eventually, has,
    node::address,
    remote::{get, manifest, serve},
};
use tokio::task::JoinHandle;

fn check(plane: &ControlPlane, server: &JoinHandle<()>) {
    let condition = |name: &str| {
        let path = "jsonpath={.status.conditions[0].status} {.status.conditions[0].reason} {.status.conditions[0].message}";
        plane.kubectl(&["get", "apiservice", name, "-o", path])
    };
    eventually("the remote server is available", || {
        condition("v1.metrics.test") == "True Passed all checks passed"
    });
    let absent = "False ServiceNotFound service/nobody in \"default\" is not present";
    eventually("the absent service is told", || {
        condition("v1.nobody.test") == absent
    });
    let things = "/apis/metrics.test/v1/things";
    let (status, body) = get(plane, things);
    assert_eq!(status, 200, "{body}");
    assert!(body.contains("x-remote-user: admin"), "{body}");
    assert!(body.contains("x-remote-group: system:masters"), "{body}");
    assert!(get(plane, "/apis").1.contains("metrics.test"));
    assert!(
        plane
            .kubectl(&["api-resources"])
            .contains("metrics.test/v1")
    );
    assert_eq!(get(plane, "/apis/nobody.test/v1/x").0, 503);
    server.abort();
    eventually("a dead server is 503", || get(plane, things).0 == 503);
    // It holds nobody up.
    assert_eq!(get(plane, "/api/v1/namespaces").0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_remote_server_is_one_of_the_cluster() {
    if !has("curl") || !has("kubectl") {
        return;
    }
    let Some(ip) = address() else {
        return;
    };
    let (server, port, ca) = serve().await;
    let done = tokio::task::spawn_blocking(move || {
        let plane = ControlPlane::start(&[]);
        let out = plane.kubectl_stdin(&["apply"], &manifest(&ip, port, &ca));
        let text = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(out.status.success(), "{text}");
        check(&plane, &server);
    });
    done.await.expect("all checks pass");
}
