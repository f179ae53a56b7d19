//! A node's network: a namespace, joined to ours by a pair of interfaces.

use std::process::{Command, Stdio};

/// Removed on drop, with its interfaces.
pub struct Netns {
    pub name: String,
    link: String,
    /// Our side's address and the node's.
    pub ours: String,
    pub theirs: String,
}

fn ip(args: &[&str]) -> bool {
    let ran = Command::new("ip")
        .args(args)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    ran.is_ok_and(|s| s.success())
}

impl Netns {
    /// None, with a message, where namespaces cannot be made.
    #[expect(clippy::print_stderr, reason = "a skipped test says so")]
    pub fn new(i: u8) -> Option<Self> {
        let pid = std::process::id();
        let net = format!("10.213.{}", pid % 250);
        let made = Self {
            name: format!("catena-{pid}-{i}"),
            link: format!("ct{pid}n{i}"),
            ours: format!("{net}.{}", 4 * i + 1),
            theirs: format!("{net}.{}", 4 * i + 2),
        };
        let (name, link) = (made.name.as_str(), made.link.as_str());
        let peer = format!("{link}p");
        let (ours, theirs) = (format!("{}/30", made.ours), format!("{}/30", made.theirs));
        let steps: [&[&str]; 7] = [
            &["netns", "add", name],
            &["link", "add", link, "type", "veth", "peer", "name", &peer],
            &["link", "set", &peer, "netns", name],
            &["addr", "add", &ours, "dev", link],
            &["link", "set", link, "up"],
            &["-n", name, "addr", "add", &theirs, "dev", &peer],
            &["-n", name, "link", "set", &peer, "up"],
        ];
        let done = steps.iter().all(|s| ip(s)) && ip(&["-n", name, "link", "set", "lo", "up"]);
        if !done {
            eprintln!("skipped: network namespaces cannot be made here");
        }
        done.then_some(made)
    }

    /// Cuts the node off without a word, or joins it again.
    pub fn set(&self, up: bool) {
        let state = if up { "up" } else { "down" };
        assert!(ip(&["link", "set", &self.link, state]));
    }
}

impl Drop for Netns {
    fn drop(&mut self) {
        ip(&["link", "del", &self.link]);
        ip(&["netns", "del", &self.name]);
    }
}
