//! What a configuration must be, in kube-apiserver's words
//! (`egressselector.ValidateEgressSelectorConfiguration`).

use std::path::Path as File;

use catena_objects::{
    Value,
    field::{Error, Errors, Path},
    obj,
};

use super::{Configuration, Selection, TcpTransport, TlsFiles, Transports};

const NAMES: [&str; 3] = ["cluster", "controlplane", "etcd"];

/// Everything that is wrong.
pub(crate) fn validate(config: &Configuration) -> Errors {
    let mut errors = Errors::new();
    let path = Path::new("service").child("connection");
    for selection in &config.selections {
        connection(selection, &path, &mut errors);
    }
    let mut seen: Vec<String> = Vec::new();
    for (i, selection) in config.selections.iter().enumerate() {
        let name = selection.name.to_lowercase();
        if seen.contains(&name) {
            errors.push(Error::duplicate(&path.index(i), name));
            continue;
        }
        seen.push(name.clone());
        if !NAMES.contains(&name.as_str()) {
            errors.push(Error::not_supported(&path, name, &NAMES));
        }
    }
    errors
}

fn connection(selection: &Selection, path: &Path, errors: &mut Errors) {
    match selection.protocol.as_str() {
        "Direct" => {
            if selection.transport.is_some() {
                let path = path.child("transport");
                let why = "config must be absent for direct connect";
                errors.push(Error::invalid(&path, "direct", why));
            }
        }
        "HTTPConnect" => match &selection.transport {
            Some(transports) => http_connect(transports, path, errors),
            None => {
                let why = "transport must be set for HTTPConnect";
                errors.push(Error::required(&path.child("transport"), why));
            }
        },
        "GRPC" => match &selection.transport {
            Some(transports) => grpc(transports, path, errors),
            None => {
                let why = "transport must be set for GRPC";
                errors.push(Error::required(&path.child("transport"), why));
            }
        },
        other => {
            let known = ["Direct", "HTTPConnect", "GRPC"];
            let path = path.child("protocol");
            errors.push(Error::not_supported(&path, other, &known));
        }
    }
}

fn http_connect(transports: &Transports, path: &Path, errors: &mut Errors) {
    match (&transports.tcp, &transports.uds) {
        (Some(tcp), Some(_)) => {
            let path = path.child("tcp");
            let why = "TCP and UDS cannot both be set";
            errors.push(Error::invalid(&path, shown(tcp), why));
        }
        (None, None) => {
            let why = "One of TCP or UDS must be set";
            errors.push(Error::required(&path.child("tcp"), why));
        }
        (Some(tcp), None) => over_tcp(tcp, path, errors),
        (None, Some(name)) => uds(name, path, errors),
    }
}

/// The proxy server offers gRPC over TCP too, which kube-apiserver does not use.
fn grpc(transports: &Transports, path: &Path, errors: &mut Errors) {
    match (&transports.tcp, &transports.uds) {
        (_, Some(name)) => uds(name, path, errors),
        (Some(tcp), None) => over_tcp(tcp, path, errors),
        (None, None) => {
            let why = "UDS must be set with GRPC";
            errors.push(Error::required(&path.child("uds"), why));
        }
    }
}

fn uds(name: &str, path: &Path, errors: &mut Errors) {
    if name.is_empty() {
        let why = "must be present for UDS connections";
        errors.push(Error::invalid(&path.child("udsName"), "nil", why));
    }
}

fn over_tcp(tcp: &TcpTransport, path: &Path, errors: &mut Errors) {
    if tcp.url.starts_with("http://") {
        if tcp.tls.is_some() {
            let why = "config must not be present when using HTTP";
            errors.push(Error::invalid(&path.child("tlsConfig"), "nil", why));
        }
    } else if tcp.url.starts_with("https://") {
        tls(tcp.tls.as_ref(), path, errors);
    } else {
        let why = "supported connection protocols are http:// and https://";
        errors.push(Error::invalid(&path.child("url"), tcp.url.as_str(), why));
    }
}

fn tls(files: Option<&TlsFiles>, path: &Path, errors: &mut Errors) {
    let path = path.child("tlsConfig");
    let Some(files) = files else {
        let why = "TLSConfig must be present when using HTTPS";
        errors.push(Error::required(&path, why));
        return;
    };
    let mut check = |name: &str, file: &str, unset: &str, absent: &str| {
        let path = path.child(name);
        if file.is_empty() {
            if !unset.is_empty() {
                errors.push(Error::invalid(&path, "nil", unset));
            }
        } else if !File::new(file).exists() {
            errors.push(Error::invalid(&path, file, absent));
        }
    };
    let ca = "TLS config ca bundle does not exist";
    check("caBundle", &files.ca_bundle, "", ca);
    let unset = "Using TLS requires clientCert";
    let absent = "TLS client cert does not exist";
    check("clientCert", &files.client_cert, unset, absent);
    // The word is there twice upstream.
    let unset = "Using TLS requires requires clientKey";
    let absent = "TLS client key does not exist";
    check("clientKey", &files.client_key, unset, absent);
}

/// As Go prints the value.
fn shown(tcp: &TcpTransport) -> Value {
    let tls = tcp.tls.as_ref().map_or(Value::Null, |files| {
        let (ca, key) = (files.ca_bundle.clone(), files.client_key.clone());
        let (cert, name) = (files.client_cert.clone(), files.server_name.clone());
        obj!({ "CABundle": ca, "ClientKey": key, "ClientCert": cert, "TLSServerName": name })
    });
    let url = tcp.url.clone();
    obj!({ "URL": url, "TLSConfig": tls })
}
