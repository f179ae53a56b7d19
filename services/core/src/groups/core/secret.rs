//! Secret: `ValidateSecret*`, and the merge of `stringData` that conversion does.

use base64::{Engine, engine::general_purpose::STANDARD};
use catena_objects::{
    Value,
    field::{Error, Errors, Path},
    json, names,
};
use catena_registry::{Context, Strategy};

use super::config_map::{MAX_BYTES, base64_len, frozen};
use crate::steps::{complaints, immutable, kube_finalizers, members};

const ACCOUNT_NAME: &str = "kubernetes.io/service-account.name";

#[derive(Debug)]
pub struct Secret;

impl Strategy for Secret {
    fn default(&self, object: &mut Value) {
        if let Some(text) = object.unset(&["stringData"]) {
            for (key, value) in text.as_object().into_iter().flatten() {
                let bytes = value.as_str().unwrap_or_default().as_bytes();
                object.set(&["data", key], STANDARD.encode(bytes));
            }
        }
        if object.str_at(&["type"]).is_empty() {
            object.set(&["type"], "Opaque");
        }
    }

    fn validate(&self, _ctx: &Context, object: &Value) -> Errors {
        let mut errors = kube_finalizers(object);
        let path = Path::new("data");
        let mut size = 0;
        for (key, value) in members(object, &["data"]) {
            complaints(&mut errors, &path.key(key), key, names::config_map_key(key));
            size += base64_len(value.as_str().unwrap_or_default());
        }
        if size > MAX_BYTES {
            errors.push(Error::too_long(&path, MAX_BYTES));
        }
        type_rules(&mut errors, object);
        errors
    }

    fn validate_update(&self, ctx: &Context, object: &Value, old: &Value) -> Errors {
        let mut errors = Errors::new();
        immutable(
            &mut errors,
            &Path::new("type"),
            object.get("type"),
            old.get("type"),
        );
        frozen(&mut errors, object, old, &["data"]);
        errors.extend(self.validate(ctx, object));
        errors
    }

    fn selectable(&self, object: &Value) -> Vec<String> {
        vec![object.str_at(&["type"]).to_owned()]
    }
}

fn type_rules(errors: &mut Errors, object: &Value) {
    let path = Path::new("data");
    let has = |key: &str| object.at(&["data", key]).is_some();
    let mut require = |key: &str| errors.push(Error::required(&path.key(key), ""));
    match object.str_at(&["type"]) {
        "kubernetes.io/service-account-token"
            if object
                .str_at(&["metadata", "annotations", ACCOUNT_NAME])
                .is_empty() =>
        {
            let path = Path::new("metadata").child("annotations").key(ACCOUNT_NAME);
            errors.push(Error::required(&path, ""));
        }
        "kubernetes.io/dockercfg" => json_key(errors, object, ".dockercfg"),
        "kubernetes.io/dockerconfigjson" => json_key(errors, object, ".dockerconfigjson"),
        "kubernetes.io/basic-auth" if !has("username") && !has("password") => {
            require("username");
            require("password");
        }
        "kubernetes.io/ssh-auth" if object.str_at(&["data", "ssh-privatekey"]).is_empty() => {
            require("ssh-privatekey");
        }
        "kubernetes.io/tls" => ["tls.crt", "tls.key"]
            .into_iter()
            .filter(|key| !has(key))
            .for_each(&mut require),
        _ => {}
    }
}

/// The key must hold a JSON object.
fn json_key(errors: &mut Errors, object: &Value, key: &str) {
    let path = Path::new("data").key(key);
    if object.at(&["data", key]).is_none() {
        errors.push(Error::required(&path, ""));
        return;
    }
    let bytes = STANDARD
        .decode(object.str_at(&["data", key]))
        .unwrap_or_default();
    let text = match json::parse(&bytes) {
        Ok(Value::Object(_) | Value::Null) => return,
        Ok(other) => format!(
            "json: cannot unmarshal {} into Go value of type map[string]interface {{}}",
            go_type(&other)
        ),
        Err(e) => e.to_string(),
    };
    errors.push(Error::invalid(&path, "<secret contents redacted>", text));
}

fn go_type(v: &Value) -> &'static str {
    match v {
        Value::Bool(_) => "bool",
        Value::Int(_) | Value::Float(_) => "number",
        other => other.type_name(),
    }
}
