//! Values that the chart refuses, in the words of `helm --set`.

use serde_json::{Map, Value};

/// Values, and a part of the message.
pub const REFUSED: [(&str, &str); 15] = [
    ("core.replica=2", "'replica' not allowed"),
    ("cores.replicas=2", "'cores' not allowed"),
    ("aggregator.service.prot=443", "'prot' not allowed"),
    ("aggregator.autoscaling.cpu=50", "'cpu' not allowed"),
    ("store.persistence.siez=1Gi", "'siez' not allowed"),
    (
        "controllers.autoscaling.enabled=true",
        "'autoscaling' not allowed",
    ),
    ("core.resources.request.cpu=1", "'request' not allowed"),
    ("tracing.protocol=http", "/tracing/protocol"),
    ("tracing.samplingRatio=2", "/tracing/samplingRatio"),
    ("certificates.mode=certmanager", "/certificates/mode"),
    ("store.replicas=3", "/store/replicas"),
    (
        "store.enabled=false",
        "store.enabled=false needs etcd.servers",
    ),
    (
        "etcd.servers={http://etcd:2379}",
        "needs store.enabled=false",
    ),
    (
        "image.digest=sha256:0000000000000000000000000000000000000000000000000000000000000000",
        "image.digest is that of one image",
    ),
    ("tunnel.enabled=true", "tunnel.sshSecretName"),
];

/// The same for values that contradict each other.
pub const CONTRADICTIONS: [(&str, &str); 4] = [
    (
        "core.autoscaling.minReplicas=9,core.autoscaling.enabled=true",
        "must not be above maxReplicas",
    ),
    (
        "core.autoscaling.cpuUtilization=0,core.autoscaling.enabled=true",
        "needs cpuUtilization or requestsInFlight",
    ),
    (
        "store.enabled=false,etcd.servers={https://etcd:2379}",
        "needs etcd.tls.secretName",
    ),
    (
        "certificates.helm.days=30,certificates.helm.renewDays=30",
        "must be more than",
    ),
];

/// What `--set` makes of such words: `a.b=1,c={x,y}`.
///
/// # Panics
/// On what the tables above have not.
pub fn set(words: &str) -> Value {
    let mut values = Map::new();
    for word in split(words) {
        let (path, text) = word.split_once('=').expect("a value");
        let value = match text.strip_prefix('{').and_then(|t| t.strip_suffix('}')) {
            Some(items) => items.split(',').map(scalar).collect(),
            None => scalar(text),
        };
        let mut at = &mut values;
        let mut names: Vec<&str> = path.split('.').collect();
        let last = names.pop().expect("a name");
        for name in names {
            let table = at.entry(name).or_insert_with(|| Map::new().into());
            at = table.as_object_mut().expect("a table");
        }
        at.insert(last.to_owned(), value);
    }
    values.into()
}

/// At commas that are in no braces.
fn split(words: &str) -> Vec<String> {
    let mut out = vec![String::new()];
    let mut inside = false;
    for c in words.chars() {
        inside = (inside || c == '{') && c != '}';
        match (c, inside) {
            (',', false) => out.push(String::new()),
            _ => out.last_mut().expect("a word").push(c),
        }
    }
    out
}

fn scalar(text: &str) -> Value {
    match text {
        "true" => true.into(),
        "false" => false.into(),
        text => text
            .parse::<i64>()
            .map_or_else(|_| text.into(), Value::from),
    }
}
