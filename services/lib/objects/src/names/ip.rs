//! IP addresses and CIDRs, strict and as old fields take them (leading zeros, IPv4 in IPv6).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::field::{Error, Errors, Path};

/// An address and how it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ip {
    /// IPv4-mapped IPv6 addresses are IPv4 here, as in Go's `net.IP`.
    pub addr: IpAddr,
    pub leading_zeros: bool,
    pub mapped: bool,
}

/// Go's `net.IP.String()`.
fn text(addr: IpAddr) -> String {
    addr.to_string()
}

fn v4_sloppy(s: &str) -> Option<(Ipv4Addr, bool)> {
    let mut octets = [0u8; 4];
    let mut parts = s.split('.');
    let mut zeros = false;
    for slot in &mut octets {
        let part = parts.next()?;
        if part.is_empty() || !part.bytes().all(|c| c.is_ascii_digit()) {
            return None;
        }
        zeros |= part.len() > 1 && part.starts_with('0');
        let n: u32 = part
            .trim_start_matches('0')
            .parse()
            .or_else(|e| {
                if part.bytes().all(|c| c == b'0') {
                    Ok(0)
                } else {
                    Err(e)
                }
            })
            .ok()?;
        *slot = u8::try_from(n).ok()?;
    }
    parts
        .next()
        .is_none()
        .then(|| (Ipv4Addr::from(octets), zeros))
}

/// `ParseIPSloppy`: an IPv4 part may have leading zeros.
pub fn parse_ip_sloppy(s: &str) -> Option<Ip> {
    if !s.contains(':') {
        let (addr, leading_zeros) = v4_sloppy(s)?;
        return Some(Ip {
            addr: addr.into(),
            leading_zeros,
            mapped: false,
        });
    }
    let (v6, leading_zeros) = match s.rfind(':') {
        Some(colon) if s[colon..].contains('.') => {
            let (tail, zeros) = v4_sloppy(&s[colon + 1..])?;
            let rebuilt = format!("{}{tail}", &s[..=colon]);
            (rebuilt.parse::<Ipv6Addr>().ok()?, zeros)
        }
        _ => (s.parse::<Ipv6Addr>().ok()?, false),
    };
    let ip = match v6.to_ipv4_mapped() {
        Some(v4) => Ip {
            addr: v4.into(),
            leading_zeros,
            mapped: true,
        },
        None => Ip {
            addr: v6.into(),
            leading_zeros,
            mapped: false,
        },
    };
    Some(ip)
}

fn check_ip(path: &Path, value: &str, strict: bool) -> (Option<Ip>, Errors) {
    let mut out = Errors::new();
    let Some(ip) = parse_ip_sloppy(value) else {
        let why = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
        out.push(Error::invalid(path, value, why));
        return (None, out);
    };
    if strict && ip.leading_zeros {
        out.push(Error::invalid(path, value, "must not have leading 0s"));
    } else if strict && ip.mapped {
        let why = "must not be an IPv4-mapped IPv6 address";
        out.push(Error::invalid(path, value, why));
    }
    (Some(ip), out)
}

/// `IsValidIPForLegacyField` with strict validation; values in `old` always pass.
pub fn valid_ip_legacy(path: &Path, value: &str, old: &[&str]) -> Errors {
    if old.contains(&value) {
        return Errors::new();
    }
    check_ip(path, value, true).1
}

/// `IsValidIP`: strict and canonical.
pub fn valid_ip(path: &Path, value: &str) -> Errors {
    let (ip, mut out) = check_ip(path, value, true);
    if let (Some(ip), true) = (ip, out.is_empty()) {
        let canonical = text(ip.addr);
        if canonical != value {
            let why = format!("must be in canonical form ({canonical:?})");
            out.push(Error::invalid(path, value, why));
        }
    }
    out
}

/// `GetWarningsForIP`.
pub fn ip_warnings(path: &Path, value: &str) -> Vec<String> {
    let Some(ip) = parse_ip_sloppy(value) else {
        return Vec::new();
    };
    let canonical = text(ip.addr);
    if ip.leading_zeros || ip.mapped {
        return vec![format!(
            "{path}: non-standard IP address {value:?} is invalid: use {canonical:?}"
        )];
    }
    if ip.addr.is_ipv6() && canonical != value {
        return vec![format!(
            "{path}: IPv6 address {value:?} should be in RFC 5952 canonical format ({canonical:?})"
        )];
    }
    Vec::new()
}

/// An address with a prefix length, as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cidr {
    pub ip: Ip,
    /// In bits of the address as Go keeps it (an IPv4-mapped one has 128).
    pub bits: u8,
    leading_zeros: bool,
}

impl Cidr {
    /// Prefix length in bits of `ip.addr`.
    fn len(&self) -> u8 {
        if self.ip.mapped {
            self.bits.saturating_sub(96)
        } else {
            self.bits
        }
    }

    fn masked(&self) -> IpAddr {
        match self.ip.addr {
            IpAddr::V4(a) => {
                let mask = u32::MAX
                    .checked_shl(32 - u32::from(self.len()))
                    .unwrap_or(0);
                IpAddr::V4(Ipv4Addr::from(u32::from(a) & mask))
            }
            IpAddr::V6(a) => {
                let mask = u128::MAX
                    .checked_shl(128 - u32::from(self.bits))
                    .unwrap_or(0);
                IpAddr::V6(Ipv6Addr::from(u128::from(a) & mask))
            }
        }
    }

    /// The network, as Go prints `net.IPNet`.
    pub fn network(&self) -> String {
        format!("{}/{}", text(self.masked()), self.len())
    }

    /// Network address and prefix length.
    pub fn parts(&self) -> (IpAddr, u8) {
        (self.masked(), self.len())
    }
}

/// `ParseCIDRSloppy`.
pub fn parse_cidr_sloppy(value: &str) -> Option<Cidr> {
    let (addr, len) = value.split_once('/')?;
    let ip = parse_ip_sloppy(addr)?;
    if len.is_empty() || len.len() > 6 || !len.bytes().all(|c| c.is_ascii_digit()) {
        return None;
    }
    let bits: u32 = len.parse().ok()?;
    let max = if addr.contains(':') { 128 } else { 32 };
    if bits > max {
        return None;
    }
    let bits = u8::try_from(bits).ok()?;
    Some(Cidr {
        ip,
        bits,
        leading_zeros: ip.leading_zeros || (len.len() > 1 && len.starts_with('0')),
    })
}

fn check_cidr(path: &Path, value: &str) -> (Option<Cidr>, Errors) {
    let mut out = Errors::new();
    let Some(c) = parse_cidr_sloppy(value) else {
        let why = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";
        out.push(Error::invalid(path, value, why));
        return (None, out);
    };
    let why = if c.leading_zeros {
        "must not have leading 0s in IP or prefix length"
    } else if c.ip.mapped {
        "must not have an IPv4-mapped IPv6 address"
    } else if c.masked() != c.ip.addr {
        "must not have bits set beyond the prefix length"
    } else {
        return (Some(c), out);
    };
    out.push(Error::invalid(path, value, why));
    (Some(c), out)
}

/// `IsValidCIDRForLegacyField` with strict validation; values in `old` always pass.
pub fn valid_cidr_legacy(path: &Path, value: &str, old: &[&str]) -> Errors {
    if old.contains(&value) {
        return Errors::new();
    }
    check_cidr(path, value).1
}

/// `IsValidCIDR`: strict and canonical.
pub fn valid_cidr(path: &Path, value: &str) -> Errors {
    let (cidr, mut out) = check_cidr(path, value);
    if let (Some(c), true) = (cidr, out.is_empty()) {
        let canonical = c.network();
        if canonical != value {
            let why = format!("must be in canonical form ({canonical:?})");
            out.push(Error::invalid(path, value, why));
        }
    }
    out
}

/// `IsValidInterfaceAddress`.
pub fn interface_address(path: &Path, value: &str) -> Errors {
    let mut out = Errors::new();
    let Some(c) = parse_cidr_sloppy(value) else {
        let why = "must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)";
        out.push(Error::invalid(path, value, why));
        return out;
    };
    let canonical = format!("{}/{}", text(c.ip.addr), c.len());
    if canonical != value {
        let why = format!("must be in canonical form ({canonical:?})");
        out.push(Error::invalid(path, value, why));
    }
    out
}

/// `GetWarningsForCIDR`.
pub fn cidr_warnings(path: &Path, value: &str) -> Vec<String> {
    let Some(c) = parse_cidr_sloppy(value) else {
        return Vec::new();
    };
    let mut out = Vec::new();
    let network = c.network();
    if c.masked() != c.ip.addr {
        let width = if c.ip.addr.is_ipv4() && !c.ip.mapped {
            32
        } else {
            128
        };
        let single = format!("{}/{width}", text(c.ip.addr));
        out.push(format!(
            "{path}: CIDR value {value:?} is ambiguous in this context (should be {network:?} or {single:?}?)"
        ));
    }
    if c.leading_zeros || c.ip.mapped {
        out.push(format!(
            "{path}: non-standard CIDR value {value:?} is invalid: use {network:?}"
        ));
    }
    let canonical = format!("{}/{}", text(c.ip.addr), c.bits);
    if out.is_empty() && c.ip.addr.is_ipv6() && canonical != value {
        out.push(format!(
            "{path}: IPv6 CIDR value {value:?} should be in RFC 5952 canonical format ({canonical:?})"
        ));
    }
    out
}
