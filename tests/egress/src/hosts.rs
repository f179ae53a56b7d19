//! Hosts of our own: network namespaces with an sshd, whose inner addresses this
//! machine has no route to.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use catena_tests_it::eventually;

/// Where Debian has it; sshd insists on an absolute path.
const SSHD: &str = "/usr/sbin/sshd";
const PORT: u16 = 2222;

/// A host. Removed on drop, with what runs on it.
pub struct Host {
    pub name: String,
    netns: String,
    link: String,
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
    /// `None`, with the reason told, where there is no sshd or no namespace to be had.
    pub fn start(number: u8, authorized: &Path, dir: &Path) -> Option<Self> {
        if !Path::new(SSHD).exists() {
            println!("skipped: {SSHD} is not installed (make deps)");
            return None;
        }
        let pid = std::process::id();
        let net = pid % 250;
        let mut host = Self {
            name: format!("node-{number}"),
            netns: format!("catena-{pid}-e{number}"),
            link: format!("ce{pid}n{number}"),
            outer: format!("10.212.{net}.{}", 4 * number + 2),
            inner: format!("10.211.{net}.{number}"),
            dir: dir.join(format!("host-{number}")),
            sshd: None,
        };
        if !host.network(&format!("10.212.{net}.{}", 4 * number + 1)) {
            println!("skipped: network namespaces cannot be made here");
            return None;
        }
        host.configure(authorized);
        host.run_sshd();
        Some(host)
    }

    fn network(&self, ours: &str) -> bool {
        let (name, link) = (self.netns.as_str(), self.link.as_str());
        let peer = format!("{link}p");
        let (ours, theirs) = (format!("{ours}/30"), format!("{}/30", self.outer));
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
        fs::create_dir_all(&self.dir).expect("a directory");
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
        let on_it = Command::new("ip")
            .args(["netns", "pids", &self.netns])
            .output()
            .expect("ip runs");
        for pid in String::from_utf8_lossy(&on_it.stdout).lines() {
            let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
            if name.starts_with("sshd") {
                let _ = Command::new("kill").args(["-9", pid]).status();
            }
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

/// A running `catena tunnel` that learns the hosts from an API server; ended with
/// the value.
pub struct Tunnel(Child);

impl Tunnel {
    pub fn start(dir: &Path, kubeconfig: &Path, known_hosts: &Path, more: &[&str]) -> Self {
        let flag = |name: &str, path: PathBuf| format!("--{name}={}", path.display());
        let child = Command::new(catena_tests_it::binary())
            .arg("tunnel")
            .arg(flag("listen", dir.join("tunnel.sock")))
            .arg(flag("ssh-keyfile", dir.join("key")))
            .arg(flag("ssh-known-hosts", known_hosts.to_owned()))
            .arg(flag("kubeconfig", kubeconfig.to_owned()))
            .args(["--ssh-user=root", "--preferred-address-types=ExternalIP"])
            .arg(format!("--ssh-port={PORT}"))
            .arg(format!(
                "--listen-http=127.0.0.1:{}",
                catena_tests_it::free_port()
            ))
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(dir.join("tunnel.log")).expect("a log"))
            .spawn();
        Self(child.expect("the tunnel runs"))
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let _ = self.0.wait();
    }
}
