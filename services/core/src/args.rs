//! Flags of core, named and defaulted as kube-apiserver's.

use std::net::IpAddr;

use catena_egress::EgressFlags;
use ipnet::IpNet;

use crate::{AdmissionFlags, KubeletFlags, bootstrap};

/// What core needs to know to build its server.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Options {
    #[command(flatten)]
    pub services: Services,

    #[command(flatten)]
    pub admission: AdmissionFlags,

    #[command(flatten)]
    pub pods: Pods,

    #[command(flatten)]
    pub kubelet: KubeletFlags,

    #[command(flatten)]
    pub egress: EgressFlags,

    /// Address under which members of the cluster reach the front.
    #[arg(long)]
    pub advertise_address: Option<IpAddr>,

    /// Port of the front.
    #[arg(long, default_value_t = 6443)]
    pub secure_port: u16,
}

/// What pods may ask for.
#[derive(Clone, Debug, Default, clap::Args)]
#[group(skip)]
pub struct Pods {
    /// Containers may ask for the rights of their host.
    #[arg(long, default_value_t = false, action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    pub allow_privileged: bool,
}

/// What Services are given.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Services {
    /// Ranges of cluster addresses of Services; two of different families for dual stack.
    #[arg(long, value_delimiter = ',', default_value = "10.0.0.0/24")]
    pub service_cluster_ip_range: Vec<IpNet>,

    /// Node ports of Services, both bounds included: 30000-32767.
    #[arg(long, default_value = "30000-32767", value_parser = port_range)]
    pub service_node_port_range: (u16, u16),
}

/// `first-last`, or `first+count` as Go's parser takes it.
fn port_range(text: &str) -> Result<(u16, u16), String> {
    let wrong = || format!("{text:?} is no range of ports; use 30000-32767");
    let number = |s: &str| s.trim().parse::<u16>().map_err(|_| wrong());
    let (first, last) = match (text.split_once('-'), text.split_once('+')) {
        (Some((a, b)), _) => (number(a)?, number(b)?),
        (None, Some((a, n))) => (number(a)?, number(a)?.saturating_add(number(n)?)),
        (None, None) => (number(text)?, number(text)?),
    };
    if first == 0 || last < first {
        return Err(wrong());
    }
    Ok((first, last))
}

impl Options {
    /// What is wrong with the values together, all at once.
    pub fn problems(&self) -> Vec<String> {
        let ranges = &self.services.service_cluster_ip_range;
        let mut out = self.admission.problems();
        out.extend(self.kubelet.problems());
        out.extend(self.egress.problems());
        if self.egress.proxy_ssh_tunnel.is_some() && self.kubelet.kubelet_port == 0 {
            let text = "must enable kubelet port if proxy ssh-tunneling is specified";
            out.push(text.to_owned());
        }
        if ranges.is_empty() {
            out.push("--service-cluster-ip-range must contain at least one valid cidr".to_owned());
        }
        if ranges.len() > 2 {
            out.push(
                "--service-cluster-ip-range must not contain more than two entries".to_owned(),
            );
        }
        if let [a, b] = ranges.as_slice()
            && a.addr().is_ipv4() == b.addr().is_ipv4()
        {
            let text = "--service-cluster-ip-range and --secondary-service-cluster-ip-range must be of different IP family";
            out.push(text.to_owned());
        }
        out
    }

    pub(crate) fn bootstrap(&self, authentication: Vec<(String, String)>) -> bootstrap::Config {
        bootstrap::Config {
            ranges: self.services.service_cluster_ip_range.clone(),
            advertise: self.advertise_address,
            port: self.secure_port,
            authentication,
        }
    }
}
