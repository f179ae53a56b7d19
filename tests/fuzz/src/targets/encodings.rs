//! JSON, YAML, protobuf, and objects of built-in kinds.

use catena_objects::{Value, json, yaml};

pub(crate) fn json(data: &[u8]) {
    let scanned = json::scan::skip_value(data, 0);
    if let Some(end) = scanned {
        let _ = json::scan::member(&data[..end], 0, "metadata");
    }
    let _ = json::parse_strict(data);
    let Ok(v) = json::parse(data) else {
        return;
    };
    let text = json::to_vec(&v);
    let again = json::parse(&text).expect("what is written is read");
    // As in Go, which reads the -0 that it writes of -0.0 as an integer.
    if !has_negative_zero(&v) {
        assert_eq!(json::to_vec(&again), text);
    }
    // Numbers, `true` and the like end where something else begins.
    if matches!(v, Value::String(_) | Value::Array(_) | Value::Object(_)) {
        assert_eq!(json::scan::skip_value(&text, 0), Some(text.len()));
    }
}

fn has_negative_zero(v: &Value) -> bool {
    match v {
        Value::Float(f) => *f == 0.0 && f.is_sign_negative(),
        Value::Array(items) => items.iter().any(has_negative_zero),
        Value::Object(members) => members.values().any(has_negative_zero),
        _ => false,
    }
}

pub(crate) fn yaml(data: &[u8]) {
    let _ = yaml::to_value_strict(data);
    // What is written is an object: a text by itself may read as a document's end.
    let object = yaml::to_value(data)
        .ok()
        .filter(|v| v.as_object().is_some());
    let Some(v) = object else {
        return;
    };
    let text = yaml::to_vec(&v);
    let again = yaml::to_value(&text);
    let again = again.unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&text)));
    assert_eq!(again, v);
}

pub(crate) fn protobuf(data: &[u8]) {
    let Ok(v) = catena_protobuf::decode_envelope(data) else {
        return;
    };
    let bytes = catena_protobuf::encode_envelope(&v).expect("what was decoded is encoded");
    let again = catena_protobuf::decode_envelope(&bytes).expect("what is encoded is decoded");
    assert_eq!(again, v);
}

pub(crate) fn cbor(data: &[u8]) {
    let Ok(v) = catena_cbor::decode(data) else {
        return;
    };
    let bytes = catena_cbor::encode(&v);
    let again = catena_cbor::decode(&bytes).expect("what is encoded is decoded");
    assert_eq!(again, v);
    assert_eq!(catena_cbor::encode(&again), bytes);
}

/// Structure and field validation of some kinds.
pub(crate) fn object(data: &[u8]) {
    let Some((first, rest)) = data.split_first() else {
        return;
    };
    let Ok(v) = json::parse(rest) else {
        return;
    };
    let (group, version, kind) = KINDS[usize::from(*first) % KINDS.len()];
    let node = catena_schema::builtin(group, version, kind).expect("a known kind");
    let Ok(decoded) = catena_schema::decode(&node, v) else {
        return;
    };
    let again = catena_schema::decode(&node, decoded.value.clone()).expect("decoded twice");
    assert_eq!(json::to_vec(&again.value), json::to_vec(&decoded.value));
    encoded(group, version, kind, decoded.value);
}

const KINDS: [(&str, &str, &str); 6] = [
    ("", "v1", "Pod"),
    ("", "v1", "Service"),
    ("apps", "v1", "Deployment"),
    ("apiextensions.k8s.io", "v1", "CustomResourceDefinition"),
    ("networking.k8s.io", "v1", "NetworkPolicy"),
    ("autoscaling", "v2", "HorizontalPodAutoscaler"),
];

fn encoded(group: &str, version: &str, kind: &str, mut v: Value) {
    let api = if group.is_empty() {
        version.to_owned()
    } else {
        format!("{group}/{version}")
    };
    v.set(&["apiVersion"], api);
    v.set(&["kind"], kind);
    if let Ok(bytes) = catena_protobuf::encode_envelope(&v) {
        catena_protobuf::decode_envelope(&bytes).expect("what is encoded is decoded");
    }
}
