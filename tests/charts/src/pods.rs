//! Runs the containers of rendered manifests on this machine, as processes or in
//! podman: their volumes are directories, their addresses ports of the loopback.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

use crate::{NAMESPACE, find, podman::Podman};

/// A release that runs.
pub struct Pods {
    dir: tempfile::TempDir,
    objects: Vec<Value>,
    /// What is said in manifests, and what it is here; the longest first.
    names: Vec<(String, String)>,
    pub front: u16,
    /// Ports of health and metrics.
    http: HashMap<&'static str, u16>,
    running: Vec<(String, Child)>,
    /// Without it, containers are processes of our binary.
    podman: Option<Podman>,
}

impl Pods {
    pub fn new(objects: Vec<Value>, fullname: &str) -> Self {
        let mut ports = HashMap::new();
        for process in ["aggregator", "core", "extensions", "store"] {
            ports.insert(process, catena_tests_it::free_port());
        }
        let front = ports["aggregator"];
        let http = ["core", "extensions", "store", "controllers"];
        let http = http.map(|process| (process, catena_tests_it::free_port()));
        let host =
            |service: &str, port: u16| format!("{service}.{NAMESPACE}.svc.cluster.local:{port}");
        let here = |port: u16| format!("127.0.0.1:{port}");
        let mut names = vec![
            (host(fullname, 443), here(front)),
            (
                "--secure-port=6443".to_owned(),
                format!("--secure-port={front}"),
            ),
            ("$(POD_IP)".to_owned(), "127.0.0.1".to_owned()),
        ];
        for (process, port) in [("core", 7443), ("extensions", 7443), ("store", 2379)] {
            let service = format!("{fullname}-{process}");
            names.push((host(&service, port), here(ports[process])));
            names.push((format!("{process} 0.0.0.0:{port}"), here(ports[process])));
        }
        Self {
            dir: tempfile::tempdir().expect("a directory"),
            objects,
            names,
            front,
            http: http.into(),
            running: Vec::new(),
            podman: None,
        }
    }

    /// As [`Pods::new`], with real containers.
    pub fn contained(objects: Vec<Value>, fullname: &str, podman: Podman) -> Self {
        let mut pods = Self::new(objects, fullname);
        pods.podman = Some(podman);
        pods
    }

    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub fn objects(&self) -> &[Value] {
        &self.objects
    }

    /// A text of a manifest as it is to be read here.
    pub fn localized(&self, process: &str, text: &str) -> String {
        let mut out = text.to_owned();
        if let Some(address) = text.strip_prefix("--listen=") {
            out = format!("--listen={process} {address}");
        }
        if let Some(port) = self.http.get(process) {
            out = out.replace(
                "--listen-http=0.0.0.0:8080",
                &format!("--listen-http=127.0.0.1:{port}"),
            );
        }
        for (there, here) in &self.names {
            out = out.replace(there, here);
        }
        if self.podman.is_some() {
            return out;
        }
        let files = self.dir.path().join(process);
        for path in ["/etc/catena/", "/var/lib/catena"] {
            out = out.replace(path, &format!("{}{path}", files.display()));
        }
        out
    }

    /// URL of a path that probes and scrapers of a process ask.
    pub fn http(&self, process: &str, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.http[process])
    }

    /// Starts the first container of a pod: `spec` is that of the pod.
    pub fn start(&mut self, process: &str, spec: &Value) {
        let mut command = self.command(process, spec);
        let log = fs::File::create(self.dir.path().join(format!("{process}.log")));
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log.expect("a log"))
            .spawn()
            .expect("a process");
        self.running.push((process.to_owned(), child));
    }

    /// What the first container of a pod runs, with its volumes made.
    pub fn command(&self, process: &str, spec: &Value) -> Command {
        let mounts = self.mount(process, spec);
        let container = &spec["containers"][0];
        let list = |field: &str| {
            let items = container[field].as_array().cloned().unwrap_or_default();
            items
                .iter()
                .map(|item| self.localized(process, item.as_str().expect("text")))
                .collect::<Vec<_>>()
        };
        let (program, args) = (list("command"), list("args"));
        let mut command = match (&self.podman, program.split_first()) {
            (Some(podman), _) => {
                let mut command = podman.run(process, spec, &mounts);
                command.args(program).args(args);
                return command;
            }
            // The image of a process runs that.
            (None, None) => {
                let mut catena = Command::new(catena_tests_it::binary());
                catena.arg(process);
                catena
            }
            (None, Some((program, args))) => {
                let mut command = Command::new(program);
                command.args(args);
                command
            }
        };
        command.args(args);
        for variable in container["env"].as_array().into_iter().flatten() {
            if let Some(value) = variable["value"].as_str() {
                let name = variable["name"].as_str().expect("a name");
                command.env(name, self.localized(process, value));
            }
        }
        command
    }

    /// Makes the volumes; where each is here and in the container.
    fn mount(&self, process: &str, spec: &Value) -> Vec<(PathBuf, String)> {
        let mut out = Vec::new();
        let container = &spec["containers"][0];
        for mount in container["volumeMounts"].as_array().into_iter().flatten() {
            let path = mount["mountPath"].as_str().expect("a path");
            let dir = self
                .dir
                .path()
                .join(process)
                .join(path.trim_start_matches('/'));
            fs::create_dir_all(&dir).expect("a directory");
            let all = spec["volumes"].as_array();
            let volume = all
                .into_iter()
                .flatten()
                .find(|v| v["name"] == mount["name"])
                .unwrap_or(&Value::Null);
            self.fill(process, volume, &dir);
            out.push((dir, path.to_owned()));
        }
        out
    }

    fn fill(&self, process: &str, volume: &Value, dir: &Path) {
        let name = |v: &Value| v.as_str().expect("a name").to_owned();
        if volume["secret"].is_object() {
            let secret = &volume["secret"];
            self.secret(&name(&secret["secretName"]), &secret["items"], dir);
        }
        for source in volume["projected"]["sources"]
            .as_array()
            .into_iter()
            .flatten()
        {
            let secret = &source["secret"];
            self.secret(&name(&secret["name"]), &secret["items"], dir);
        }
        if volume["configMap"].is_object() {
            let map = find(
                &self.objects,
                "ConfigMap",
                &name(&volume["configMap"]["name"]),
            );
            for (key, value) in map["data"].as_object().expect("data") {
                let text = self.localized(process, value.as_str().expect("text"));
                fs::write(dir.join(key), text).expect("a file");
            }
        }
    }

    fn secret(&self, name: &str, items: &Value, dir: &Path) {
        let data = self.data(name);
        let all = items.as_array().cloned().unwrap_or_default();
        let path_of = |key: &str| match all.as_slice() {
            [] => Some(key.to_owned()),
            some => some
                .iter()
                .find(|item| item["key"] == key)
                .map(|item| item["path"].as_str().expect("a path").to_owned()),
        };
        for (key, bytes) in data {
            if let Some(path) = path_of(&key) {
                fs::write(dir.join(path), bytes).expect("a file");
            }
        }
    }

    /// Content of a Secret.
    pub fn data(&self, name: &str) -> HashMap<String, Vec<u8>> {
        let secret = find(&self.objects, "Secret", name);
        let data = secret["data"].as_object().expect("data");
        data.iter()
            .map(|(key, value)| {
                let bytes = STANDARD.decode(value.as_str().expect("text"));
                (key.clone(), bytes.expect("base64"))
            })
            .collect()
    }

    /// Writes the administrator's kubeconfig for this machine.
    pub fn kubeconfig(&self, secret: &str) -> PathBuf {
        let text = String::from_utf8(self.data(secret)["kubeconfig"].clone());
        let path = self.dir.path().join("kubeconfig");
        let text = self.localized("admin", &text.expect("text"));
        fs::write(&path, text).expect("a file");
        path
    }

    /// The logs of all processes, for failures.
    pub fn logs(&self) -> String {
        let log = |name: &str| {
            let path = self.dir.path().join(format!("{name}.log"));
            let text = fs::read_to_string(path).unwrap_or_default();
            format!("--- {name}\n{text}")
        };
        self.running.iter().map(|(name, _)| log(name)).collect()
    }
}

impl Drop for Pods {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("{}", self.logs());
        }
        for (name, child) in self.running.iter_mut().rev() {
            if let Some(podman) = &self.podman {
                podman.remove(name);
            }
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
