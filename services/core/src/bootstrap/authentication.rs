//! kube-system/extension-apiserver-authentication: all servers of a control plane
//! add what they believe (`clusterauthenticationtrust`).

use catena_objects::{Map, Value, json, meta};

const NAME: &str = "extension-apiserver-authentication";

/// Whether the object is that config map.
pub(super) fn is(object: &Value) -> bool {
    object.str_at(&["kind"]) == "ConfigMap" && meta::name(object) == NAME
}

/// The config map with what it lacks; `None` when it is complete.
pub(super) fn merged(live: &Value, wanted: &Value) -> Option<Value> {
    let mut out = live.clone();
    let data = wanted.get("data").and_then(Value::as_object);
    for (key, value) in data.into_iter().flat_map(Map::iter) {
        let (old, new) = (live.str_at(&["data", key]), value.as_str()?);
        let both = if key.ends_with("-ca-file") {
            bundle(old, new)
        } else {
            list(old, new)
        };
        if both != old {
            out.set(&["data", key], both);
        }
    }
    (out != *live).then_some(out)
}

/// The certificates of both.
fn bundle(old: &str, new: &str) -> String {
    const END: &str = "-----END CERTIFICATE-----";
    let mut out = old.to_owned();
    for cert in new.split_inclusive(END).map(str::trim) {
        if cert.ends_with(END) && !out.contains(cert) {
            if !out.is_empty() && !out.ends_with('\n') {
                out.push('\n');
            }
            out.push_str(cert);
            out.push('\n');
        }
    }
    out
}

/// The items of both.
fn list(old: &str, new: &str) -> String {
    let items = |text: &str| {
        let list = json::parse(text.as_bytes()).unwrap_or_default();
        list.as_array().unwrap_or_default().to_vec()
    };
    let mut both = items(old);
    let before = both.len();
    for item in items(new) {
        if !both.contains(&item) {
            both.push(item);
        }
    }
    if both.len() == before && !old.is_empty() {
        return old.to_owned();
    }
    json::to_string(&both.into())
}

#[cfg(test)]
mod tests {
    use catena_objects::obj;

    use super::*;

    const A: &str = "-----BEGIN CERTIFICATE-----\na\n-----END CERTIFICATE-----\n";
    const B: &str = "-----BEGIN CERTIFICATE-----\nb\n-----END CERTIFICATE-----\n";

    fn map(ca: &str, names: &str) -> Value {
        obj!({
            "kind": "ConfigMap", "metadata": {"name": NAME},
            "data": {"client-ca-file": ca, "requestheader-allowed-names": names}
        })
    }

    #[test]
    fn what_is_missing_is_added() {
        let live = map(A, r#"["x"]"#);
        assert!(is(&live));
        assert_eq!(merged(&live, &live), None);
        assert_eq!(merged(&live, &map("", "[]")), None);
        let more = merged(&live, &map(B, r#"["y","x"]"#)).expect("changed");
        assert_eq!(more, map(&format!("{A}{B}"), r#"["x","y"]"#));
        assert_eq!(merged(&more, &live), None);
    }
}
