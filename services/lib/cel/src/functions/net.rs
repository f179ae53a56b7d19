//! Addresses and networks.

use std::{net::IpAddr, sync::Arc};

use catena_objects::json::go_quote;

use super::{Function, convert};
use crate::{
    extra::Extra,
    value::{Outcome, Val, fault, no_overload},
};

pub(super) fn lookup(name: &str) -> Option<Function> {
    Some(match name {
        "ip" => |args| match &args[0] {
            Val::Extra(e) => match **e {
                Extra::Cidr(address, _) => Ok(made(Extra::Ip(address))),
                _ => no_overload(),
            },
            other => convert::ip(other),
        },
        "isIP" => |args| text(args, |s| parse_ip(s).is_ok()),
        "ip.isCanonical" => |args| match &args[0] {
            Val::Text(s) => {
                let address = parse_ip(s).or_else(fault)?;
                Ok(Val::Bool(address.to_string() == **s))
            }
            _ => no_overload(),
        },
        "cidr" => |args| match &args[0] {
            Val::Text(s) => cidr(s),
            _ => no_overload(),
        },
        "isCIDR" => |args| text(args, |s| parse_cidr(s).is_ok()),
        "family" => |args| Ok(Val::Int(if address(&args[0])?.is_ipv4() { 4 } else { 6 })),
        "isUnspecified" => |args| Ok(Val::Bool(address(&args[0])?.is_unspecified())),
        "isLoopback" => |args| Ok(Val::Bool(address(&args[0])?.is_loopback())),
        "isLinkLocalMulticast" => |args| Ok(Val::Bool(link_local_multicast(address(&args[0])?))),
        "isLinkLocalUnicast" => |args| Ok(Val::Bool(link_local_unicast(address(&args[0])?))),
        "isGlobalUnicast" => |args| Ok(Val::Bool(global_unicast(address(&args[0])?))),
        "containsIP" => |args| {
            let inner = convert::ip(&args[1])?;
            let (net, bits) = network(&args[0])?;
            Ok(Val::Bool(same_prefix(net, address(&inner)?, bits)))
        },
        "containsCIDR" => |args| {
            let (net, bits) = network(&args[0])?;
            let (inner, inner_bits) = match &args[1] {
                Val::Text(s) => parse_cidr(s).or_else(|why| fault(format!("{PARSE}{why}")))?,
                other => network(other)?,
            };
            Ok(Val::Bool(
                bits <= inner_bits && same_prefix(net, inner, bits),
            ))
        },
        "prefixLength" => |args| Ok(Val::Int(i64::from(network(&args[0])?.1))),
        "masked" => |args| {
            let (net, bits) = network(&args[0])?;
            Ok(made(Extra::Cidr(mask(net, bits), bits)))
        },
        _ => return None,
    })
}

const PARSE: &str = "network address parse error during conversion from string: ";

fn made<'a>(extra: Extra) -> Val<'a> {
    Val::Extra(Arc::new(extra))
}

fn text<'a>(args: &[Val<'a>], f: fn(&str) -> bool) -> Outcome<Val<'a>> {
    match &args[0] {
        Val::Text(s) => Ok(Val::Bool(f(s))),
        _ => no_overload(),
    }
}

fn address(value: &Val<'_>) -> Outcome<IpAddr> {
    match value {
        Val::Extra(e) => match **e {
            Extra::Ip(address) => Ok(address),
            _ => no_overload(),
        },
        _ => no_overload(),
    }
}

fn network(value: &Val<'_>) -> Outcome<(IpAddr, u8)> {
    match value {
        Val::Extra(e) => match **e {
            Extra::Cidr(address, bits) => Ok((address, bits)),
            _ => no_overload(),
        },
        _ => no_overload(),
    }
}

pub(super) fn ip<'a>(text: &str) -> Outcome<Val<'a>> {
    parse_ip(text).map(|a| made(Extra::Ip(a))).or_else(fault)
}

fn parse_ip(text: &str) -> Result<IpAddr, String> {
    let quoted = go_quote(text);
    if text.contains('%') && text.contains(':') {
        return Err(format!(
            "IP address {quoted} with zone value is not allowed"
        ));
    }
    let Ok(address) = text.parse::<IpAddr>() else {
        return Err(format!(
            "IP Address {quoted} parse error during conversion from string: ParseAddr({quoted}): unable to parse IP"
        ));
    };
    match address {
        IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some() => {
            Err(format!("IPv4-mapped IPv6 address {quoted} is not allowed"))
        }
        other => Ok(other),
    }
}

fn cidr<'a>(text: &str) -> Outcome<Val<'a>> {
    match parse_cidr(text) {
        Ok((address, bits)) => Ok(made(Extra::Cidr(address, bits))),
        Err(why) => fault(format!("{PARSE}{why}")),
    }
}

fn parse_cidr(text: &str) -> Result<(IpAddr, u8), String> {
    let quoted = go_quote(text);
    let bad = |why: &str| Err(format!("{PARSE}netip.ParsePrefix({quoted}): {why}"));
    let Some((address, bits)) = text.rsplit_once('/') else {
        return bad("no '/'");
    };
    let Ok(address) = address.parse::<IpAddr>() else {
        let address = go_quote(address);
        return bad(&format!("ParseAddr({address}): unable to parse IP"));
    };
    if matches!(address, IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some()) {
        return Err(format!("IPv4-mapped IPv6 address {quoted} is not allowed"));
    }
    let plain = !bits.is_empty()
        && bits.bytes().all(|b| b.is_ascii_digit())
        && (bits == "0" || !bits.starts_with('0'));
    let most = if address.is_ipv4() { 32 } else { 128 };
    match bits.parse::<u8>() {
        Ok(n) if plain && n <= most => Ok((address, n)),
        _ if plain => bad("prefix length out of range"),
        _ => bad(&format!("bad bits after slash: {}", go_quote(bits))),
    }
}

fn mask(address: IpAddr, bits: u8) -> IpAddr {
    match address {
        IpAddr::V4(a) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
            IpAddr::V4((u32::from(a) & mask).into())
        }
        IpAddr::V6(a) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
            IpAddr::V6((u128::from(a) & mask).into())
        }
    }
}

fn same_prefix(a: IpAddr, b: IpAddr, bits: u8) -> bool {
    a.is_ipv4() == b.is_ipv4() && mask(a, bits) == mask(b, bits)
}

fn link_local_unicast(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(a) => a.is_link_local(),
        IpAddr::V6(a) => a.is_unicast_link_local(),
    }
}

fn link_local_multicast(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(a) => a.octets()[..3] == [224, 0, 0],
        IpAddr::V6(a) => a.is_multicast() && a.segments()[0] & 0xf == 2,
    }
}

fn global_unicast(address: IpAddr) -> bool {
    let broadcast = matches!(address, IpAddr::V4(a) if a.is_broadcast());
    !(broadcast
        || address.is_unspecified()
        || address.is_loopback()
        || address.is_multicast()
        || link_local_unicast(address))
}
