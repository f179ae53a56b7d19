//! What is dialed: a host and a port.

use catena_proto::tunnel::v1::Stage;

use crate::{failure::Failure, limits};

/// `host:port` or `[v6]:port`, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub host: String,
    pub port: u16,
}

impl Target {
    /// # Errors
    /// A failure of stage request that says what was expected.
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        let fail = |why: &str| Failure::new(Stage::Request, format!("target: {why}"));
        if text.len() > limits::TARGET {
            return Err(fail("longer than a host and a port can be"));
        }
        let (host, port) = text
            .rsplit_once(':')
            .ok_or_else(|| fail("host:port is expected"))?;
        let port = match port.parse() {
            Ok(port) if port != 0 => port,
            _ => return Err(fail("a port from 1 to 65535 is expected after the colon")),
        };
        let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
        let host = match bare {
            Some(v6) if v6.parse::<std::net::Ipv6Addr>().is_ok() => v6,
            None if named(host) => host,
            _ => return Err(fail("a host name, an IPv4 address or [IPv6] is expected")),
        };
        Ok(Self {
            host: host.to_owned(),
            port,
        })
    }
}

/// Nothing that a node's resolver or its log could misread.
fn named(host: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    !host.is_empty() && host.bytes().all(plain)
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Target;

    #[test]
    fn hosts_and_ports_are_read() {
        for (text, host, port) in [
            ("10.0.0.1:10250", "10.0.0.1", 10250),
            ("node-1.example:443", "node-1.example", 443),
            ("[fd00::1]:80", "fd00::1", 80),
        ] {
            let target = Target::parse(text).expect(text);
            assert_eq!((target.host.as_str(), target.port), (host, port));
            assert_eq!(target.to_string(), text);
        }
    }

    #[test]
    fn what_is_no_target_is_refused() {
        let long = format!("{}:1", "a".repeat(400));
        for text in [
            "",
            ":",
            "a",
            "a:",
            ":1",
            "a:0",
            "a:65536",
            "a b:1",
            "a\n:1",
            "fd00::1:80x",
            "[x]:1",
            "fd00::1:80",
            "[fd00::1:80",
            &long,
        ] {
            assert!(Target::parse(text).is_err(), "{text:?}");
        }
    }
}
