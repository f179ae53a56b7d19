//! The file of `--tracing-config-file`: `TracingConfiguration` of `apiserver.config.k8s.io`
//! (`apiserver/pkg/server/options/tracing.go`, `component-base/tracing/api/v1`).

use std::path::Path;

use catena_objects::{Value, yaml};

const GROUP: &str = "apiserver.config.k8s.io";
const VERSIONS: [&str; 3] = ["v1", "v1beta1", "v1alpha1"];
const KIND: &str = "TracingConfiguration";
/// The default of OTLP over gRPC.
const ENDPOINT: &str = "localhost:4317";
const MILLION: i64 = 1_000_000;

/// The endpoint as a URL, and how many requests of a million are traced.
pub(super) fn read(file: &Path) -> Result<(String, u32), String> {
    let shown = file.display();
    let bytes = std::fs::read(file)
        .map_err(|e| format!("--tracing-config-file {shown} cannot be read: {e}"))?;
    decode(&bytes).map_err(|why| format!("--tracing-config-file {shown}: {why}"))
}

fn decode(bytes: &[u8]) -> Result<(String, u32), String> {
    let value = yaml::to_value_strict(bytes).map_err(|e| e.message)?;
    let kind = value.str_at(&["kind"]);
    let known = value
        .str_at(&["apiVersion"])
        .strip_prefix(GROUP)
        .and_then(|v| v.strip_prefix('/'))
        .is_some_and(|v| VERSIONS.contains(&v));
    if !known || kind != KIND {
        return Err(format!("{KIND} of {GROUP}/v1 is expected"));
    }
    let members = value.as_object().into_iter().flat_map(|m| m.keys());
    for name in members {
        if !["apiVersion", "kind", "endpoint", "samplingRatePerMillion"].contains(&name.as_str()) {
            return Err(format!("strict decoding error: unknown field {name:?}"));
        }
    }
    let endpoint = match value.get("endpoint") {
        None | Some(Value::Null) => ENDPOINT,
        Some(Value::String(text)) => text.as_str(),
        Some(_) => return Err("endpoint: expected a string".to_owned()),
    };
    // Without a rate only requests are traced whose client decided so.
    let rate = match value.get("samplingRatePerMillion") {
        None | Some(Value::Null) => 0,
        Some(Value::Int(n)) => *n,
        Some(_) => return Err("samplingRatePerMillion: expected an integer".to_owned()),
    };
    if !(0..=MILLION).contains(&rate) {
        return Err(format!(
            "samplingRatePerMillion: Invalid value: {rate}: sampling rate per million must be between 0 and one million"
        ));
    }
    let rate = u32::try_from(rate).map_err(|e| e.to_string())?;
    Ok((url(endpoint)?, rate))
}

/// Connections are without TLS, as kube-apiserver's.
fn url(endpoint: &str) -> Result<String, String> {
    let (scheme, rest) = endpoint.split_once("://").unwrap_or(("dns", endpoint));
    let address = rest.trim_start_matches('/');
    if scheme != "dns" || address.is_empty() {
        return Err(format!(
            "endpoint: Invalid value: {endpoint:?}: host:port or dns:///host:port is expected"
        ));
    }
    Ok(format!("http://{address}"))
}

#[cfg(test)]
mod tests {
    use super::decode;

    const HEAD: &str = "apiVersion: apiserver.config.k8s.io/v1\nkind: TracingConfiguration\n";

    fn of(rest: &str) -> Result<(String, u32), String> {
        decode(format!("{HEAD}{rest}").as_bytes())
    }

    #[test]
    fn what_is_left_out_has_defaults() {
        assert_eq!(of(""), Ok(("http://localhost:4317".to_owned(), 0)));
        let given = of("endpoint: collector:4317\nsamplingRatePerMillion: 100\n");
        assert_eq!(given, Ok(("http://collector:4317".to_owned(), 100)));
        let url = of("endpoint: dns:///collector:4317\n");
        assert_eq!(url, Ok(("http://collector:4317".to_owned(), 0)));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, named) in [
            (
                "samplingRatePerMillion: 1000001\n",
                "samplingRatePerMillion",
            ),
            ("samplingRatePerMillion: -1\n", "samplingRatePerMillion"),
            ("samplingRatePerMillion: all\n", "samplingRatePerMillion"),
            ("endpoint: unix:///run/otel.sock\n", "endpoint"),
            ("endpoint: 4317\n", "endpoint"),
            ("rate: 1\n", "rate"),
        ] {
            let why = of(text).expect_err(text);
            assert!(why.contains(named), "{why}");
        }
        assert!(decode(b"kind: TracingConfiguration\n").is_err());
    }
}
