//! `ValidateService`, `ValidateServiceUpdate` and their warnings.

use catena_objects::{
    Value,
    field::{Error, Errors, Path},
    meta, names, obj,
};

use super::{externally_accessible, families::family_of, headless, needs_health_check};
use crate::steps::{complaints, is_set, kube_finalizers, one_of, required_one_of, strings};

/// Longest affinity of a client: a day.
const MAX_AFFINITY: i64 = 86_400;

fn spec(name: &str) -> Path {
    Path::new("spec").child(name)
}

pub(super) fn service(s: &Value, old: Option<&Value>) -> Errors {
    let mut errors = kube_finalizers(s);
    let ty = s.str_at(&["spec", "type"]);
    let ports = s.items_at(&["spec", "ports"]);
    if ports.is_empty() && !headless(s) && ty != "ExternalName" {
        errors.push(Error::required(&spec("ports"), ""));
    }
    type_rules(&mut errors, s, ty);
    let mut seen = Vec::new();
    for (i, port) in ports.iter().enumerate() {
        let path = spec("ports").index(i);
        service_port(&mut errors, &path, port, ports.len() > 1, &mut seen);
    }
    errors.extend(meta::validate_labels(
        s.at(&["spec", "selector"]),
        &spec("selector"),
    ));
    affinity(&mut errors, s);
    errors.extend(cluster_ips(s, old));
    external_ips(&mut errors, s, old);
    let types = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
    required_one_of(&mut errors, &spec("type"), ty, &types);
    duplicates(&mut errors, ports, ty);
    source_ranges(&mut errors, s, old);
    if ty != "LoadBalancer" && is_set(s, &["spec", "allocateLoadBalancerNodePorts"]) {
        let path = spec("allocateLoadBalancerNodePorts");
        errors.push(Error::forbidden(
            &path,
            "may only be used when `type` is 'LoadBalancer'",
        ));
    }
    balancer_class(&mut errors, s, None);
    traffic(&mut errors, s);
    errors
}

fn type_rules(errors: &mut Errors, s: &Value, ty: &str) {
    if matches!(ty, "LoadBalancer" | "NodePort") && headless(s) {
        let text = format!("may not be set to 'None' for {ty} services");
        errors.push(Error::invalid(&spec("clusterIPs").index(0), "None", text));
    }
    if ty != "ExternalName" {
        return;
    }
    const TEXT: &str = "may not be set for ExternalName services";
    for list in ["clusterIPs", "ipFamilies"] {
        if !s.items_at(&["spec", list]).is_empty() {
            errors.push(Error::forbidden(&spec(list), TEXT));
        }
    }
    if is_set(s, &["spec", "ipFamilyPolicy"]) {
        errors.push(Error::forbidden(&spec("ipFamilyPolicy"), TEXT));
    }
    let name = s.str_at(&["spec", "externalName"]);
    let cname = name.strip_suffix('.').unwrap_or(name);
    if cname.is_empty() {
        errors.push(Error::required(&spec("externalName"), ""));
    } else {
        complaints(
            errors,
            &spec("externalName"),
            cname,
            names::dns1123_subdomain(cname, false),
        );
    }
}

fn service_port(
    errors: &mut Errors,
    path: &Path,
    port: &Value,
    named: bool,
    seen: &mut Vec<String>,
) {
    let name = port.str_at(&["name"]);
    if named && name.is_empty() {
        errors.push(Error::required(&path.child("name"), ""));
    } else if !name.is_empty() {
        complaints(
            errors,
            &path.child("name"),
            name,
            names::dns1123_label(name, false),
        );
        if seen.iter().any(|n| n == name) {
            errors.push(Error::duplicate(&path.child("name"), name));
        } else {
            seen.push(name.to_owned());
        }
    }
    let number = port.i64_at(&["port"]).unwrap_or(0);
    for text in names::port_num(number) {
        errors.push(Error::invalid(&path.child("port"), number, text));
    }
    let protocol = port.str_at(&["protocol"]);
    required_one_of(
        errors,
        &path.child("protocol"),
        protocol,
        &["SCTP", "TCP", "UDP"],
    );
    let target = path.child("targetPort");
    match port.get("targetPort") {
        Some(Value::String(text)) => complaints(errors, &target, text, names::port_name(text)),
        other => {
            let number = other.and_then(Value::as_i64).unwrap_or(0);
            for text in names::port_num(number) {
                errors.push(Error::invalid(&target, number, text));
            }
        }
    }
    if is_set(port, &["appProtocol"]) {
        let text = port.str_at(&["appProtocol"]);
        complaints(
            errors,
            &path.child("appProtocol"),
            text,
            names::qualified_name(text),
        );
    }
}

fn affinity(errors: &mut Errors, s: &Value) {
    let kind = s.str_at(&["spec", "sessionAffinity"]);
    required_one_of(
        errors,
        &spec("sessionAffinity"),
        kind,
        &["ClientIP", "None"],
    );
    let config = spec("sessionAffinityConfig");
    if kind == "None" && is_set(s, &["spec", "sessionAffinityConfig"]) {
        let text = "must not be set when session affinity is None";
        errors.push(Error::forbidden(&config, text));
    } else if kind == "ClientIP" {
        let client = config.child("clientIP");
        let path = [
            "spec",
            "sessionAffinityConfig",
            "clientIP",
            "timeoutSeconds",
        ];
        match s.i64_at(&path) {
            None => {
                let text = "when session affinity type is ClientIP";
                errors.push(Error::required(&client.child("timeoutSeconds"), text));
            }
            Some(n) if n <= 0 || n > MAX_AFFINITY => {
                let text = format!("must be greater than 0 and less than {MAX_AFFINITY}");
                errors.push(Error::invalid(&client.child("timeoutSeconds"), n, text));
            }
            Some(_) => {}
        }
    }
}

/// `ValidateServiceClusterIPsRelatedFields`.
pub(super) fn cluster_ips(s: &Value, old: Option<&Value>) -> Errors {
    let mut errors = Errors::new();
    if s.str_at(&["spec", "type"]) == "ExternalName" {
        return errors;
    }
    let path = spec("clusterIPs");
    let all = s.at(&["spec", "clusterIPs"]).cloned().unwrap_or_default();
    let ips = strings(s, &["spec", "clusterIPs"]);
    let ip = s.str_at(&["spec", "clusterIP"]);
    match (ip.is_empty(), ips.first()) {
        (false, None) => errors.push(Error::required(&path, "")),
        (false, Some(first)) if *first != ip => {
            errors.push(Error::invalid(
                &path,
                all.clone(),
                "first value must match `clusterIP`",
            ));
        }
        (true, Some(_)) => {
            let text = "must be empty when `clusterIP` is not specified";
            errors.push(Error::invalid(&path, all.clone(), text));
        }
        _ => {}
    }
    let families = strings(s, &["spec", "ipFamilies"]);
    for (i, family) in families.iter().enumerate() {
        one_of(
            &mut errors,
            &spec("ipFamilies").index(i),
            family,
            &["IPv4", "IPv6"],
        );
        if families[..i].contains(family) {
            errors.push(Error::duplicate(&spec("ipFamilies").index(i), *family));
        }
    }
    if is_set(s, &["spec", "ipFamilyPolicy"]) {
        let policies = ["PreferDualStack", "RequireDualStack", "SingleStack"];
        let policy = s.str_at(&["spec", "ipFamilyPolicy"]);
        one_of(&mut errors, &spec("ipFamilyPolicy"), policy, &policies);
    }
    if !addresses(&mut errors, &path, &all, &ips, old) {
        return errors;
    }
    if ips.len() == 2 && family_of(ips[0]) == family_of(ips[1]) {
        let text = "may specify no more than one IP for each IP family";
        errors.push(Error::invalid(&path, all, text));
    }
    if !headless(s) {
        for (i, (ip, family)) in ips.iter().zip(&families).enumerate() {
            if matches!(*family, "IPv4" | "IPv6") && family_of(ip) != *family {
                let text = format!("expected an {family} value as indicated by `ipFamilies[{i}]`");
                errors.push(Error::invalid(&path.index(i), *ip, text));
            }
        }
    }
    errors
}

/// Each address alone; false when one is wrong, which makes further checks pointless.
fn addresses(
    errors: &mut Errors,
    path: &Path,
    all: &Value,
    ips: &[&str],
    old: Option<&Value>,
) -> bool {
    let existing = old
        .map(|o| strings(o, &["spec", "clusterIPs"]))
        .unwrap_or_default();
    let mut good = true;
    for (i, ip) in ips.iter().enumerate() {
        if i == 0 && *ip == "None" {
            if ips.len() > 1 {
                good = false;
                let text = "'None' must be the first and only value";
                errors.push(Error::invalid(path, all.clone(), text));
            }
            continue;
        }
        let found = names::valid_ip_legacy(&path.index(i), ip, &existing);
        good &= found.is_empty();
        errors.extend(found);
    }
    if ips.len() > 2 {
        errors.push(Error::invalid(
            path,
            all.clone(),
            "may only hold up to 2 values",
        ));
    }
    good
}

fn external_ips(errors: &mut Errors, s: &Value, old: Option<&Value>) {
    let path = spec("externalIPs");
    let existing = old
        .map(|o| strings(o, &["spec", "externalIPs"]))
        .unwrap_or_default();
    for (i, ip) in strings(s, &["spec", "externalIPs"]).into_iter().enumerate() {
        let found = names::valid_ip_legacy(&path.index(i), ip, &existing);
        if found.is_empty() {
            super::super::endpoints::endpoint_ip(errors, &path.index(i), ip);
        }
        errors.extend(found);
    }
}

fn duplicates(errors: &mut Errors, ports: &[Value], ty: &str) {
    let number = |p: &Value, key: &str| p.i64_at(&[key]).unwrap_or(0);
    if ty == "ClusterIP" {
        for (i, _) in ports
            .iter()
            .enumerate()
            .filter(|(_, p)| number(p, "nodePort") != 0)
        {
            let path = spec("ports").index(i).child("nodePort");
            errors.push(Error::forbidden(
                &path,
                "may not be used when `type` is 'ClusterIP'",
            ));
        }
    }
    let key = |p: &Value, field: &str| (p.str_at(&["protocol"]).to_owned(), number(p, field));
    for (i, p) in ports
        .iter()
        .enumerate()
        .filter(|(_, p)| number(p, "nodePort") != 0)
    {
        let earlier = &ports[..i];
        if earlier
            .iter()
            .any(|q| key(q, "nodePort") == key(p, "nodePort"))
        {
            let path = spec("ports").index(i).child("nodePort");
            errors.push(Error::duplicate(&path, number(p, "nodePort")));
        }
    }
    for (i, p) in ports.iter().enumerate() {
        if ports[..i].iter().any(|q| key(q, "port") == key(p, "port")) {
            let (protocol, port) = key(p, "port");
            // Printed as the internal Go struct that holds the key.
            let value = obj!({
                "Name": "", "Protocol": protocol, "AppProtocol": null,
                "Port": port, "TargetPort": 0i64, "NodePort": 0i64
            });
            errors.push(Error::duplicate(&spec("ports").index(i), value));
        }
    }
}

fn source_ranges(errors: &mut Errors, s: &Value, old: Option<&Value>) {
    let ranges = strings(s, &["spec", "loadBalancerSourceRanges"]);
    if ranges.is_empty() {
        return;
    }
    let path = spec("LoadBalancerSourceRanges");
    if s.str_at(&["spec", "type"]) != "LoadBalancer" {
        errors.push(Error::forbidden(
            &path,
            "may only be used when `type` is 'LoadBalancer'",
        ));
    }
    let existing: Vec<&str> = old
        .map(|o| strings(o, &["spec", "loadBalancerSourceRanges"]))
        .unwrap_or_default()
        .into_iter()
        .map(str::trim)
        .collect();
    for (i, range) in ranges.into_iter().enumerate() {
        errors.extend(names::valid_cidr_legacy(
            &path.index(i),
            range.trim(),
            &existing,
        ));
    }
}

fn balancer_class(errors: &mut Errors, s: &Value, old: Option<&Value>) {
    let path = spec("loadBalancerClass");
    let at = ["spec", "loadBalancerClass"];
    let balanced = |v: &Value| v.str_at(&["spec", "type"]) == "LoadBalancer";
    if let Some(old) = old
        && balanced(old)
        && balanced(s)
        && old.at(&at) != s.at(&at)
    {
        let value = s.at(&at).cloned().unwrap_or_default();
        errors.push(Error::invalid(&path, value, "may not change once set"));
    }
    if !is_set(s, &at) {
        return;
    }
    if balanced(s) {
        let class = s.str_at(&at);
        complaints(errors, &path, class, names::qualified_name(class));
    } else {
        errors.push(Error::forbidden(
            &path,
            "may only be used when `type` is 'LoadBalancer'",
        ));
    }
}

fn traffic(errors: &mut Errors, s: &Value) {
    let external = s.str_at(&["spec", "externalTrafficPolicy"]);
    let path = spec("externalTrafficPolicy");
    if externally_accessible(s) {
        required_one_of(errors, &path, external, &["Cluster", "Local"]);
    } else if !external.is_empty() {
        let text = "may only be set for externally-accessible services";
        errors.push(Error::invalid(&path, external, text));
    }
    let port = s.i64_at(&["spec", "healthCheckNodePort"]).unwrap_or(0);
    let path = spec("healthCheckNodePort");
    if !needs_health_check(s) && port != 0 {
        let text =
            "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
        errors.push(Error::invalid(&path, port, text));
    } else if port != 0 {
        for text in names::port_num(port) {
            errors.push(Error::invalid(&path, port, text));
        }
    }
    if is_set(s, &["spec", "internalTrafficPolicy"]) {
        let policy = s.str_at(&["spec", "internalTrafficPolicy"]);
        one_of(
            errors,
            &spec("internalTrafficPolicy"),
            policy,
            &["Cluster", "Local"],
        );
    }
    if is_set(s, &["spec", "trafficDistribution"]) {
        let value = s.str_at(&["spec", "trafficDistribution"]);
        let known = ["PreferClose", "PreferSameZone", "PreferSameNode"];
        one_of(errors, &spec("trafficDistribution"), value, &known);
    }
}

/// What may not change (`validateUpgradeDowngrade*`).
pub(super) fn transition(s: &Value, old: &Value) -> Errors {
    let mut errors = Errors::new();
    let external = |v: &Value| v.str_at(&["spec", "type"]) == "ExternalName";
    if !external(s) && !external(old) {
        if !(headless(s) && headless(old)) {
            list_transition(&mut errors, s, old, "clusterIPs", "clusterIP");
        }
        if !headless(s) && !headless(old) {
            list_transition(&mut errors, s, old, "ipFamilies", "ipFamily");
        }
    }
    balancer_class(&mut errors, s, Some(old));
    if needs_health_check(old) && needs_health_check(s) {
        let at = ["spec", "healthCheckNodePort"];
        if s.i64_at(&at) != old.i64_at(&at) {
            errors.push(Error::forbidden(
                &spec("healthCheckNodePort"),
                "field is immutable",
            ));
        }
    }
    errors
}

fn list_transition(errors: &mut Errors, s: &Value, old: &Value, list: &str, noun: &str) {
    let (new, before) = (strings(s, &["spec", list]), strings(old, &["spec", list]));
    let value = s.at(&["spec", list]).cloned().unwrap_or_default();
    let path = spec(list);
    if new.len() == before.len() {
        for i in (0..new.len()).filter(|i| new[*i] != before[*i]) {
            let at = if list == "clusterIPs" { i } else { 0 };
            errors.push(Error::invalid(
                &path.index(at),
                value.clone(),
                "may not change once set",
            ));
        }
        return;
    }
    if before.len() > new.len() && new.is_empty() {
        let text = format!("primary {noun} can not be unset");
        errors.push(Error::invalid(&path.index(0), value.clone(), text));
    }
    if let (Some(a), Some(b)) = (new.first(), before.first())
        && a != b
    {
        errors.push(Error::invalid(
            &path.index(0),
            value,
            "may not change once set",
        ));
    }
    let policy = s.str_at(&["spec", "ipFamilyPolicy"]);
    if before.len() > new.len() && new.len() == 1 && policy != "SingleStack" {
        let text = format!("must be set to 'SingleStack' when releasing the secondary {noun}");
        errors.push(Error::invalid(&spec("ipFamilyPolicy"), policy, text));
    }
}

/// `ValidateLoadBalancerStatus`.
pub(super) fn status(s: &Value) -> Errors {
    let mut errors = Errors::new();
    let path = Path::new("status").child("loadBalancer").child("ingress");
    for (i, ingress) in s
        .items_at(&["status", "loadBalancer", "ingress"])
        .iter()
        .enumerate()
    {
        let at = path.index(i);
        let ip = ingress.str_at(&["ip"]);
        if !ip.is_empty() {
            errors.extend(names::valid_ip_legacy(&at.child("ip"), ip, &[]));
        }
        if is_set(ingress, &["ipMode"]) {
            let mode = ingress.str_at(&["ipMode"]);
            if ip.is_empty() {
                let text = "may not be specified when `ip` is not set";
                errors.push(Error::forbidden(&at.child("ipMode"), text));
            }
            one_of(&mut errors, &at.child("ipMode"), mode, &["Proxy", "VIP"]);
        } else if !ip.is_empty() {
            errors.push(Error::required(
                &at.child("ipMode"),
                "must be specified when `ip` is set",
            ));
        }
        let host = ingress.str_at(&["hostname"]);
        if !host.is_empty() {
            complaints(
                &mut errors,
                &at.child("hostname"),
                host,
                names::dns1123_subdomain(host, false),
            );
            if names::parse_ip_sloppy(host).is_some() {
                let text = "must be a DNS name, not an IP address";
                errors.push(Error::invalid(&at.child("hostname"), host, text));
            }
        }
    }
    errors
}

/// `GetWarningsForService`.
pub(super) fn warnings(s: &Value) -> Vec<String> {
    const HINTS: &str = "service.kubernetes.io/topology-aware-hints";
    let mut out = Vec::new();
    if s.at(&["metadata", "annotations", HINTS]).is_some() {
        out.push(format!(
            "annotation {HINTS} is deprecated, please use service.kubernetes.io/topology-mode instead"
        ));
    }
    let ty = s.str_at(&["spec", "type"]);
    let external = strings(s, &["spec", "externalIPs"]);
    if headless(s) {
        if !s.str_at(&["spec", "loadBalancerIP"]).is_empty() {
            out.push("spec.loadBalancerIP is ignored for headless services".into());
        }
        if !external.is_empty() {
            out.push("spec.externalIPs is ignored for headless services".into());
        }
        if s.str_at(&["spec", "sessionAffinity"]) != "None" {
            out.push("spec.SessionAffinity is ignored for headless services".into());
        }
    } else {
        for (i, ip) in strings(s, &["spec", "clusterIPs"]).into_iter().enumerate() {
            out.extend(names::ip_warnings(&spec("clusterIPs").index(i), ip));
        }
    }
    for (i, ip) in external.iter().enumerate() {
        out.extend(names::ip_warnings(&spec("externalIPs").index(i), ip));
    }
    if !external.is_empty() && !headless(s) && ty != "ExternalName" {
        out.push(
            "spec.externalIPs is deprecated and may no longer be implemented in some clusters"
                .into(),
        );
    }
    let ip = s.str_at(&["spec", "loadBalancerIP"]);
    if !ip.is_empty() {
        out.extend(names::ip_warnings(&spec("loadBalancerIP"), ip));
    }
    for (i, range) in strings(s, &["spec", "loadBalancerSourceRanges"])
        .into_iter()
        .enumerate()
    {
        out.extend(names::cidr_warnings(
            &spec("loadBalancerSourceRanges").index(i),
            range,
        ));
    }
    if ty == "ExternalName" && !external.is_empty() {
        out.push("spec.externalIPs is ignored when spec.type is \"ExternalName\"".into());
    }
    if ty != "ExternalName" && !s.str_at(&["spec", "externalName"]).is_empty() {
        out.push("spec.externalName is ignored when spec.type is not \"ExternalName\"".into());
    }
    if s.str_at(&["spec", "trafficDistribution"]) == "PreferClose" {
        out.push(
            "spec.trafficDistribution: \"PreferClose\" is deprecated; use \"PreferSameZone\""
                .into(),
        );
    }
    out
}
