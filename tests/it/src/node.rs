//! A node of one pod, whose kubelet is a stand-in with the streaming code of the
//! real one (`kubelet/main.go`).

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::UdpSocket,
    path::Path,
    process::{Child, Command, Stdio},
};

use crate::{ControlPlane, eventually, free_port, go_program, has};

/// An address of this machine that users may reach through the API; `None`, with
/// the reason told, without a network.
pub fn address() -> Option<String> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    // Nothing is sent: the route tells the address.
    let routed = socket.connect("10.255.255.255:9");
    let ip = routed.and_then(|()| socket.local_addr()).map(|a| a.ip());
    let ip = ip
        .ok()
        .filter(|ip| !ip.is_loopback() && !ip.is_unspecified());
    if ip.is_none() {
        println!("skipped: there is no address but loopback");
    }
    ip.map(|ip| ip.to_string())
}

/// A running kubelet, ended with the value.
pub struct Kubelet {
    child: Child,
    pub port: String,
}

impl Kubelet {
    /// `None`, with the reason told, when it cannot be built.
    pub fn start(dir: &Path) -> Option<Self> {
        Self::start_by(dir, |program| Command::new(program))
    }

    /// As [`Self::start`], by a command that starts a program somewhere else.
    pub fn start_by(dir: &Path, command: impl FnOnce(&Path) -> Command) -> Option<Self> {
        let program = go_program("kubelet", dir)?;
        let mut child = command(&program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let mut port = String::new();
        BufReader::new(child.stdout.take().expect("its output"))
            .read_line(&mut port)
            .expect("its port");
        let port = port.trim().to_owned();
        Some(Self { child, port })
    }
}

impl Drop for Kubelet {
    fn drop(&mut self) {
        // The end of its input is its end.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// A node with one pod.
pub struct Node {
    pub name: String,
    pub pod: String,
    /// Where its kubelet and the pod are.
    pub inner: String,
    /// Another address, by which its sshd is reached.
    pub outer: Option<String>,
    /// Of its kubelet.
    pub port: String,
}

impl Node {
    /// Node `n1` with pod `web`.
    pub fn n1(ip: &str, port: &str) -> Self {
        Self {
            name: "n1".to_owned(),
            pod: "web".to_owned(),
            inner: ip.to_owned(),
            outer: None,
            port: port.to_owned(),
        }
    }

    /// Makes the node and its pod, which runs.
    pub fn register(&self, plane: &ControlPlane) {
        let (name, pod, ip, port) = (&self.name, &self.pod, &self.inner, &self.port);
        let node = format!("apiVersion: v1\nkind: Node\nmetadata: {{name: {name}}}\n");
        assert!(plane.kubectl_stdin(&["apply"], &node).status.success());
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
        let outer = self.outer.as_ref().map_or_else(String::new, |ip| {
            format!(r#",{{"type":"ExternalIP","address":"{ip}"}}"#)
        });
        let at = format!(
            r#"{{"status":{{"addresses":[{{"type":"InternalIP","address":"{ip}"}}{outer}],"daemonEndpoints":{{"kubeletEndpoint":{{"Port":{port}}}}}}}}}"#
        );
        status("node", name, &at);
        eventually("the account of pods is there", || {
            plane
                .try_kubectl(&["get", "serviceaccount", "default"])
                .status
                .success()
        });
        let manifest = format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: {pod}}}\nspec: {{nodeName: {name}, containers: [{{name: c, image: x}}]}}\n"
        );
        assert!(plane.kubectl_stdin(&["apply"], &manifest).status.success());
        let running = format!(
            r#"{{"status":{{"phase":"Running","podIP":"{ip}","podIPs":[{{"ip":"{ip}"}}],"containerStatuses":[{{"name":"c","ready":true,"restartCount":0,"image":"x","imageID":"x","state":{{"running":{{}}}}}}]}}}}"#
        );
        status("pod", pod, &running);
    }
}

/// Makes node `n1` with the kubelet, and pod `web` on it.
pub fn register(plane: &ControlPlane, ip: &str, port: &str) {
    Node::n1(ip, port).register(plane);
}

/// exec and attach, with `size` bytes through a container and back.
pub fn streams(plane: &ControlPlane, pod: &str, size: u32) {
    let said = plane.kubectl(&["exec", pod, "--", "echo", "a b", "&"]);
    assert_eq!(said, "a b &\n");
    let mut child = plane
        .command("kubectl")
        .args(["exec", "-i", pod, "--", "cat"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("kubectl runs");
    let sent: Vec<u8> = (0..size).map(|n| (n ^ (n >> 8)).to_le_bytes()[0]).collect();
    let mut input = child.stdin.take().expect("its input");
    let copy = sent.clone();
    let writer = std::thread::spawn(move || input.write_all(&copy));
    let mut back = Vec::new();
    let mut output = child.stdout.take().expect("its output");
    output.read_to_end(&mut back).expect("read");
    assert!(writer.join().expect("no panic").is_ok());
    assert!(child.wait().is_ok_and(|s| s.success()));
    assert!(back == sent, "{} of {} bytes", back.len(), sent.len());
    assert_eq!(plane.kubectl(&["attach", pod]), "attached\n");
}

/// `exec -it` from a terminal of a size of its own, which the command's terminal
/// gets, with what is typed and the code of the command's end.
pub fn terminal(plane: &ControlPlane, pod: &str) {
    if !has("script") || !has("stty") {
        return;
    }
    let remote = r#"until [ "$(stty size)" = "33 101" ]; do sleep 0.1; done; read line; echo "got $line on $(tty)"; exit 3"#;
    let local = format!("stty rows 33 cols 101; kubectl exec -it {pod} -- sh -c '{remote}'");
    let mut child = plane
        .command("script")
        .args(["-qec", &local, "/dev/null"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("script runs");
    let mut typed = child.stdin.take().expect("its input");
    typed.write_all(b"a line\n").expect("typed");
    let mut said = String::new();
    let mut output = child.stdout.take().expect("its output");
    output.read_to_string(&mut said).expect("read");
    drop(typed);
    let code = child.wait().expect("it ends").code();
    assert!(said.contains("got a line on /dev/pts/"), "{said}");
    assert_eq!(code, Some(3), "{said}");
}

/// `kubectl cp` into a container and out again, of 20 MB, or `CATENA_CP_BYTES`.
pub fn copied(plane: &ControlPlane, pod: &str) {
    if !has("tar") {
        return;
    }
    let asked = std::env::var("CATENA_CP_BYTES").ok();
    let size: usize = asked.map_or(20_000_000, |n| n.parse().expect("a number"));
    let dir = tempfile::tempdir().expect("a directory");
    let at = |name: &str| dir.path().join(name).display().to_string();
    let sent: Vec<u8> = (0..size).map(|n| (n ^ (n >> 8)).to_le_bytes()[0]).collect();
    std::fs::write(dir.path().join("sent"), &sent).expect("a file");
    // Containers are processes of this host: the paths must differ.
    let there = format!("{pod}:{}", at("there"));
    plane.kubectl(&["cp", &at("sent"), &there]);
    plane.kubectl(&["cp", &there, &at("back")]);
    for name in ["there", "back"] {
        let got = std::fs::read(dir.path().join(name)).expect("a file");
        assert!(got == sent, "{name}: {} of {size} bytes", got.len());
    }
}

/// A service of the kubelet's port, through the proxy.
pub fn service(plane: &ControlPlane, ip: &str, port: &str) {
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

/// port-forward to the kubelet's own port.
pub fn forwarded(plane: &ControlPlane, pod: &str, port: &str) {
    if !has("curl") {
        return;
    }
    let local = free_port();
    let mut child = plane
        .command("kubectl")
        .args([
            "port-forward",
            &format!("pod/{pod}"),
            &format!("{local}:{port}"),
        ])
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
