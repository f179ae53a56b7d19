//! Strict decoding: what is not known is an error.

use catena_objects::{Value, json, yaml};

use super::{Configuration, Selection, TcpTransport, TlsFiles, Transports};

const GROUP: &str = "apiserver.k8s.io";
const VERSIONS: [&str; 2] = ["v1beta1", "v1alpha1"];
const KIND: &str = "EgressSelectorConfiguration";

/// # Errors
/// Why the bytes are no configuration.
pub(crate) fn decode(bytes: &[u8]) -> Result<Configuration, String> {
    let value = yaml::to_value_strict(bytes).map_err(|e| e.message)?;
    let shown = || String::from_utf8_lossy(&json::to_vec(&value)).into_owned();
    let version = value.str_at(&["apiVersion"]);
    let kind = value.str_at(&["kind"]);
    if kind.is_empty() {
        return Err(format!("Object 'Kind' is missing in '{}'", shown()));
    }
    if version.is_empty() {
        return Err(format!("Object 'apiVersion' is missing in '{}'", shown()));
    }
    let known = version
        .strip_prefix(GROUP)
        .and_then(|v| v.strip_prefix('/'))
        .is_some_and(|v| VERSIONS.contains(&v));
    if !known || kind != KIND {
        return Err(format!(
            "no kind {kind:?} is registered for version {version:?}; expected {KIND} of {GROUP}/v1beta1"
        ));
    }
    let mut reader = Reader::default();
    let top = reader.object(&value, "", &["apiVersion", "kind", "egressSelections"])?;
    let mut selections = Vec::new();
    if let Some(list) = top.member("egressSelections") {
        let list = list
            .as_array()
            .ok_or("egressSelections: expected an array")?;
        for (i, one) in list.iter().enumerate() {
            selections.push(selection(
                &mut reader,
                one,
                &format!("egressSelections[{i}]"),
            )?);
        }
    }
    if reader.unknown.is_empty() {
        return Ok(Configuration { selections });
    }
    let fields: Vec<String> = reader
        .unknown
        .iter()
        .map(|f| format!("unknown field {f:?}"))
        .collect();
    Err(format!("strict decoding error: {}", fields.join(", ")))
}

fn selection(reader: &mut Reader, value: &Value, path: &str) -> Result<Selection, String> {
    let it = reader.object(value, path, &["name", "connection"])?;
    let mut name = it.string("name")?;
    // The name until 1.20.
    if name == "master" {
        "controlplane".clone_into(&mut name);
    }
    let (mut protocol, mut way) = (String::new(), None);
    if let Some(value) = it.member("connection") {
        let path = it.path("connection");
        let connection = reader.object(value, &path, &["proxyProtocol", "transport"])?;
        protocol = connection.string("proxyProtocol")?;
        if let Some(value) = connection.member("transport") {
            way = Some(transports(reader, value, &connection.path("transport"))?);
        }
    }
    Ok(Selection {
        name,
        protocol,
        transport: way,
    })
}

fn transports(reader: &mut Reader, value: &Value, path: &str) -> Result<Transports, String> {
    let it = reader.object(value, path, &["tcp", "uds"])?;
    let mut out = Transports::default();
    if let Some(value) = it.member("tcp") {
        let tcp = reader.object(value, &it.path("tcp"), &["url", "tlsConfig"])?;
        let tls = match tcp.member("tlsConfig") {
            None => None,
            Some(value) => Some(files(reader, value, &tcp.path("tlsConfig"))?),
        };
        let url = tcp.string("url")?;
        out.tcp = Some(TcpTransport { url, tls });
    }
    if let Some(value) = it.member("uds") {
        let uds = reader.object(value, &it.path("uds"), &["udsName"])?;
        out.uds = Some(uds.string("udsName")?);
    }
    Ok(out)
}

fn files(reader: &mut Reader, value: &Value, path: &str) -> Result<TlsFiles, String> {
    let names = ["caBundle", "clientKey", "clientCert", "tlsServerName"];
    let it = reader.object(value, path, &names)?;
    Ok(TlsFiles {
        ca_bundle: it.string("caBundle")?,
        client_key: it.string("clientKey")?,
        client_cert: it.string("clientCert")?,
        server_name: it.string("tlsServerName")?,
    })
}

/// Remembers the fields that nobody knows.
#[derive(Default)]
struct Reader {
    unknown: Vec<String>,
}

/// An object with the path where it was found.
struct Object<'a> {
    value: &'a Value,
    at: String,
}

impl Reader {
    fn object<'a>(
        &mut self,
        value: &'a Value,
        path: &str,
        known: &[&str],
    ) -> Result<Object<'a>, String> {
        let members = value
            .as_object()
            .ok_or_else(|| format!("{path}: expected an object"))?;
        let object = Object {
            value,
            at: path.to_owned(),
        };
        let unknown = members.keys().filter(|key| !known.contains(&&***key));
        self.unknown.extend(unknown.map(|key| object.path(key)));
        Ok(object)
    }
}

impl<'a> Object<'a> {
    fn path(&self, name: &str) -> String {
        if self.at.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.at)
        }
    }

    fn member(&self, name: &str) -> Option<&'a Value> {
        self.value.get(name).filter(|v| !v.is_null())
    }

    fn string(&self, name: &str) -> Result<String, String> {
        match self.member(name) {
            None => Ok(String::new()),
            Some(value) => value
                .as_str()
                .map(str::to_owned)
                .ok_or_else(|| format!("{}: expected a string", self.path(name))),
        }
    }
}
