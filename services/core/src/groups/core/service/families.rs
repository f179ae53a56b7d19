//! IP families of a Service (`initIPFamilyFields`).

use std::sync::OnceLock;

use catena_objects::{
    Value,
    field::{Error, Errors, Path},
    names,
};

use super::validate::cluster_ips;
use crate::steps::{is_set, strings};

const POLICY: [&str; 2] = ["spec", "ipFamilyPolicy"];
const FAMILIES: [&str; 2] = ["spec", "ipFamilies"];
const IPS: [&str; 2] = ["spec", "clusterIPs"];

/// Families of the service ranges, the default one first.
static CONFIGURED: OnceLock<Vec<&'static str>> = OnceLock::new();

/// Says which families the service ranges have, the default one first. Once a process.
pub fn set_default_families(families: Vec<&'static str>) {
    let _ = CONFIGURED.set(families);
}

fn configured() -> &'static [&'static str] {
    CONFIGURED.get().map_or(&["IPv4"], Vec::as_slice)
}

/// Fills in policy and families. Errors stand alone: nothing else is checked then.
pub(super) fn initialize(new: &mut Value, old: Option<&Value>) -> Result<(), Errors> {
    if new.str_at(&["spec", "type"]) == "ExternalName" || old.is_some_and(|o| unchanged(new, o)) {
        return Ok(());
    }
    let headless_without_selector = new.str_at(&["spec", "clusterIP"]) == "None"
        && new
            .at(&["spec", "selector"])
            .and_then(Value::as_object)
            .is_none_or(|m| m.is_empty());
    if !is_set(new, &POLICY) {
        let policy = match old.map(|o| o.str_at(&POLICY)).filter(|p| !p.is_empty()) {
            Some(p) => p.to_owned(),
            None if headless_without_selector => "RequireDualStack".to_owned(),
            None => "SingleStack".to_owned(),
        };
        new.set(&POLICY, policy);
    }
    fail(cluster_ips(new, old))?;
    let mut errors = Errors::new();
    if let Some(old) = old {
        release_secondary(&mut errors, new, old);
    }
    agree_with_policy(&mut errors, new);
    infer(&mut errors, new);
    fail(errors)?;
    if headless_without_selector {
        headless_families(new);
        return Ok(());
    }
    fit_cluster(new)
}

fn fail(errors: Errors) -> Result<(), Errors> {
    if errors.is_empty() {
        Ok(())
    } else {
        Err(errors)
    }
}

fn policy_error(errors: &mut Errors, s: &Value, text: &str) {
    let path = Path::new("spec").child("ipFamilyPolicy");
    errors.push(Error::invalid(&path, s.str_at(&POLICY), text));
}

/// `isMatchingPreferDualStackClusterIPFields`.
fn unchanged(new: &Value, old: &Value) -> bool {
    let ty = new.str_at(&["spec", "type"]);
    is_set(new, &POLICY)
        && old.str_at(&["spec", "type"]) == ty
        && matches!(ty, "ClusterIP" | "NodePort" | "LoadBalancer")
        && new.str_at(&POLICY) == "PreferDualStack"
        && matches!(old.str_at(&POLICY), "" | "PreferDualStack")
        && strings(new, &IPS) == strings(old, &IPS)
        && strings(new, &FAMILIES) == strings(old, &FAMILIES)
}

fn release_secondary(errors: &mut Errors, new: &mut Value, old: &Value) {
    let single = new.str_at(&POLICY) == "SingleStack";
    for (path, what) in [(IPS, "cluster IP"), (FAMILIES, "IP family")] {
        let (after, before) = (strings(new, &path), strings(old, &path));
        if single && after == before && after.len() > 1 {
            let first = after[0].to_owned();
            new.set(&path, vec![Value::from(first)]);
        } else if !single && after.len() == 1 && before.len() > 1 && after[0] == before[0] {
            let text = format!("must be 'SingleStack' to release the secondary {what}");
            policy_error(errors, new, &text);
        }
    }
}

fn agree_with_policy(errors: &mut Errors, new: &Value) {
    if new.str_at(&POLICY) != "SingleStack" {
        return;
    }
    for (path, what) in [(IPS, "cluster IPs"), (FAMILIES, "IP families")] {
        if new.items_at(&path).len() == 2 {
            let text = format!(
                "must be 'RequireDualStack' or 'PreferDualStack' when multiple {what} are specified"
            );
            policy_error(errors, new, &text);
        }
    }
}

/// Families follow from addresses.
fn infer(errors: &mut Errors, new: &mut Value) {
    let ips: Vec<String> = strings(new, &IPS).into_iter().map(str::to_owned).collect();
    for (i, ip) in ips.iter().enumerate() {
        if ip == "None" {
            return;
        }
        let mut families = new.items_at(&FAMILIES).to_vec();
        if i < families.len() {
            continue;
        }
        let family = family_of(ip);
        if configured().contains(&family) {
            families.push(family.into());
            new.set(&FAMILIES, families);
        } else {
            let path = Path::new("spec").child("clusterIPs").index(i);
            let value = new.at(&IPS).cloned().unwrap_or_default();
            let text = format!("{family} is not configured on this cluster");
            errors.push(Error::invalid(&path, value, text));
        }
    }
}

/// Family of an address.
pub(super) fn family_of(ip: &str) -> &'static str {
    match names::parse_ip_sloppy(ip) {
        Some(ip) if ip.addr.is_ipv6() => "IPv6",
        _ => "IPv4",
    }
}

fn other(family: &str) -> &'static str {
    if family == "IPv4" { "IPv6" } else { "IPv4" }
}

fn headless_families(new: &mut Value) {
    let mut families = new.items_at(&FAMILIES).to_vec();
    if families.is_empty() {
        families.push(configured()[0].into());
    }
    if families.len() < 2 && new.str_at(&POLICY) != "SingleStack" {
        let second = other(families[0].as_str().unwrap_or_default());
        families.push(second.into());
    }
    new.set(&FAMILIES, families);
}

fn fit_cluster(new: &mut Value) -> Result<(), Errors> {
    let mut errors = Errors::new();
    if new.str_at(&POLICY) == "RequireDualStack" && configured().len() < 2 {
        let text = "this cluster is not configured for dual-stack services";
        policy_error(&mut errors, new, text);
    }
    for (i, family) in strings(new, &FAMILIES).into_iter().enumerate() {
        if !configured().contains(&family) {
            let path = Path::new("spec").child("ipFamilies").index(i);
            errors.push(Error::invalid(
                &path,
                family,
                "not configured on this cluster",
            ));
        }
    }
    fail(errors)?;
    let mut families = new.items_at(&FAMILIES).to_vec();
    if families.is_empty() {
        families.push(configured()[0].into());
    }
    if new.str_at(&POLICY) != "SingleStack" && families.len() == 1 && configured().len() == 2 {
        let second = other(families[0].as_str().unwrap_or_default());
        families.push(second.into());
    }
    new.set(&FAMILIES, families);
    Ok(())
}
