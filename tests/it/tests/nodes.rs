//! Logs, exec, attach, port-forward and proxies to a kubelet whose streaming code
//! is the real one (`kubelet/main.go`).

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::UdpSocket,
    path::Path,
    process::{Child, Command, Stdio},
};

use catena_tests_it::{ControlPlane, eventually, free_port, go_program, has};

/// An address of this machine that users may reach through the API; `None` without a network.
fn address() -> Option<String> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    // Nothing is sent: the route tells the address.
    socket.connect("10.255.255.255:9").ok()?;
    let ip = socket.local_addr().ok()?.ip();
    (!ip.is_loopback() && !ip.is_unspecified()).then(|| ip.to_string())
}

/// The running kubelet and its port; `None` when it cannot be built.
fn kubelet(dir: &Path) -> Option<(Child, String)> {
    let program = go_program("kubelet", dir)?;
    let mut child = Command::new(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let mut port = String::new();
    BufReader::new(child.stdout.take().expect("its output"))
        .read_line(&mut port)
        .expect("its port");
    Some((child, port.trim().to_owned()))
}

fn register(plane: &ControlPlane, ip: &str, port: &str) {
    let node = "apiVersion: v1\nkind: Node\nmetadata: {name: n1}\n";
    assert!(plane.kubectl_stdin(&["apply"], node).status.success());
    let status = |kind: &str, name: &str, patch: &str| {
        plane.kubectl(&[
            "patch",
            kind,
            name,
            "--subresource=status",
            "--type=merge",
            "-p",
            patch,
        ]);
    };
    let at = format!(
        r#"{{"status":{{"addresses":[{{"type":"InternalIP","address":"{ip}"}}],"daemonEndpoints":{{"kubeletEndpoint":{{"Port":{port}}}}}}}}}"#
    );
    status("node", "n1", &at);
    eventually("the account of pods is there", || {
        plane
            .try_kubectl(&["get", "serviceaccount", "default"])
            .status
            .success()
    });
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {nodeName: n1, containers: [{name: c, image: x}]}\n";
    assert!(plane.kubectl_stdin(&["apply"], pod).status.success());
    let running = format!(
        r#"{{"status":{{"phase":"Running","podIP":"{ip}","podIPs":[{{"ip":"{ip}"}}],"containerStatuses":[{{"name":"c","ready":true,"restartCount":0,"image":"x","imageID":"x","state":{{"running":{{}}}}}}]}}}}"#
    );
    status("pod", "web", &running);
}

#[test]
fn kubectl_reaches_what_runs() {
    if !has("kubectl") {
        return;
    }
    let Some(ip) = address() else {
        println!("skipped: there is no address but loopback");
        return;
    };
    let dir = tempfile::tempdir().expect("a directory");
    let Some((mut kubelet, port)) = kubelet(dir.path()) else {
        return;
    };
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
    streams(&plane);
    let raw = |path: &str| plane.kubectl(&["get", "--raw", path]);
    assert_eq!(
        raw("/api/v1/nodes/n1/proxy/healthz?a=b"),
        "ok for /api/v1/nodes/n1/proxy/healthz, a=b"
    );
    let pod = format!("/api/v1/namespaces/default/pods/https:web:{port}/proxy/healthz");
    assert_eq!(raw(&pod), format!("ok for {pod}, "));
    service(&plane, &ip, &port);
    forwarded(&plane, &port);
    drop(kubelet.stdin.take());
    let _ = kubelet.wait();
    let gone = plane.try_kubectl(&["logs", "web"]);
    let text = String::from_utf8_lossy(&gone.stderr).into_owned();
    assert!(text.contains("connect: connection refused"), "{text}");
}

fn streams(plane: &ControlPlane) {
    let said = plane.kubectl(&["exec", "web", "--", "echo", "a b", "&"]);
    assert_eq!(said, "a b &\n");
    let mut child = plane
        .command("kubectl")
        .args(["exec", "-i", "web", "--", "cat"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("kubectl runs");
    let sent: Vec<u8> = (0..3_000_000u32).map(|n| n.to_le_bytes()[0]).collect();
    let mut input = child.stdin.take().expect("its input");
    let copy = sent.clone();
    let writer = std::thread::spawn(move || input.write_all(&copy));
    let mut back = Vec::new();
    let mut output = child.stdout.take().expect("its output");
    output.read_to_end(&mut back).expect("read");
    assert!(writer.join().expect("no panic").is_ok());
    assert!(child.wait().is_ok_and(|s| s.success()));
    assert!(back == sent, "{} of {} bytes", back.len(), sent.len());
    assert_eq!(plane.kubectl(&["attach", "web"]), "attached\n");
}

fn service(plane: &ControlPlane, ip: &str, port: &str) {
    let manifest = format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{name: s}}\nspec: {{ports: [{{name: h, port: 443}}]}}\n---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {{name: s-1, labels: {{kubernetes.io/service-name: s}}}}\naddressType: IPv4\nports: [{{name: h, port: {port}}}]\nendpoints: [{{addresses: [\"{ip}\"]}}]\n"
    );
    assert!(plane.kubectl_stdin(&["apply"], &manifest).status.success());
    for id in ["https:s:h", "https:s:443"] {
        let path = format!("/api/v1/namespaces/default/services/{id}/proxy/healthz");
        let said = plane.kubectl(&["get", "--raw", &path]);
        assert_eq!(said, format!("ok for {path}, "));
    }
    let path = "/api/v1/namespaces/default/services/https:s:9/proxy/healthz";
    let none = plane.try_kubectl(&["get", "--raw", path]);
    let text = String::from_utf8_lossy(&none.stderr).into_owned();
    assert!(
        text.contains("no service port 9 found for service"),
        "{text}"
    );
}

fn forwarded(plane: &ControlPlane, port: &str) {
    if !has("curl") {
        return;
    }
    let local = free_port();
    let mut child = plane
        .command("kubectl")
        .args(["port-forward", "pod/web", &format!("{local}:{port}")])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("kubectl runs");
    let url = format!("https://127.0.0.1:{local}/healthz");
    eventually("the port is forwarded", || {
        let out = Command::new("curl")
            .args(["-sk", "--max-time", "5", &url])
            .output()
            .expect("curl runs");
        out.stdout.starts_with(b"ok for")
    });
    let _ = child.kill();
    let _ = child.wait();
}
