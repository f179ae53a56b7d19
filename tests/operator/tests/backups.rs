//! Backups and restores of the embedded store: the store and the pods of backups
//! really run.

use catena_operator::api::BackupState;
use catena_runtime::flags;
use catena_storage::{Compare, Op, RangeRequest, Storage as _, TxnRequest};
use catena_storage_etcd::EtcdStorage;
use catena_tests_it::eventually;
use catena_tests_operator::{Host, condition, really::Machine};
use serde_json::{Value, json};

const STORE: &str = "cp-catena-store";

/// A client of the store with the certificate of core.
struct Client(tokio::runtime::Runtime, EtcdStorage);

impl Client {
    fn new(machine: &Machine<'_>) -> Self {
        catena_runtime::tls::install_provider();
        let dir = machine.dir().join("client");
        machine.files("cp-catena-core", &dir);
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let file = |name: &str| Some(dir.join(name));
        let options = flags::Etcd {
            etcd_servers: vec![format!("https://127.0.0.1:{}", machine.port)],
            etcd_cafile: file("ca.crt"),
            etcd_certfile: file("tls.crt"),
            etcd_keyfile: file("tls.key"),
            etcd_prefix: "/registry".to_owned(),
        };
        let storage = runtime.block_on(async { EtcdStorage::connect(&options) });
        Self(runtime, storage.expect("a client"))
    }

    fn put(&self, key: &str) {
        let key = bytes::Bytes::copy_from_slice(key.as_bytes());
        let request = TxnRequest {
            compare: vec![Compare::ModRevision {
                key: key.clone(),
                equals: 0,
            }],
            success: vec![Op::Put {
                key: key.clone(),
                value: key,
                lease: 0,
            }],
            failure: Vec::new(),
        };
        eventually("the store takes a write", || {
            self.0.block_on(self.1.txn(request.clone())).is_ok()
        });
    }

    fn keys(&self) -> Vec<String> {
        let mut out = Vec::new();
        eventually("the store answers", || {
            let answer = self
                .0
                .block_on(self.1.range(RangeRequest::prefix("/test/")));
            let Ok(answer) = answer else { return false };
            let text =
                |kv: &catena_storage::KeyValue| String::from_utf8_lossy(&kv.key).into_owned();
            out = answer.kvs.iter().map(text).collect();
            true
        });
        out
    }
}

fn jobs(host: &Host) -> Vec<String> {
    host.names("control", "jobs")
        .iter()
        .map(|n| n.trim_start_matches("Job/").to_owned())
        .collect()
}

fn spec(version: &str, more: &Value) -> Value {
    let mut storage = json!({"embedded": {}, "backup": {"keep": 2}});
    for (key, value) in more.as_object().into_iter().flatten() {
        storage[key] = value.clone();
    }
    json!({"version": version, "storage": storage})
}

/// The backups of the status that succeeded.
fn backups(host: &Host) -> Vec<Value> {
    let plane = host.plane("control", "cp");
    let all = plane["status"]["backups"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let good = json!(BackupState::Succeeded);
    all.into_iter().filter(|b| b["state"] == good).collect()
}

/// Asks for a backup, runs it, and returns its file.
fn back_up(host: &Host, machine: &Machine<'_>, word: &str) -> String {
    let before = jobs(host);
    let ask = format!("catena.dev/backup={word}");
    host.api
        .kubectl(&["annotate", "--overwrite", "-n", "control", "cp/cp", &ask]);
    let mut name = String::new();
    eventually("a Job is made", || {
        name = jobs(host)
            .into_iter()
            .find(|j| !before.contains(j))
            .unwrap_or_default();
        !name.is_empty()
    });
    let ran = machine.run_job(&name);
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    let mut file = String::new();
    eventually("the backup is told of", || {
        let all = backups(host);
        let one = all.iter().find(|b| b["name"] == name.as_str());
        file = one
            .map(|b| b["file"].as_str().expect("a file").to_owned())
            .unwrap_or_default();
        one.is_some_and(|b| b["size"].as_i64().is_some_and(|n| n > 0))
    });
    assert!(machine.claim("cp-backups").join(&file).exists());
    file
}

#[test]
fn a_store_is_backed_up_upgraded_and_restored() {
    let Some(host) = Host::start(&["--backup-image=catena-operator:0.1.0"]) else {
        return;
    };
    host.namespace("control");
    host.apply("control", "cp", &spec("0.1.0", &json!({})));
    host.settled("control", "cp");
    let mut machine = Machine::new(&host, "control");
    machine.start_store(STORE);
    let client = Client::new(&machine);
    client.put("/test/first");
    let first = back_up(&host, &machine, "one");
    client.put("/test/second");
    back_up(&host, &machine, "two");
    back_up(&host, &machine, "three");
    // Two are kept.
    eventually("the oldest one is gone", || backups(&host).len() == 2);
    assert!(!machine.claim("cp-backups").join(&first).exists());

    let file = before_an_upgrade(&host, &machine);
    client.put("/test/third");
    host.apply(
        "control",
        "cp",
        &spec("0.2.0", &json!({"restoreFrom": {"file": file}})),
    );
    let set = |host: &Host| host.get("control", &format!("statefulset/{STORE}"));
    eventually("the store ends", || set(&host)["spec"]["replicas"] == 0);
    machine.stop_store();
    host.until("control", "cp", "begins with the backup", |p| {
        p["status"]["restore"]["phase"] == "Starting"
            || p["status"]["restore"]["phase"] == "Completed"
    });
    eventually("the store is wanted", || {
        set(&host)["spec"]["replicas"] == 1
            && set(&host).to_string().contains("--initial-snapshot=")
    });
    eventually("it has a volume", || {
        host.get("control", &format!("pvc/data-{STORE}-0"))
            .is_object()
    });
    machine.start_store(STORE);
    assert_eq!(client.keys(), ["/test/first", "/test/second"]);
    host.until("control", "cp", "is restored", |p| {
        p["status"]["restore"]["phase"] == "Completed"
    });
    host.settled("control", "cp");
    assert!(
        host.events("control", "cp")
            .contains(&"Restored".to_owned())
    );

    // A status that is lost restores nothing again.
    let uid = host.get("control", &format!("pvc/data-{STORE}-0"))["metadata"]["uid"].clone();
    let lost = "{\"status\":null}";
    host.api.kubectl(&[
        "patch",
        "--subresource=status",
        "--type=merge",
        "-n",
        "control",
        "cp/cp",
        "--patch",
        lost,
    ]);
    host.settled("control", "cp");
    let again = host.get("control", &format!("pvc/data-{STORE}-0"))["metadata"]["uid"].clone();
    assert_eq!(uid, again);
}

/// Nothing changes until the backup is there; its file.
fn before_an_upgrade(host: &Host, machine: &Machine<'_>) -> String {
    let before = jobs(host);
    host.apply("control", "cp", &spec("0.2.0", &json!({})));
    let mut name = String::new();
    eventually("a backup is asked for", || {
        name = jobs(host)
            .into_iter()
            .find(|j| !before.contains(j))
            .unwrap_or_default();
        !name.is_empty()
    });
    assert_eq!(name, "cp-catena-backup-before-2");
    host.until("control", "cp", "waits for the backup", |p| {
        condition(p, "Progressing") == ("True".to_owned(), "BackingUp".to_owned())
    });
    let store = host.get("control", &format!("statefulset/{STORE}"));
    assert_eq!(
        store["spec"]["template"]["spec"]["containers"][0]["image"],
        "catena-store:0.1.0"
    );
    let ran = machine.run_job(&name);
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    host.until("control", "cp", "runs 0.2.0", |p| {
        p["status"]["version"] == "0.2.0"
    });
    let last = backups(host)
        .into_iter()
        .find(|b| b["name"] == name.as_str());
    let last = last.expect("the backup is told of");
    last["file"].as_str().expect("a file").to_owned()
}

#[test]
fn a_schedule_is_kept_and_failures_are_told() {
    let Some(host) = Host::start(&["--backup-image=catena-operator:0.1.0"]) else {
        return;
    };
    host.namespace("control");
    let backup = json!({"backup": {"schedule": "* * * * *"}});
    host.apply("control", "cp", &spec("0.1.0", &backup));
    host.settled("control", "cp");
    assert!(host.plane("control", "cp")["status"]["nextBackup"].is_string());
    eventually("the minute has come", || !jobs(&host).is_empty());
    // No store runs, so the backup fails.
    let machine = Machine::new(&host, "control");
    let name = jobs(&host).remove(0);
    let ran = machine.run_job(&name);
    assert!(!ran.status.success());
    host.until("control", "cp", "is degraded", |p| {
        condition(p, "Degraded") == ("True".to_owned(), "BackupFailed".to_owned())
    });
    assert!(
        host.events("control", "cp")
            .contains(&"BackupFailed".to_owned())
    );
    let wrong = json!({"backup": {"schedule": "61 * * * *"}});
    host.apply("control", "cp", &spec("0.1.0", &wrong));
    host.until("control", "cp", "tells what is wrong", |p| {
        p["status"]["conditions"]
            .to_string()
            .contains("spec.storage.backup.schedule")
    });
}
