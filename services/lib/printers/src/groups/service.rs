//! Cells of services.

use catena_objects::Value;

use crate::text::{age, join, name, or_none, pairs, strings};

pub(crate) fn service(o: &Value, now: &str) -> Vec<Value> {
    let ty = o.str_at(&["spec", "type"]);
    let ip = match o.items_at(&["spec", "clusterIPs"]).first() {
        Some(ip) => ip.as_str().unwrap_or_default(),
        None => o.str_at(&["spec", "clusterIP"]),
    };
    vec![
        name(o),
        ty.into(),
        or_none(ip),
        external_ip(o, ty).into(),
        ports(o).into(),
        age(o, now),
        pairs(o.at(&["spec", "selector"])).into(),
    ]
}

fn external_ip(o: &Value, ty: &str) -> String {
    let given = strings(o.items_at(&["spec", "externalIPs"]));
    let none = |s: String| if s.is_empty() { "<none>".to_owned() } else { s };
    match ty {
        "LoadBalancer" => {
            let ingress = join(o.items_at(&["status", "loadBalancer", "ingress"]), |i| {
                let ip = i.str_at(&["ip"]);
                if ip.is_empty() {
                    i.str_at(&["hostname"])
                } else {
                    ip
                }
                .to_owned()
            });
            match (given.is_empty(), ingress.is_empty()) {
                (true, true) => "<pending>".to_owned(),
                (true, false) => ingress,
                (false, true) => given,
                (false, false) => format!("{ingress},{given}"),
            }
        }
        "ExternalName" => o.str_at(&["spec", "externalName"]).to_owned(),
        _ => none(given),
    }
}

fn ports(o: &Value) -> String {
    let list = join(o.items_at(&["spec", "ports"]), |p| {
        let port = p.i64_at(&["port"]).unwrap_or(0);
        let protocol = p.str_at(&["protocol"]);
        match p.i64_at(&["nodePort"]).unwrap_or(0) {
            0 => format!("{port}/{protocol}"),
            node => format!("{port}:{node}/{protocol}"),
        }
    });
    if list.is_empty() {
        "<none>".to_owned()
    } else {
        list
    }
}
