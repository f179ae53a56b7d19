//! What the control plane may connect to from this node.

use std::net::{IpAddr, SocketAddr, UdpSocket};

use ipnet::IpNet;

/// Most rules: each is looked at for each connection.
const MOST: usize = 1000;

/// One of these must hold for a connection. Names are resolved first: rules are
/// about addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Allowed(Vec<Rule>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    place: Place,
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Own,
    Any,
    Net(IpNet),
}

impl Allowed {
    /// # Errors
    /// Which rule makes no sense, and what was expected.
    pub(super) fn parse(rules: &[String]) -> Result<Self, String> {
        if rules.len() > MOST {
            return Err(format!("--allow-target has more than {MOST} rules"));
        }
        let rules = rules.iter().map(|text| {
            Rule::parse(text).ok_or_else(|| {
                format!(
                    "--allow-target {text:?}: self, any, an address or a range is expected, with :port after it or not"
                )
            })
        });
        rules.collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn permits(&self, to: SocketAddr) -> bool {
        let ip = to.ip().to_canonical();
        let matches = |rule: &&Rule| rule.port.is_none_or(|p| p == to.port());
        self.0.iter().filter(matches).any(|rule| match &rule.place {
            Place::Any => true,
            Place::Net(net) => net.contains(&ip),
            Place::Own => is_own(ip),
        })
    }
}

impl Rule {
    fn parse(text: &str) -> Option<Self> {
        if let Some(place) = Place::parse(text) {
            return Some(Self { place, port: None });
        }
        let (place, port) = text.rsplit_once(':')?;
        let bare = place.strip_prefix('[').and_then(|p| p.strip_suffix(']'));
        // Without brackets the last group of an IPv6 address would be a port.
        let place = match bare {
            Some(v6) => v6,
            None if place.contains(':') => return None,
            None => place,
        };
        let port: u16 = port.parse().ok().filter(|p| *p != 0)?;
        Some(Self {
            place: Place::parse(place)?,
            port: Some(port),
        })
    }
}

impl Place {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "self" => Some(Self::Own),
            "any" => Some(Self::Any),
            _ => {
                let one = || text.parse().ok().map(|ip: IpAddr| IpNet::from(ip));
                text.parse().ok().or_else(one).map(Self::Net)
            }
        }
    }
}

/// Only addresses of this host can be bound to; it is asked each time, because
/// they change.
fn is_own(ip: IpAddr) -> bool {
    let one = !ip.is_unspecified() && !ip.is_multicast();
    one && (ip.is_loopback() || UdpSocket::bind((ip, 0)).is_ok())
}

#[cfg(test)]
mod tests {
    use super::Allowed;

    fn permits(rules: &[&str], to: &str) -> bool {
        let rules: Vec<_> = rules.iter().map(|r| (*r).to_owned()).collect();
        let allowed = Allowed::parse(&rules).expect("rules");
        allowed.permits(to.parse().expect("an address"))
    }

    #[test]
    fn rules_are_about_addresses_and_ports() {
        for (rules, to, expected) in [
            (&["self"][..], "127.0.0.1:10250", true),
            (&["self"], "127.9.9.9:1", true),
            (&["self"], "[::1]:1", true),
            (&["self"], "[::ffff:127.0.0.1]:1", true),
            (&["self"], "192.0.2.1:1", false),
            (&["self"], "0.0.0.0:1", false),
            (&["self"], "224.0.0.1:1", false),
            (&["self:10250"], "127.0.0.1:10250", true),
            (&["self:10250"], "127.0.0.1:10251", false),
            (&["10.0.0.0/8"], "10.1.2.3:80", true),
            (&["10.0.0.0/8"], "11.1.2.3:80", false),
            (&["10.0.0.0/8"], "[::ffff:10.1.2.3]:80", true),
            (&["10.0.0.7:80", "self"], "10.0.0.7:80", true),
            (&["10.0.0.7:80", "self"], "10.0.0.7:81", false),
            (&["fd00::/8"], "[fd00::1]:80", true),
            (&["[fd00::/8]:443"], "[fd00::1]:80", false),
            (&["[fd00::/8]:443"], "[fd00::1]:443", true),
            (&["any:443"], "192.0.2.1:443", true),
            (&["any"], "192.0.2.1:1", true),
            (&[], "127.0.0.1:1", false),
        ] {
            assert_eq!(permits(rules, to), expected, "{rules:?} {to}");
        }
    }

    #[test]
    fn what_is_no_rule_is_told() {
        for rule in ["", "all", "10.0.0.0/33", "self:0", "self:x", ":1", "a.b:1"] {
            let why = Allowed::parse(&[rule.to_owned()]).expect_err(rule);
            assert!(why.starts_with("--allow-target "), "{why}");
        }
    }
}
