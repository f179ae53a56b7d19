//! Names that documents use.

/// Where schemas stand in a v3 document.
pub(crate) const SCHEMAS: &str = "#/components/schemas/";

/// Definition of a message: `k8s.io.api.core.v1.Pod` is `io.k8s.api.core.v1.Pod`.
pub(crate) fn definition(message: &str) -> String {
    let path = message.strip_prefix("k8s.io.").unwrap_or(message);
    match path.rsplit_once('.') {
        Some((package, name)) => format!("io.k8s.{}.{name}", package.replace('_', "-")),
        None => path.to_owned(),
    }
}

/// Definition of a custom kind: `com.example.stable.v1.CronTab`.
pub(crate) fn custom(group: &str, version: &str, kind: &str) -> String {
    let reversed: Vec<&str> = group.split('.').rev().collect();
    format!("{}.{version}.{kind}", reversed.join("."))
}

/// `batch` is `Batch`, `rbac.authorization.k8s.io` is `RbacAuthorization`,
/// `stable.example.com` is `StableExampleCom`, the core group `Core`.
pub(crate) fn group_in_operation(group: &str) -> String {
    if group.is_empty() {
        return "Core".to_owned();
    }
    let short = group.strip_suffix(".k8s.io").unwrap_or(group);
    short.split(['.', '-']).map(title).collect()
}

pub(crate) fn title(word: &str) -> String {
    let mut chars = word.chars();
    match chars.next() {
        Some(first) => first.to_ascii_uppercase().to_string() + chars.as_str(),
        None => String::new(),
    }
}
