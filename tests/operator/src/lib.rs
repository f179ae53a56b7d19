//! The operator in a host cluster, which is another Catena: its objects are real,
//! and a stand-in says of their pods what controllers and kubelets would.

#![allow(clippy::print_stdout, reason = "tests say why they fail")]

pub mod really;
mod standin;

use std::{
    fs::File,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Mutex,
};

use catena_tests_it::{ControlPlane, eventually, has};
use serde_json::{Value, json};

pub use standin::Standin;

/// The kind that is tested, unambiguous.
pub const KIND: &str = "controlplanes.catena.dev";

/// A host cluster with the definitions installed and the operator running.
pub struct Host {
    pub api: ControlPlane,
    /// Ends before the host does.
    pub standin: Standin,
    operator: Mutex<Option<Child>>,
    /// As whom the operator works: an administrator, if not told otherwise.
    pub kubeconfig: PathBuf,
    flags: Vec<String>,
}

impl Host {
    /// None, with the reason told, where kubectl is missing.
    pub fn start(flags: &[&str]) -> Option<Self> {
        let host = Self::bare(flags)?;
        let out = Command::new(catena_tests_it::binary())
            .args(["operator", "definitions"])
            .output()
            .expect("catena runs");
        let definitions = String::from_utf8(out.stdout).expect("text");
        let installed = host
            .api
            .kubectl_stdin(&["apply", "--server-side"], &definitions);
        assert!(
            installed.status.success(),
            "{}",
            String::from_utf8_lossy(&installed.stderr)
        );
        host.established();
        host.start_operator();
        Some(host)
    }

    /// A host without the definitions, and with no operator that runs.
    pub fn bare(flags: &[&str]) -> Option<Self> {
        if !has("kubectl") {
            return None;
        }
        let api = ControlPlane::start(&[]);
        let standin = Standin::start(api.kubeconfig());
        Some(Self {
            kubeconfig: api.kubeconfig(),
            api,
            standin,
            operator: Mutex::default(),
            flags: flags.iter().map(|f| (*f).to_owned()).collect(),
        })
    }

    /// Waits until the definitions are served.
    pub fn established(&self) {
        self.api.kubectl(&[
            "wait",
            "--for=condition=Established",
            &format!("crd/{KIND}"),
            "crd/controlplaneservices.catena.dev",
        ]);
    }

    /// Starts the operator; one that runs is left alone.
    pub fn start_operator(&self) {
        let mut running = self.operator.lock().expect("no panic before");
        if running.is_some() {
            return;
        }
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.log())
            .expect("a log");
        let child = Command::new(catena_tests_it::binary())
            .arg("operator")
            .arg(format!("--kubeconfig={}", self.kubeconfig.display()))
            // One that was killed would hold the lease for a while.
            .arg("--leader-elect=false")
            .args(&self.flags)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the operator starts");
        *running = Some(child);
    }

    /// `kill -9`.
    pub fn kill_operator(&self) {
        let mut running = self.operator.lock().expect("no panic before");
        if let Some(mut child) = running.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    fn log(&self) -> PathBuf {
        self.api.dir().join("operator.log")
    }

    /// `kubectl apply` of a ControlPlane with a spec.
    pub fn apply(&self, namespace: &str, name: &str, spec: &Value) {
        let out = self.try_apply(namespace, name, spec);
        assert!(out.is_ok(), "{out:?}");
    }

    /// What kubectl says when it does not succeed.
    ///
    /// # Errors
    /// As kubectl has it.
    pub fn try_apply(&self, namespace: &str, name: &str, spec: &Value) -> Result<(), String> {
        let plane = json!({
            "apiVersion": "catena.dev/v1alpha1",
            "kind": "ControlPlane",
            "metadata": {"name": name, "namespace": namespace},
            "spec": spec,
        });
        let out = self.api.kubectl_stdin(&["apply"], &plane.to_string());
        if out.status.success() {
            return Ok(());
        }
        Err(String::from_utf8_lossy(&out.stderr).into_owned())
    }

    pub fn namespace(&self, name: &str) {
        self.api.kubectl(&["create", "namespace", name]);
    }

    /// An object as JSON; null where there is none.
    pub fn get(&self, namespace: &str, what: &str) -> Value {
        let args = [
            "get",
            "--namespace",
            namespace,
            "--output=json",
            "--ignore-not-found",
            what,
        ];
        let out = self.api.try_kubectl(&args);
        serde_json::from_slice(&out.stdout).unwrap_or(Value::Null)
    }

    /// Objects of kinds in a namespace, by `Kind/name`, sorted.
    pub fn names(&self, namespace: &str, kinds: &str) -> Vec<String> {
        let list = self
            .api
            .kubectl(&["get", "--namespace", namespace, "--output=json", kinds]);
        let list: Value = serde_json::from_str(&list).expect("JSON");
        let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
        let items = list["items"].as_array().expect("a list");
        let mut out: Vec<String> = items
            .iter()
            .map(|o| format!("{}/{}", text(&o["kind"]), text(&o["metadata"]["name"])))
            .collect();
        out.sort();
        out
    }

    pub fn plane(&self, namespace: &str, name: &str) -> Value {
        self.get(namespace, &format!("{KIND}/{name}"))
    }

    /// Waits until a control plane is as it is described.
    pub fn until(&self, namespace: &str, name: &str, what: &str, done: impl Fn(&Value) -> bool) {
        let mut last = Value::Null;
        let reached = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            eventually(what, || {
                last = self.plane(namespace, name);
                done(&last)
            });
        }));
        assert!(reached.is_ok(), "{what}: {}", last["status"]);
    }

    /// Waits until the spec as it is now has become true.
    pub fn settled(&self, namespace: &str, name: &str) {
        self.until(namespace, name, "is settled", |plane| {
            let current = plane["status"]["observedGeneration"] == plane["metadata"]["generation"];
            current
                && condition(plane, "Available").0 == "True"
                && condition(plane, "Progressing").0 == "False"
        });
    }

    /// Reasons of the Events about a control plane.
    pub fn events(&self, namespace: &str, name: &str) -> Vec<String> {
        let list =
            self.api
                .kubectl(&["get", "events.events.k8s.io", "-n", namespace, "-o", "json"]);
        let list: Value = serde_json::from_str(&list).expect("JSON");
        let items = list["items"].as_array().expect("a list").iter();
        items
            .filter(|e| e["regarding"]["name"] == name && e["regarding"]["kind"] == "ControlPlane")
            .filter_map(|e| Some(e["reason"].as_str()?.to_owned()))
            .collect()
    }
}

/// Status and reason of a condition.
pub fn condition(plane: &Value, kind: &str) -> (String, String) {
    let all = plane["status"]["conditions"].as_array();
    let found = all.into_iter().flatten().find(|c| c["type"] == kind);
    let text = |field: &str| {
        let value = found.and_then(|c| c[field].as_str());
        value.unwrap_or_default().to_owned()
    };
    (text("status"), text("reason"))
}

impl Drop for Host {
    fn drop(&mut self) {
        self.kill_operator();
        self.standin.stop();
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.log()).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            println!("{}", lines[lines.len().saturating_sub(60)..].join("\n"));
        }
    }
}
