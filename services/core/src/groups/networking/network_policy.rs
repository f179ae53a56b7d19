//! NetworkPolicy: `ValidateNetworkPolicy*`.

use catena_objects::{
    Value,
    field::{Error, Errors, Path},
    labels, names,
};
use catena_registry::{Context, Strategy};

use crate::steps::{complaints, each, is_set, kube_finalizers, strings};

#[derive(Debug)]
pub struct NetworkPolicy;

/// (rules, peers) of each direction.
const DIRECTIONS: [(&str, &str); 2] = [("ingress", "from"), ("egress", "to")];

impl Strategy for NetworkPolicy {
    fn default(&self, object: &mut Value) {
        for (rules, _) in DIRECTIONS {
            each(object, &["spec", rules], |rule| {
                each(rule, &["ports"], |port| {
                    port.set_default(&["protocol"], "TCP")
                });
            });
        }
        if object.items_at(&["spec", "policyTypes"]).is_empty() {
            let mut types = vec![Value::from("Ingress")];
            if !object.items_at(&["spec", "egress"]).is_empty() {
                types.push("Egress".into());
            }
            object.set(&["spec", "policyTypes"], types);
        }
        object.set_default(&["spec", "podSelector"], Value::object());
    }

    fn prepare_update(&self, _ctx: &Context, _object: &mut Value, _old: &Value) {}

    fn has_generation(&self) -> bool {
        true
    }

    fn validate(&self, _ctx: &Context, object: &Value) -> Errors {
        spec(object, &[])
    }

    fn validate_update(&self, _ctx: &Context, object: &Value, old: &Value) -> Errors {
        let mut ranges = Vec::new();
        for (rules, peers) in DIRECTIONS {
            for peer in old
                .items_at(&["spec", rules])
                .iter()
                .flat_map(|r| r.items_at(&[peers]))
            {
                ranges.push(peer.str_at(&["ipBlock", "cidr"]));
                ranges.extend(strings(peer, &["ipBlock", "except"]));
            }
        }
        spec(object, &ranges)
    }
}

fn selector(errors: &mut Errors, path: &Path, value: Option<&Value>) {
    errors.extend(labels::validate_label_selector(
        value,
        labels::Tolerance::default(),
        path,
    ));
}

fn spec(object: &Value, old_ranges: &[&str]) -> Errors {
    let mut errors = kube_finalizers(object);
    let root = Path::new("spec");
    selector(
        &mut errors,
        &root.child("podSelector"),
        object.at(&["spec", "podSelector"]),
    );
    for (rules, peers) in DIRECTIONS {
        for (i, rule) in object.items_at(&["spec", rules]).iter().enumerate() {
            let path = root.child(rules).index(i);
            for (j, p) in rule.items_at(&["ports"]).iter().enumerate() {
                port(&mut errors, &path.child("ports").index(j), p);
            }
            for (j, p) in rule.items_at(&[peers]).iter().enumerate() {
                peer(&mut errors, &path.child(peers).index(j), p, old_ranges);
            }
        }
    }
    let types = strings(object, &["spec", "policyTypes"]);
    let path = root.child("policyTypes");
    if types.len() > 2 {
        let value = object
            .at(&["spec", "policyTypes"])
            .cloned()
            .unwrap_or_default();
        errors.push(Error::invalid(
            &path,
            value,
            "may not specify more than two policyTypes",
        ));
        return errors;
    }
    for (i, ty) in types.into_iter().enumerate() {
        if !matches!(ty, "Ingress" | "Egress") {
            errors.push(Error::not_supported(
                &path.index(i),
                ty,
                &["Ingress", "Egress"],
            ));
        }
    }
    errors
}

fn port(errors: &mut Errors, path: &Path, p: &Value) {
    let protocol = p.str_at(&["protocol"]);
    let known = ["TCP", "UDP", "SCTP"];
    if is_set(p, &["protocol"]) && !known.contains(&protocol) {
        errors.push(Error::not_supported(
            &path.child("protocol"),
            protocol,
            &known,
        ));
    }
    let end = p.i64_at(&["endPort"]);
    let at = path.child("endPort");
    match p.get("port").filter(|v| !v.is_null()) {
        None => {
            if let Some(end) = end {
                let text = "may not be specified when `port` is not specified";
                errors.push(Error::invalid(&at, end, text));
            }
        }
        Some(Value::String(name)) => {
            if let Some(end) = end {
                let text = "may not be specified when `port` is non-numeric";
                errors.push(Error::invalid(&at, end, text));
            }
            complaints(errors, &path.child("port"), name, names::port_name(name));
        }
        Some(number) => {
            let number = number.as_i64().unwrap_or(0);
            for text in names::port_num(number) {
                errors.push(Error::invalid(&path.child("port"), number, text));
            }
            if let Some(end) = end {
                if end < number {
                    let text = "must be greater than or equal to `port`";
                    errors.push(Error::invalid(&at, number, text));
                }
                for text in names::port_num(end) {
                    errors.push(Error::invalid(&at, end, text));
                }
            }
        }
    }
}

fn peer(errors: &mut Errors, path: &Path, p: &Value, old_ranges: &[&str]) {
    let mut count = 0;
    for field in ["podSelector", "namespaceSelector"] {
        if is_set(p, &[field]) {
            count += 1;
            selector(errors, &path.child(field), p.get(field));
        }
    }
    let block = is_set(p, &["ipBlock"]);
    if block {
        count += 1;
        ip_block(errors, &path.child("ipBlock"), p, old_ranges);
    }
    if count == 0 {
        errors.push(Error::required(path, "must specify a peer"));
    } else if count > 1 && block {
        errors.push(Error::forbidden(
            path,
            "may not specify both ipBlock and another peer",
        ));
    }
}

fn ip_block(errors: &mut Errors, path: &Path, p: &Value, old_ranges: &[&str]) {
    let range = p.str_at(&["ipBlock", "cidr"]);
    if range.is_empty() {
        errors.push(Error::required(&path.child("cidr"), ""));
        return;
    }
    errors.extend(names::valid_cidr_legacy(
        &path.child("cidr"),
        range,
        old_ranges,
    ));
    let Some((base, bits)) = names::parse_cidr_sloppy(range).map(|c| c.parts()) else {
        return;
    };
    for (i, except) in strings(p, &["ipBlock", "except"]).into_iter().enumerate() {
        let at = path.child("except").index(i);
        errors.extend(names::valid_cidr_legacy(&at, except, old_ranges));
        let Some((inner, inner_bits)) = names::parse_cidr_sloppy(except).map(|c| c.parts()) else {
            continue;
        };
        let inside = ipnet::IpNet::new(base, bits).is_ok_and(|net| net.contains(&inner));
        if !inside || bits >= inner_bits {
            errors.push(Error::invalid(
                &at,
                except,
                "must be a strict subset of `cidr`",
            ));
        }
    }
}
