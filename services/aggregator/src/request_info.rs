//! What a path means (`k8s.io/apiserver/pkg/endpoints/request/requestinfo.go`).

use catena_delegate::RequestInfo;
use catena_endpoints::query::Query;

/// Subresources of namespaces: `/namespaces/<ns>/status` names the namespace itself.
const NAMESPACE_SUBRESOURCES: [&str; 2] = ["status", "finalize"];

/// Subresources that stay open for as long as the client likes.
const LONG_RUNNING: [&str; 5] = ["attach", "exec", "proxy", "log", "portforward"];

/// Reads method, decoded path and raw query.
pub fn parse(method: &str, path: &str, query: &str) -> RequestInfo {
    let mut info = RequestInfo {
        verb: method.to_ascii_lowercase(),
        ..RequestInfo::default()
    };
    let all: Vec<&str> = match path.trim_matches('/') {
        "" => Vec::new(),
        trimmed => trimmed.split('/').collect(),
    };
    if all.len() < 3 || !["api", "apis"].contains(&all[0]) {
        return info;
    }
    info.api_prefix = all[0].to_owned();
    let mut parts = &all[1..];
    if info.api_prefix == "apis" {
        if parts.len() < 3 {
            return info;
        }
        info.api_group = parts[0].to_owned();
        parts = &parts[1..];
    }
    info.is_resource = true;
    info.api_version = parts[0].to_owned();
    parts = &parts[1..];
    if ["proxy", "watch"].contains(&parts[0]) {
        info.verb = parts[0].to_owned();
        // Without a resource the request is nobody's; the router says so.
        parts = &parts[1..];
    } else {
        info.verb = verb_of(method).to_owned();
    }
    parts = namespace(&mut info, parts);
    info.parts = parts.iter().map(|p| (*p).to_owned()).collect();
    if let Some(resource) = parts.first() {
        info.resource = (*resource).to_owned();
    }
    if let Some(name) = parts.get(1) {
        info.name = (*name).to_owned();
    }
    if let Some(subresource) = parts.get(2).filter(|_| info.verb != "proxy") {
        info.subresource = (*subresource).to_owned();
    }
    collection(&mut info, query);
    info
}

fn verb_of(method: &str) -> &'static str {
    match method {
        "POST" => "create",
        "GET" | "HEAD" => "get",
        "PUT" => "update",
        "PATCH" => "patch",
        "DELETE" => "delete",
        _ => "",
    }
}

/// Takes `namespaces/<ns>` off the front, unless it is the namespace that is asked for.
fn namespace<'a, 'b>(info: &mut RequestInfo, parts: &'a [&'b str]) -> &'a [&'b str] {
    if parts.first() != Some(&"namespaces") {
        return parts;
    }
    let Some(name) = parts.get(1) else {
        return parts;
    };
    info.namespace = (*name).to_owned();
    match parts.get(2) {
        Some(next) if !NAMESPACE_SUBRESOURCES.contains(next) => &parts[2..],
        _ => parts,
    }
}

/// Verbs of collections, and the single object that a list may mean.
fn collection(info: &mut RequestInfo, query: &str) {
    if !info.name.is_empty() {
        return;
    }
    if info.verb == "delete" {
        info.verb = "deletecollection".to_owned();
        return;
    }
    if info.verb != "get" && info.verb != "watch" {
        return;
    }
    let query = Query::parse(query);
    if info.verb == "get" {
        let watches = query
            .get("watch")
            .is_some_and(|v| !["false", "0"].contains(&v.to_ascii_lowercase().as_str()));
        info.verb = if watches { "watch" } else { "list" }.to_owned();
    }
    // `fieldSelector=metadata.name=x` asks for one object: rules that name it apply.
    let selector = query.get("fieldSelector").unwrap_or_default();
    for term in selector.split(',') {
        let name = term
            .strip_prefix("metadata.name==")
            .or_else(|| term.strip_prefix("metadata.name="));
        if let Some(name) = name
            && !name.is_empty()
            && !name.contains(['/', '%', '\\'])
            && name != "."
            && name != ".."
        {
            info.name = name.to_owned();
        }
    }
}

/// Undoes the percent-encoding of a path.
pub(crate) fn decode(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        let escaped = (bytes[i] == b'%')
            .then(|| text.get(i + 1..i + 3))
            .flatten()
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        out.push(escaped.unwrap_or(bytes[i]));
        i += if escaped.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Whether the request may stay open: no deadline, its own limits.
pub(crate) fn is_long_running(info: &RequestInfo, path: &str) -> bool {
    if info.is_resource {
        return ["watch", "proxy"].contains(&info.verb.as_str())
            || LONG_RUNNING.contains(&info.subresource.as_str());
    }
    path.starts_with("/debug/pprof/")
}

/// Whether the request only reads.
pub(crate) fn is_read_only(info: &RequestInfo) -> bool {
    ["get", "list", "watch", "head"].contains(&info.verb.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// method, path and query -> verb, group, version, namespace, resource, subresource, name.
    const CASES: [(&str, &str, &str, [&str; 7]); 14] = [
        (
            "GET",
            "/api/v1/namespaces",
            "",
            ["list", "", "v1", "", "namespaces", "", ""],
        ),
        (
            "GET",
            "/api/v1/namespaces/a",
            "",
            ["get", "", "v1", "a", "namespaces", "", "a"],
        ),
        (
            "PUT",
            "/api/v1/namespaces/a/finalize",
            "",
            ["update", "", "v1", "a", "namespaces", "finalize", "a"],
        ),
        (
            "GET",
            "/api/v1/namespaces/a/pods",
            "watch=true",
            ["watch", "", "v1", "a", "pods", "", ""],
        ),
        (
            "GET",
            "/api/v1/pods",
            "watch=0",
            ["list", "", "v1", "", "pods", "", ""],
        ),
        (
            "GET",
            "/api/v1/watch/namespaces/a/pods/x",
            "",
            ["watch", "", "v1", "a", "pods", "", "x"],
        ),
        (
            "GET",
            "/api/v1/pods",
            "watch",
            ["watch", "", "v1", "", "pods", "", ""],
        ),
        (
            "POST",
            "/apis/apps/v1/namespaces/a/deployments",
            "",
            ["create", "apps", "v1", "a", "deployments", "", ""],
        ),
        (
            "PATCH",
            "/apis/apps/v1/namespaces/a/deployments/d/scale",
            "",
            ["patch", "apps", "v1", "a", "deployments", "scale", "d"],
        ),
        (
            "DELETE",
            "/apis/apps/v1/namespaces/a/deployments",
            "",
            ["deletecollection", "apps", "v1", "a", "deployments", "", ""],
        ),
        (
            "GET",
            "/apis/apps/v1/deployments",
            "fieldSelector=metadata.name%3Dx",
            ["list", "apps", "v1", "", "deployments", "", "x"],
        ),
        ("GET", "/apis/apps/v1", "", ["get", "", "", "", "", "", ""]),
        ("HEAD", "/healthz", "", ["head", "", "", "", "", "", ""]),
        (
            "OPTIONS",
            "/api/v1/pods",
            "",
            ["", "", "v1", "", "pods", "", ""],
        ),
    ];

    #[test]
    fn paths_mean_what_kubernetes_reads_in_them() {
        for (method, path, query, expected) in CASES {
            let i = parse(method, path, query);
            let got = [
                &i.verb,
                &i.api_group,
                &i.api_version,
                &i.namespace,
                &i.resource,
                &i.subresource,
                &i.name,
            ];
            assert_eq!(got, expected.each_ref(), "{method} {path}?{query}");
        }
    }

    #[test]
    fn wrong_escapes_stay_as_they_are() {
        assert_eq!(decode("a%2Fb%zz%"), "a/b%zz%");
    }
}
