//! Hosts of our own: network namespaces with an sshd, whose inner addresses this
//! machine has no route to.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use catena_runtime::pki::Pki;
use catena_tests_it::{ControlPlane, eventually};

/// Where Debian has it; sshd insists on an absolute path.
const SSHD: &str = "/usr/sbin/sshd";
const PORT: u16 = 2222;

/// A host. Removed on drop, with what runs on it.
pub struct Host {
    pub name: String,
    netns: String,
    link: String,
    /// Where it reaches this machine.
    pub ours: String,
    /// Where its sshd is reached.
    pub outer: String,
    /// Where its kubelet and pods are; only the host itself gets there.
    pub inner: String,
    dir: PathBuf,
    sshd: Option<Child>,
}

fn ip(args: &[&str]) -> bool {
    let ran = Command::new("ip")
        .args(args)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    ran.is_ok_and(|s| s.success())
}

impl Host {
    /// With an sshd. `None`, with the reason told, where there is none, or no
    /// namespace to be had.
    pub fn start(number: u8, authorized: &Path, dir: &Path) -> Option<Self> {
        if !Path::new(SSHD).exists() {
            println!("skipped: {SSHD} is not installed (make deps)");
            return None;
        }
        let mut host = Self::alone(number, dir)?;
        host.configure(authorized);
        host.run_sshd();
        Some(host)
    }

    /// As behind NAT: it connects to others, nobody connects to it. `None`, with
    /// the reason told, where that cannot be had.
    pub fn start_closed(number: u8, dir: &Path) -> Option<Self> {
        let host = Self::alone(number, dir)?;
        let rule = "-A INPUT -p tcp --syn ! -i lo -j DROP";
        let closed = host.command("iptables").args(rule.split(' ')).status();
        if !closed.is_ok_and(|s| s.success()) {
            println!("skipped: iptables is not installed (make deps)");
            return None;
        }
        Some(host)
    }

    fn alone(number: u8, dir: &Path) -> Option<Self> {
        let pid = std::process::id();
        let net = pid % 250;
        let host = Self {
            name: format!("node-{number}"),
            netns: format!("catena-{pid}-e{number}"),
            link: format!("ce{pid}n{number}"),
            ours: format!("10.212.{net}.{}", 4 * number + 1),
            outer: format!("10.212.{net}.{}", 4 * number + 2),
            inner: format!("10.211.{net}.{number}"),
            dir: dir.join(format!("host-{number}")),
            sshd: None,
        };
        if !host.network() {
            println!("skipped: network namespaces cannot be made here");
            return None;
        }
        fs::create_dir_all(&host.dir).expect("a directory");
        Some(host)
    }

    fn network(&self) -> bool {
        let (name, link) = (self.netns.as_str(), self.link.as_str());
        let peer = format!("{link}p");
        let (ours, theirs) = (format!("{}/30", self.ours), format!("{}/30", self.outer));
        let inner = format!("{}/32", self.inner);
        let steps: [&[&str]; 10] = [
            &["netns", "add", name],
            &["link", "add", link, "type", "veth", "peer", "name", &peer],
            &["link", "set", &peer, "netns", name],
            &["addr", "add", &ours, "dev", link],
            &["link", "set", link, "up"],
            &["-n", name, "addr", "add", &theirs, "dev", &peer],
            &["-n", name, "link", "set", &peer, "up"],
            &["-n", name, "link", "set", "lo", "up"],
            &["-n", name, "addr", "add", &inner, "dev", "lo"],
            &["route", "add", "unreachable", &inner],
        ];
        steps.iter().all(|s| ip(s))
    }

    fn configure(&self, authorized: &Path) {
        // sshd separates privileges in this directory.
        fs::create_dir_all("/run/sshd").expect("/run/sshd");
        let made = Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-f"])
            .arg(self.dir.join("host"))
            .status();
        assert!(made.is_ok_and(|s| s.success()), "ssh-keygen makes a key");
        let config = format!(
            "Port {PORT}\nListenAddress {}\nHostKey {}/host\nPidFile none\nAuthorizedKeysFile {}\n\
             StrictModes no\nUsePAM no\nPasswordAuthentication no\n\
             PermitRootLogin prohibit-password\nAllowTcpForwarding local\n",
            self.outer,
            self.dir.display(),
            authorized.display()
        );
        fs::write(self.dir.join("config"), config).expect("a file");
    }

    /// A command on the host.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.netns]).arg(program);
        command
    }

    /// Processes of its sshd: the listener, and one or two a session.
    pub fn sshds(&self) -> Vec<u32> {
        let on_it = Command::new("ip")
            .args(["netns", "pids", &self.netns])
            .output()
            .expect("ip runs");
        let text = String::from_utf8_lossy(&on_it.stdout).into_owned();
        let pids = text.lines().filter_map(|pid| pid.parse().ok());
        let is_sshd = |pid: &u32| {
            let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
            name.starts_with("sshd")
        };
        pids.filter(is_sshd).collect()
    }

    /// Starts its sshd, again.
    pub fn run_sshd(&mut self) {
        self.stop_sshd();
        let log = fs::File::create(self.dir.join("log")).expect("a log");
        let child = self
            .command(SSHD)
            .args(["-D", "-e", "-f"])
            .arg(self.dir.join("config"))
            .stdin(Stdio::null())
            .stderr(log)
            .spawn();
        self.sshd = Some(child.expect("sshd runs"));
        let at = format!("{}:{PORT}", self.outer);
        eventually("sshd listens", || std::net::TcpStream::connect(&at).is_ok());
    }

    /// Ends its sshd, sessions and all.
    pub fn stop_sshd(&mut self) {
        let Some(mut child) = self.sshd.take() else {
            return;
        };
        for pid in self.sshds() {
            let _ = Command::new("kill").args(["-9", &pid.to_string()]).status();
        }
        let _ = child.wait();
    }

    /// The line of `known_hosts` for it.
    pub fn known(&self) -> String {
        let key = fs::read_to_string(self.dir.join("host.pub")).expect("a key");
        format!("[{}]:{PORT} {key}", self.outer)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.stop_sshd();
        ip(&["route", "del", "unreachable", &format!("{}/32", self.inner)]);
        ip(&["link", "del", &self.link]);
        ip(&["netns", "del", &self.netns]);
    }
}

/// A running `catena tunnel`, or an agent of it; ended with the value.
pub struct Tunnel(Child);

impl Tunnel {
    /// One that learns the hosts from an API server, and connects to them.
    /// `more`: further flags.
    pub fn start(dir: &Path, kubeconfig: &Path, known_hosts: &Path, more: &[&str]) -> Self {
        let mut flags = vec![
            flag("kubeconfig", kubeconfig),
            format!("--ssh-port={PORT}"),
            "--preferred-address-types=ExternalIP".to_owned(),
        ];
        flags.extend(more.iter().map(|&flag| flag.to_owned()));
        Self::over_ssh(dir, known_hosts, flags)
    }

    /// One that connects to these hosts.
    pub fn start_to(hosts: &[Host], dir: &Path, known_hosts: &Path) -> Self {
        let node = |h: &Host| format!("--node={}={}:{PORT}", h.name, h.outer);
        Self::over_ssh(dir, known_hosts, hosts.iter().map(node).collect())
    }

    fn over_ssh(dir: &Path, known_hosts: &Path, mut flags: Vec<String>) -> Self {
        flags.push(flag("ssh-keyfile", &dir.join("key")));
        flags.push(flag("ssh-known-hosts", known_hosts));
        flags.push("--ssh-user=root".to_owned());
        Self::serve(&dir.join("tunnel.sock"), &flags)
    }

    /// One that nodes of an API server dial in to.
    pub fn start_for_agents(socket: &Path, plane: &ControlPlane, port: u16) -> Self {
        let nodes = flag("kubeconfig", &plane.kubeconfig());
        Self::for_agents(socket, &plane.dir().join("pki"), port, &[nodes])
    }

    /// One that every node dials in to whose certificate the authorities in `pki` made.
    pub fn start_for_all(socket: &Path, pki: &Path, port: u16) -> Self {
        Self::for_agents(socket, pki, port, &[])
    }

    fn for_agents(socket: &Path, pki: &Path, port: u16, nodes: &[String]) -> Self {
        let mut flags = vec![
            flag("pki-dir", pki),
            format!("--listen-agents=0.0.0.0:{port}"),
        ];
        flags.extend_from_slice(nodes);
        Self::serve(socket, &flags)
    }

    fn serve(socket: &Path, flags: &[String]) -> Self {
        let health = catena_tests_it::free_port();
        let mut command = Command::new(catena_tests_it::binary());
        command
            .args(["tunnel", &flag("listen", socket)])
            .arg(format!("--listen-http=127.0.0.1:{health}"))
            .args(flags);
        Self::spawn(command, &socket.with_extension("log"))
    }

    /// The agent of a host, which dials in at `ports`.
    pub fn agent(host: &Host, pki: &Path, ports: &[u16], more: &[&str]) -> Self {
        let pki = Pki::open(pki).expect("a directory");
        let user = format!("system:node:{}", host.name);
        let pair = pki.client(&host.name, &user, Some("system:nodes"));
        let pair = pair.expect("a certificate");
        let ca = pki.internal_ca().expect("an authority");
        let mut command = host.command(catena_tests_it::binary());
        command
            .args(["tunnel", "agent"])
            .args(ports.iter().map(|p| format!("--server={}:{p}", host.ours)))
            .arg(flag("server-ca-file", &ca))
            .arg(flag("tls-cert-file", &pair.cert))
            .arg(flag("tls-private-key-file", &pair.key))
            .args(more);
        Self::spawn(command, &host.dir.join("agent.log"))
    }

    pub fn pid(&self) -> u32 {
        self.0.id()
    }

    fn spawn(mut command: Command, log: &Path) -> Self {
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(log).expect("a log"))
            .spawn();
        Self(child.expect("it runs"))
    }
}

fn flag(name: &str, path: &Path) -> String {
    format!("--{name}={}", path.display())
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let _ = self.0.wait();
    }
}
