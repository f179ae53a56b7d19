//! Files, and what is said of those that are wrong.

use std::path::Path;

use crate::{
    EgressSelector,
    config::{self, decode, validate},
};

fn file(selections: &str) -> String {
    format!(
        "apiVersion: apiserver.k8s.io/v1beta1\nkind: EgressSelectorConfiguration\negressSelections:\n{selections}"
    )
}

/// Everything that validation says of one selection.
fn complaint(name: &str, connection: &str) -> String {
    let text = file(&format!(
        "- {{name: {name}, connection: {{{connection}}}}}\n"
    ));
    let config = decode(text.as_bytes()).expect("it is decoded");
    validate(&config).aggregate()
}

#[test]
fn good_files_are_taken() {
    let all = "- {name: Cluster, connection: {proxyProtocol: GRPC, transport: {uds: {udsName: /s}}}}
- {name: master, connection: {proxyProtocol: Direct}}
- {name: etcd, connection: {proxyProtocol: HTTPConnect, transport: {tcp: {url: \"http://proxy:80\"}}}}
";
    let config = decode(file(all).as_bytes()).expect("it is decoded");
    assert!(validate(&config).is_empty());
    assert_eq!(config.selections[1].name, "controlplane");
    assert!(EgressSelector::new(&config).is_ok());
    let old = file(all).replace("v1beta1", "v1alpha1");
    assert_eq!(decode(old.as_bytes()), Ok(config));
    let none = "{apiVersion: apiserver.k8s.io/v1beta1, kind: EgressSelectorConfiguration}";
    assert!(decode(none.as_bytes()).is_ok());
}

#[test]
fn connections_are_checked() {
    let cases = [
        (
            "proxyProtocol: Direct, transport: {uds: {udsName: /s}}",
            "service.connection.transport: Invalid value: \"direct\": config must be absent for direct connect",
        ),
        (
            "proxyProtocol: HTTPConnect",
            "service.connection.transport: Required value: transport must be set for HTTPConnect",
        ),
        (
            "proxyProtocol: GRPC",
            "service.connection.transport: Required value: transport must be set for GRPC",
        ),
        (
            "proxyProtocol: GRPC, transport: {}",
            "service.connection.uds: Required value: UDS must be set with GRPC",
        ),
        (
            "proxyProtocol: HTTPConnect, transport: {}",
            "service.connection.tcp: Required value: One of TCP or UDS must be set",
        ),
        (
            "proxyProtocol: HTTPConnect, transport: {uds: {}}",
            "service.connection.udsName: Invalid value: \"nil\": must be present for UDS connections",
        ),
        (
            "proxyProtocol: Carrier",
            "service.connection.protocol: Unsupported value: \"Carrier\": supported values: \"Direct\", \"HTTPConnect\", \"GRPC\"",
        ),
    ];
    for (connection, expected) in cases {
        assert_eq!(complaint("cluster", connection), expected);
    }
}

#[test]
fn tls_is_checked() {
    let cases = [
        (
            "url: \"ftp://x\"",
            "service.connection.url: Invalid value: \"ftp://x\": supported connection protocols are http:// and https://",
        ),
        (
            "url: \"http://x\", tlsConfig: {}",
            "service.connection.tlsConfig: Invalid value: \"nil\": config must not be present when using HTTP",
        ),
        (
            "url: \"https://x\"",
            "service.connection.tlsConfig: Required value: TLSConfig must be present when using HTTPS",
        ),
        (
            "url: \"https://x\", tlsConfig: {caBundle: /no/ca}",
            "[service.connection.tlsConfig.caBundle: Invalid value: \"/no/ca\": TLS config ca bundle does not exist, service.connection.tlsConfig.clientCert: Invalid value: \"nil\": Using TLS requires clientCert, service.connection.tlsConfig.clientKey: Invalid value: \"nil\": Using TLS requires requires clientKey]",
        ),
        (
            "url: \"https://x\", tlsConfig: {clientCert: /no/cert, clientKey: /no/key}",
            "[service.connection.tlsConfig.clientCert: Invalid value: \"/no/cert\": TLS client cert does not exist, service.connection.tlsConfig.clientKey: Invalid value: \"/no/key\": TLS client key does not exist]",
        ),
    ];
    for (tcp, expected) in cases {
        let connection = format!("proxyProtocol: HTTPConnect, transport: {{tcp: {{{tcp}}}}}");
        assert_eq!(complaint("cluster", &connection), expected);
    }
}

#[test]
fn names_are_checked() {
    let known = "supported values: \"cluster\", \"controlplane\", \"etcd\"";
    assert_eq!(
        complaint("moon", "proxyProtocol: Direct"),
        format!("service.connection: Unsupported value: \"moon\": {known}")
    );
    let twice = "- {name: etcd, connection: {proxyProtocol: Direct}}\n- {name: ETCD, connection: {proxyProtocol: Direct}}\n";
    let config = decode(file(twice).as_bytes()).expect("it is decoded");
    assert_eq!(
        validate(&config).aggregate(),
        "service.connection[1]: Duplicate value: \"etcd\""
    );
}

#[test]
fn what_is_no_configuration_is_told() {
    let cases = [
        (
            "kind: EgressSelectorConfiguration",
            "Object 'apiVersion' is missing in '{\"kind\":\"EgressSelectorConfiguration\"}'",
        ),
        ("a: b", "Object 'Kind' is missing in '{\"a\":\"b\"}'"),
        (
            "{apiVersion: apps/v1, kind: DaemonSet}",
            "no kind \"DaemonSet\" is registered for version \"apps/v1\"; expected EgressSelectorConfiguration of apiserver.k8s.io/v1beta1",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(decode(text.as_bytes()), Err(expected.to_owned()));
    }
    let unknown = file("- {name: etcd, speed: 9, connection: {proxyProtocol: Direct, x: y}}\n");
    assert_eq!(
        decode(unknown.as_bytes()),
        Err("strict decoding error: unknown field \"egressSelections[0].speed\", unknown field \"egressSelections[0].connection.x\"".to_owned())
    );
    let typed = file("- {name: 7}\n");
    let expected = "egressSelections[0].name: expected a string".to_owned();
    assert_eq!(decode(typed.as_bytes()), Err(expected));
    let absent = config::read(Path::new("/no/file")).expect_err("no file");
    let start = "failed to read egress selector config: unable to read egress selector configuration from \"/no/file\" [";
    assert!(absent.starts_with(start), "{absent}");
}
