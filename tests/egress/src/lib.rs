//! The proxy server and the agent of konnectivity, built from their Go module,
//! as processes of tests.

#![allow(clippy::print_stdout, reason = "tests say what they skip")]

mod certificates;
pub mod hosts;

use std::{
    fs::File,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use catena_tests_it::{eventually, tool};
use certificates::Certificates;
use hosts::Host;

/// What the proxy server speaks to its clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    HttpConnect,
    Grpc,
}

/// Where the proxy server is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    Tcp,
    Uds,
}

/// All ways to a proxy server.
pub const WAYS: [(Protocol, Transport); 4] = [
    (Protocol::HttpConnect, Transport::Uds),
    (Protocol::HttpConnect, Transport::Tcp),
    (Protocol::Grpc, Transport::Uds),
    (Protocol::Grpc, Transport::Tcp),
];

/// A proxy server with its agent, both ended with the value.
pub struct Konnectivity {
    pub protocol: Protocol,
    pub transport: Transport,
    dir: PathBuf,
    server: Option<Child>,
    agents: Vec<Child>,
    ports: Ports,
}

struct Ports {
    server: u16,
    agent: u16,
    health: u16,
    admin: u16,
}

/// A port that is free; the processes refuse those that the system hands out.
fn port() -> u16 {
    let seed = std::process::id()
        ^ std::time::UNIX_EPOCH
            .elapsed()
            .map_or(0, |d| d.subsec_nanos());
    let first = 20_000 + seed % 10_000;
    (first..first + 2_000)
        .filter_map(|p| u16::try_from(p).ok())
        .find(|p| TcpListener::bind(("127.0.0.1", *p)).is_ok())
        .expect("a port below those that the system hands out")
}

impl Konnectivity {
    /// Starts both with files in `dir`; `None`, with the reason told, where they
    /// were not built.
    pub fn start(protocol: Protocol, transport: Transport, dir: &Path) -> Option<Self> {
        Self::launch(protocol, transport, dir, &[])
    }

    /// With an agent on each of the hosts.
    pub fn start_on(hosts: &[Host], protocol: Protocol, dir: &Path) -> Option<Self> {
        Self::launch(protocol, Transport::Uds, dir, hosts)
    }

    fn launch(
        protocol: Protocol,
        transport: Transport,
        dir: &Path,
        hosts: &[Host],
    ) -> Option<Self> {
        let (server, agent) = (tool("proxy-server")?, tool("proxy-agent")?);
        std::fs::create_dir_all(dir).expect("a directory");
        let mut addresses = vec!["127.0.0.1".to_owned()];
        addresses.extend(hosts.iter().map(|h| h.ours.clone()));
        Certificates::new().write(dir, &addresses);
        let ports = Ports {
            server: port(),
            agent: port(),
            health: port(),
            admin: port(),
        };
        let log = |i: usize| dir.join(format!("agent-{i}.log"));
        let mut agents = Vec::new();
        for (i, host) in hosts.iter().enumerate() {
            let args = agent_args(dir, &host.ours, ports.agent);
            agents.push(spawn(host.command(&agent), args, &log(i)));
        }
        if hosts.is_empty() {
            let args = agent_args(dir, "127.0.0.1", ports.agent);
            agents.push(spawn(Command::new(&agent), args, &log(0)));
        }
        let mut it = Self {
            protocol,
            transport,
            dir: dir.to_owned(),
            server: None,
            agents,
            ports,
        };
        it.server = Some(it.serve(&server));
        it.wait();
        Some(it)
    }

    /// Processes of the server and the agents.
    pub fn pids(&self) -> Vec<u32> {
        self.server
            .iter()
            .chain(&self.agents)
            .map(Child::id)
            .collect()
    }

    fn serve(&self, program: &Path) -> Child {
        let log = self.dir.join("server.log");
        spawn(Command::new(program), self.server_args(), &log)
    }

    /// Ends the proxy server.
    pub fn stop_server(&mut self) {
        if let Some(mut server) = self.server.take() {
            let _ = server.kill();
            let _ = server.wait();
        }
    }

    /// Starts the proxy server again.
    pub fn start_server(&mut self) {
        let program = tool("proxy-server").expect("it was there before");
        self.server = Some(self.serve(&program));
        self.wait();
    }

    fn wait(&self) {
        eventually("the agent is connected", || ready(self.ports.health));
    }

    fn server_args(&self) -> Vec<String> {
        let file = |name: &str| self.dir.join(name).display().to_string();
        let mode = match self.protocol {
            Protocol::HttpConnect => "http-connect",
            Protocol::Grpc => "grpc",
        };
        let mut out = vec![
            format!("--mode={mode}"),
            format!("--agent-port={}", self.ports.agent),
            format!("--health-port={}", self.ports.health),
            format!("--admin-port={}", self.ports.admin),
            format!("--cluster-ca-cert={}", file("ca.crt")),
            format!("--cluster-cert={}", file("server.crt")),
            format!("--cluster-key={}", file("server.key")),
        ];
        for what in ["server", "health", "admin"] {
            out.push(format!("--{what}-bind-address=127.0.0.1"));
        }
        match self.transport {
            Transport::Uds => {
                out.push(format!("--uds-name={}", self.socket()));
                out.push("--server-port=0".to_owned());
            }
            Transport::Tcp => {
                out.push(format!("--server-port={}", self.ports.server));
                out.push(format!("--server-ca-cert={}", file("ca.crt")));
                out.push(format!("--server-cert={}", file("server.crt")));
                out.push(format!("--server-key={}", file("server.key")));
            }
        }
        out
    }

    fn socket(&self) -> String {
        self.dir.join("proxy.sock").display().to_string()
    }

    /// A file for `--egress-selector-config-file` that leads here.
    pub fn configuration(&self) -> PathBuf {
        let file = |name: &str| self.dir.join(name).display().to_string();
        let protocol = match self.protocol {
            Protocol::HttpConnect => "HTTPConnect",
            Protocol::Grpc => "GRPC",
        };
        let transport = match self.transport {
            Transport::Uds => format!("uds: {{udsName: {}}}", self.socket()),
            Transport::Tcp => format!(
                "tcp: {{url: \"https://127.0.0.1:{}\", tlsConfig: {{caBundle: {}, clientCert: {}, clientKey: {}}}}}",
                self.ports.server,
                file("ca.crt"),
                file("client.crt"),
                file("client.key")
            ),
        };
        let text = format!(
            "apiVersion: apiserver.k8s.io/v1beta1
kind: EgressSelectorConfiguration
egressSelections:
- name: cluster
  connection:
    proxyProtocol: {protocol}
    transport:
      {transport}
"
        );
        let path = self.dir.join("egress.yaml");
        std::fs::write(&path, text).expect("the configuration is written");
        path
    }
}

impl Drop for Konnectivity {
    fn drop(&mut self) {
        self.stop_server();
        for agent in &mut self.agents {
            let _ = agent.kill();
            let _ = agent.wait();
        }
        if std::thread::panicking() {
            for log in ["server.log", "agent-0.log"] {
                let text = std::fs::read_to_string(self.dir.join(log)).unwrap_or_default();
                let lines: Vec<&str> = text.lines().collect();
                let end = &lines[lines.len().saturating_sub(15)..];
                println!("{log}:\n{}", end.join("\n"));
            }
        }
    }
}

fn agent_args(dir: &Path, server: &str, agent_port: u16) -> Vec<String> {
    let file = |name: &str| dir.join(name).display().to_string();
    vec![
        format!("--proxy-server-host={server}"),
        format!("--proxy-server-port={agent_port}"),
        "--health-server-host=127.0.0.1".to_owned(),
        format!("--health-server-port={}", port()),
        "--admin-bind-address=127.0.0.1".to_owned(),
        format!("--admin-server-port={}", port()),
        format!("--ca-cert={}", file("ca.crt")),
        format!("--agent-cert={}", file("client.crt")),
        format!("--agent-key={}", file("client.key")),
        // The server may go and come back.
        "--sync-interval=200ms".to_owned(),
        "--sync-interval-cap=500ms".to_owned(),
        "--probe-interval=200ms".to_owned(),
    ]
}

fn spawn(mut program: Command, args: Vec<String>, log: &Path) -> Child {
    let log = File::options()
        .create(true)
        .append(true)
        .open(log)
        .expect("a log file");
    program
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("it starts")
}

/// Whether `/readyz` of a port of this machine answers 200.
fn ready(port: u16) -> bool {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else {
        return false;
    };
    let limit = Some(Duration::from_secs(5));
    let request = b"GET /readyz HTTP/1.0\r\n\r\n";
    if stream.set_read_timeout(limit).is_err() || stream.write_all(request).is_err() {
        return false;
    }
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    answer.starts_with("HTTP/1.0 200") || answer.starts_with("HTTP/1.1 200")
}
