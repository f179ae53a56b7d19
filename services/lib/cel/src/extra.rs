//! Values of Kubernetes' own types.

use std::{cmp::Ordering, net::IpAddr};

use catena_objects::quantity::Quantity;

use crate::{
    functions::{Url, validate_format},
    types::Type,
};

#[derive(Clone, Debug)]
pub(crate) enum Extra {
    Quantity(Quantity),
    Url(Url),
    Ip(IpAddr),
    /// A network: an address of it, and the bits of the prefix.
    Cidr(IpAddr, u8),
    Semver(Semver),
    Format(Format),
}

/// A version as semver.org has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Semver {
    pub(crate) numbers: [u64; 3],
    pub(crate) pre: Vec<String>,
    pub(crate) build: Vec<String>,
}

/// A named format of strings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Format {
    pub(crate) name: &'static str,
    /// Length of the pattern, for costs.
    pub(crate) pattern: u64,
}

impl Format {
    /// What is wrong with a text.
    pub(crate) fn validate(&self, text: &str) -> Vec<String> {
        validate_format(self.name, text)
    }
}

impl Extra {
    pub(crate) fn ty(&self) -> Type {
        let opaque = |name: &str| Type::Opaque(name.into(), std::sync::Arc::new([]));
        match self {
            Self::Quantity(_) => Type::Object("kubernetes.Quantity".into()),
            Self::Url(_) => Type::Object("kubernetes.URL".into()),
            Self::Ip(_) => opaque("net.IP"),
            Self::Cidr(..) => opaque("net.CIDR"),
            Self::Semver(_) => Type::Object("kubernetes.Semver".into()),
            Self::Format(_) => Type::Object("kubernetes.NamedFormat".into()),
        }
    }

    /// Bytes of an address, which costs count.
    pub(crate) fn size(&self) -> Option<u64> {
        match self {
            Self::Ip(IpAddr::V4(_)) => Some(4),
            Self::Ip(IpAddr::V6(_)) => Some(16),
            Self::Cidr(_, bits) => Some(u64::from(*bits).div_ceil(8)),
            _ => None,
        }
    }

    pub(crate) fn order(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Quantity(a), Self::Quantity(b)) => Some(a.cmp(b)),
            (Self::Semver(a), Self::Semver(b)) => Some(a.order(b)),
            _ => None,
        }
    }
}

impl PartialEq for Extra {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Quantity(_), Self::Quantity(_)) | (Self::Semver(_), Self::Semver(_)) => {
                self.order(other) == Some(Ordering::Equal)
            }
            (Self::Url(a), Self::Url(b)) => a == b,
            (Self::Ip(a), Self::Ip(b)) => a == b,
            (Self::Cidr(a, x), Self::Cidr(b, y)) => a == b && x == y,
            (Self::Format(a), Self::Format(b)) => a == b,
            _ => false,
        }
    }
}

impl Semver {
    /// Precedence; what is after `+` does not count.
    pub(crate) fn order(&self, other: &Self) -> Ordering {
        let numbers = self.numbers.cmp(&other.numbers);
        if numbers.is_ne() {
            return numbers;
        }
        match (self.pre.is_empty(), other.pre.is_empty()) {
            (true, true) => return Ordering::Equal,
            (true, false) => return Ordering::Greater,
            (false, true) => return Ordering::Less,
            (false, false) => {}
        }
        for (a, b) in self.pre.iter().zip(&other.pre) {
            let order = match (a.parse::<u64>(), b.parse::<u64>()) {
                (Ok(a), Ok(b)) => a.cmp(&b),
                (Ok(_), Err(_)) => Ordering::Less,
                (Err(_), Ok(_)) => Ordering::Greater,
                (Err(_), Err(_)) => a.cmp(b),
            };
            if order.is_ne() {
                return order;
            }
        }
        self.pre.len().cmp(&other.pre.len())
    }
}
