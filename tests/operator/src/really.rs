//! Runs pods of the store and of its backups as processes of this machine, on
//! what the host's Secrets and claims say.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::Host;

/// A node with one namespace's pods on it.
pub struct Machine<'a> {
    host: &'a Host,
    namespace: &'a str,
    dir: tempfile::TempDir,
    store: Option<Child>,
    /// Where the store listens.
    pub port: u16,
    http: u16,
}

impl<'a> Machine<'a> {
    pub fn new(host: &'a Host, namespace: &'a str) -> Self {
        Self {
            host,
            namespace,
            dir: tempfile::tempdir().expect("a directory"),
            store: None,
            port: catena_tests_it::free_port(),
            http: catena_tests_it::free_port(),
        }
    }

    /// Starts the pod of a StatefulSet as it is now.
    pub fn start_store(&mut self, set: &str) {
        self.stop_store();
        let object = self.host.get(self.namespace, &format!("statefulset/{set}"));
        let spec = &object["spec"]["template"]["spec"];
        let mut command = self.command(spec, &["store"], &format!("{set}-0"));
        let log = fs::File::create(self.dir.path().join("store.log")).expect("a log");
        let child = command.stdout(Stdio::null()).stderr(log).spawn();
        self.store = Some(child.expect("the store starts"));
    }

    pub fn stop_store(&mut self) {
        if let Some(mut child) = self.store.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Runs the pod of a Job to its end and says so of the Job, as a kubelet and
    /// the controller of Jobs do.
    pub fn run_job(&self, name: &str) -> Output {
        let job = self.host.get(self.namespace, &format!("job/{name}"));
        let spec = &job["spec"]["template"]["spec"];
        let report = self.dir.path().join(format!("{name}.report"));
        let mut command = self.command(spec, &["operator"], name);
        command.arg(format!("--report={}", report.display()));
        let out = command.output().expect("catena runs");
        let message = fs::read_to_string(&report).unwrap_or_default();
        self.told(&job, out.status.success(), &message);
        out
    }

    fn told(&self, job: &Value, succeeded: bool, message: &str) {
        let name = job["metadata"]["name"].as_str().expect("a name");
        let code = i32::from(!succeeded);
        let mut pod = job["spec"]["template"].clone();
        pod["apiVersion"] = json!("v1");
        pod["kind"] = json!("Pod");
        pod["metadata"]["name"] = json!(format!("{name}-x"));
        pod["metadata"]["namespace"] = json!(self.namespace);
        pod["metadata"]["labels"]["batch.kubernetes.io/job-name"] = json!(name);
        let made = self.host.api.kubectl_stdin(&["create"], &pod.to_string());
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        let container = &pod["spec"]["containers"][0];
        let status = json!({"status": {"phase": if succeeded { "Succeeded" } else { "Failed" }, "containerStatuses": [{
            "name": container["name"], "image": container["image"], "imageID": "", "ready": false, "restartCount": 0,
            "state": {"terminated": {"exitCode": code, "message": message}},
        }]}});
        self.patch(&format!("pod/{name}-x"), &status);
        let now = "2026-01-01T00:00:00Z";
        let conditions = if succeeded {
            ["SuccessCriteriaMet", "Complete"]
        } else {
            ["FailureTarget", "Failed"]
        };
        let conditions = conditions.map(|c| {
            json!({"type": c, "status": "True", "reason": "Test", "message": "it ended", "lastTransitionTime": now, "lastProbeTime": now})
        });
        let mut status =
            json!({"startTime": now, "conditions": conditions, "uncountedTerminatedPods": {}});
        if succeeded {
            status["succeeded"] = json!(1);
            status["completionTime"] = json!(now);
        } else {
            status["failed"] = json!(1);
        }
        self.patch(&format!("job/{name}"), &json!({"status": status}));
    }

    fn patch(&self, what: &str, status: &Value) {
        let patch = status.to_string();
        self.host.api.kubectl(&[
            "patch",
            "--subresource=status",
            "--type=merge",
            "--namespace",
            self.namespace,
            what,
            "--patch",
            &patch,
        ]);
    }

    /// The directory of a claim as it is now: another claim of the name is empty.
    pub fn claim(&self, name: &str) -> PathBuf {
        let claim = self.host.get(self.namespace, &format!("pvc/{name}"));
        let uid = claim["metadata"]["uid"].as_str().unwrap_or("none");
        let dir = self.dir.path().join(format!("{name}-{uid}"));
        fs::create_dir_all(&dir).expect("a directory");
        dir
    }

    /// The container of a pod, with its volumes as directories.
    fn command(&self, spec: &Value, process: &[&str], pod: &str) -> Command {
        let container = &spec["containers"][0];
        let mut names = vec![
            (
                "0.0.0.0:2379".to_owned(),
                format!("127.0.0.1:{}", self.port),
            ),
            (
                "0.0.0.0:8080".to_owned(),
                format!("127.0.0.1:{}", self.http),
            ),
        ];
        for mount in container["volumeMounts"].as_array().into_iter().flatten() {
            let volume = spec["volumes"].as_array().into_iter().flatten();
            let volume = volume.clone().find(|v| v["name"] == mount["name"]);
            let dir = self.volume(volume, mount["name"].as_str().expect("a name"), pod);
            let path = mount["mountPath"].as_str().expect("a path").to_owned();
            names.push((path, dir.display().to_string()));
        }
        let mut command = Command::new(catena_tests_it::binary());
        command.args(process);
        for arg in container["args"].as_array().into_iter().flatten() {
            let mut arg = arg.as_str().expect("text").to_owned();
            for (there, here) in &names {
                arg = arg.replace(there, here);
            }
            if let Some((flag, _)) = arg.split_once("=https://") {
                arg = format!("{flag}=https://127.0.0.1:{}", self.port);
            }
            command.arg(arg);
        }
        command.stdin(Stdio::null());
        command
    }

    fn volume(&self, volume: Option<&Value>, name: &str, pod: &str) -> PathBuf {
        let Some(volume) = volume else {
            // Of a claim template.
            return self.claim(&format!("{name}-{pod}"));
        };
        if let Some(claim) = volume["persistentVolumeClaim"]["claimName"].as_str() {
            return self.claim(claim);
        }
        let dir = self.dir.path().join(format!("{pod}-{name}"));
        fs::create_dir_all(&dir).expect("a directory");
        if let Some(secret) = volume["secret"]["secretName"].as_str() {
            self.files(secret, &dir);
        }
        dir
    }

    /// Writes the content of a Secret.
    pub fn files(&self, secret: &str, dir: &Path) {
        fs::create_dir_all(dir).expect("a directory");
        let secret = self.host.get(self.namespace, &format!("secret/{secret}"));
        for (key, text) in secret["data"].as_object().into_iter().flatten() {
            let bytes = STANDARD.decode(text.as_str().expect("text"));
            fs::write(dir.join(key), bytes.expect("base64")).expect("a file");
        }
    }

    pub fn dir(&self) -> &Path {
        self.dir.path()
    }
}

impl Drop for Machine<'_> {
    fn drop(&mut self) {
        self.stop_store();
        if std::thread::panicking() {
            let log = fs::read_to_string(self.dir.path().join("store.log"));
            println!("{}", log.unwrap_or_default());
        }
    }
}
