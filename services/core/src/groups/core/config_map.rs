//! ConfigMap: `ValidateConfigMap*`.

use catena_objects::{
    Value,
    field::{Error, Errors, Path},
    names,
};
use catena_registry::{Context, Strategy};

use crate::steps::{complaints, kube_finalizers, members, same};

/// `MaxSecretSize`, for ConfigMaps too: bytes of all values.
pub(super) const MAX_BYTES: usize = 1024 * 1024;

#[derive(Debug)]
pub struct ConfigMap;

impl Strategy for ConfigMap {
    fn validate(&self, _ctx: &Context, object: &Value) -> Errors {
        let mut errors = kube_finalizers(object);
        let mut size = 0;
        let path = Path::new("data");
        for (key, value) in members(object, &["data"]) {
            complaints(&mut errors, &path.key(key), key, names::config_map_key(key));
            if object.at(&["binaryData", key]).is_some() {
                let text = "duplicate of key present in binaryData";
                errors.push(Error::invalid(&path.key(key), key, text));
            }
            size += value.as_str().map_or(0, str::len);
        }
        let path = Path::new("binaryData");
        for (key, value) in members(object, &["binaryData"]) {
            complaints(&mut errors, &path.key(key), key, names::config_map_key(key));
            size += base64_len(value.as_str().unwrap_or_default());
        }
        if size > MAX_BYTES {
            errors.push(Error::too_long(&Path::new("[]"), MAX_BYTES));
        }
        errors
    }

    fn validate_update(&self, ctx: &Context, object: &Value, old: &Value) -> Errors {
        let mut errors = Errors::new();
        frozen(&mut errors, object, old, &["data", "binaryData"]);
        errors.extend(self.validate(ctx, object));
        errors
    }
}

/// What `immutable: true` forbids.
pub(super) fn frozen(errors: &mut Errors, object: &Value, old: &Value, members: &[&str]) {
    const TEXT: &str = "field is immutable when `immutable` is set";
    if old.bool_at(&["immutable"]) != Some(true) {
        return;
    }
    if object.bool_at(&["immutable"]) != Some(true) {
        errors.push(Error::forbidden(&Path::new("immutable"), TEXT));
    }
    for member in members {
        if !same(object.get(member), old.get(member)) {
            errors.push(Error::forbidden(&Path::new(member), TEXT));
        }
    }
}

/// Bytes that base64 text stands for.
pub(super) fn base64_len(text: &str) -> usize {
    let padding = text.bytes().rev().take_while(|c| *c == b'=').count();
    (text.len() / 4 * 3).saturating_sub(padding)
}
