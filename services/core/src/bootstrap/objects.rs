//! The objects themselves, without what a create adds.

use std::net::IpAddr;

use catena_objects::{Value, json, obj};
use ipnet::IpNet;

use crate::allocators::addresses::{Owner, object as ip_address};

const NAMESPACES: [&str; 4] = ["default", "kube-node-lease", "kube-public", "kube-system"];
/// Label and port of the Service of the API.
const SERVICE: &str = "kubernetes";

/// What depends on how the server is started.
#[derive(Clone, Debug)]
pub struct Config {
    /// `--service-cluster-ip-range`, the default family first.
    pub ranges: Vec<IpNet>,
    /// `--advertise-address`: where clients inside the cluster reach the front;
    /// `None`: no endpoints are published.
    pub advertise: Option<IpAddr>,
    /// `--secure-port` of the front.
    pub port: u16,
    /// Data of kube-system/extension-apiserver-authentication; empty: not made.
    pub authentication: Vec<(String, String)>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            ranges: vec![IpNet::from(ipnet::Ipv4Net::new_assert(
                [10, 0, 0, 0].into(),
                24,
            ))],
            advertise: None,
            port: 6443,
            authentication: Vec::new(),
        }
    }
}

/// Everything a control plane starts with.
pub(super) fn all(config: &Config, now: &str) -> Vec<Value> {
    let mut out: Vec<Value> = NAMESPACES
        .iter()
        .map(|name| obj!({"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": (*name)}}))
        .collect();
    out.extend(facts(
        catena_facts::bootstrap_rbac(),
        "rbac.authorization.k8s.io/v1",
        now,
    ));
    out.extend(facts(
        catena_facts::bootstrap_flowcontrol(),
        "flowcontrol.apiserver.k8s.io/v1",
        now,
    ));
    out.extend(priority_classes());
    out.extend(service(config, now));
    if let Some(address) = config.advertise {
        out.extend(endpoints(address, config.port));
    }
    out.push(legacy_tokens(now));
    if !config.authentication.is_empty() {
        out.push(authentication(config));
    }
    out
}

/// Since when tokens in secrets are watched: kube-controller-manager asks for it.
fn legacy_tokens(now: &str) -> Value {
    let day = now.split('T').next().unwrap_or_default();
    obj!({
        "kind": "ConfigMap",
        "apiVersion": "v1",
        "metadata": {
            "name": "kube-apiserver-legacy-service-account-token-tracking",
            "namespace": "kube-system"
        },
        "data": {"since": (day)}
    })
}

fn facts(text: &str, api_version: &str, now: &str) -> Vec<Value> {
    let Ok(list) = json::parse(text.as_bytes()) else {
        return Vec::new();
    };
    let mut items = list.as_array().unwrap_or_default().to_vec();
    for item in &mut items {
        item.set(&["apiVersion"], api_version);
        crate::steps::each(item, &["status", "conditions"], |c| {
            c.set(&["lastTransitionTime"], now);
        });
    }
    items
}

fn priority_classes() -> [Value; 2] {
    let class = |name: &str, value: i64, what: &str| {
        obj!({
            "kind": "PriorityClass",
            "apiVersion": "scheduling.k8s.io/v1",
            "metadata": {"name": name},
            "value": value,
            "description": what
        })
    };
    [
        class(
            "system-cluster-critical",
            2_000_000_000,
            "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.",
        ),
        class(
            "system-node-critical",
            2_000_001_000,
            "Used for system critical pods that must not be moved from their current node.",
        ),
    ]
}

/// default/kubernetes with its address, and the default service range.
fn service(config: &Config, now: &str) -> Vec<Value> {
    let Some(range) = config.ranges.first() else {
        return Vec::new();
    };
    let Some(ip) = range.hosts().next() else {
        return Vec::new();
    };
    let cidrs: Vec<Value> = config.ranges.iter().map(|r| r.to_string().into()).collect();
    vec![
        obj!({
            "kind": "ServiceCIDR",
            "apiVersion": "networking.k8s.io/v1",
            "metadata": {
                "name": SERVICE,
                "finalizers": ["networking.k8s.io/service-cidr-finalizer"]
            },
            "spec": {"cidrs": cidrs},
            "status": {"conditions": [{
                "type": "Ready", "status": "True", "lastTransitionTime": now, "reason": "",
                "message": "Kubernetes Service CIDR is ready"
            }]}
        }),
        ip_address(
            ip,
            Owner {
                namespace: "default",
                name: SERVICE,
            },
            now,
        ),
        obj!({
            "kind": "Service",
            "apiVersion": "v1",
            "metadata": {
                "name": SERVICE,
                "namespace": "default",
                "labels": {"component": "apiserver", "provider": "kubernetes"}
            },
            "spec": {
                "type": "ClusterIP",
                "sessionAffinity": "None",
                "clusterIP": (ip.to_string()),
                "clusterIPs": [(ip.to_string())],
                "ipFamilyPolicy": "SingleStack",
                "ports": [{
                    "name": "https", "protocol": "TCP", "port": 443i64,
                    "targetPort": (i64::from(config.port))
                }]
            }
        }),
    ]
}

fn endpoints(address: IpAddr, port: u16) -> [Value; 2] {
    let port = i64::from(port);
    let family = if address.is_ipv4() { "IPv4" } else { "IPv6" };
    [
        obj!({
            "kind": "Endpoints",
            "apiVersion": "v1",
            "metadata": {
                "name": SERVICE,
                "namespace": "default",
                "labels": {"endpointslice.kubernetes.io/skip-mirror": "true"}
            },
            "subsets": [{
                "addresses": [{"ip": (address.to_string())}],
                "ports": [{"name": "https", "port": port, "protocol": "TCP"}]
            }]
        }),
        obj!({
            "kind": "EndpointSlice",
            "apiVersion": "discovery.k8s.io/v1",
            "metadata": {
                "name": SERVICE,
                "namespace": "default",
                "labels": {"kubernetes.io/service-name": SERVICE}
            },
            "addressType": family,
            "endpoints": [{
                "addresses": [(address.to_string())],
                "conditions": {"ready": true}
            }],
            "ports": [{"name": "https", "port": port, "protocol": "TCP"}]
        }),
    ]
}

fn authentication(config: &Config) -> Value {
    let mut data = Value::object();
    for (key, value) in &config.authentication {
        data.set(&[key], value.as_str());
    }
    obj!({
        "kind": "ConfigMap",
        "apiVersion": "v1",
        "metadata": {"name": "extension-apiserver-authentication", "namespace": "kube-system"},
        "data": data
    })
}
