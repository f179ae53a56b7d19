//! The charts as Helm renders them and installs them.

#![allow(clippy::print_stdout, reason = "tests say what they skip")]

pub mod podman;
pub mod pods;
pub mod refused;

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;

/// Release and namespace of everything that is rendered.
pub const RELEASE: &str = "cp";
pub const NAMESPACE: &str = "control";

pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).expect("the workspace").to_owned()
}

pub fn chart() -> PathBuf {
    root().join("charts/catena")
}

/// Files of values by name, sorted.
pub fn value_sets() -> Vec<(String, PathBuf)> {
    let dir = root().join("tests/charts/values");
    let mut out: Vec<_> = std::fs::read_dir(dir)
        .expect("tests/charts/values")
        .map(|entry| entry.expect("an entry").path())
        .map(|path| {
            let name = path.file_stem().expect("a name").to_string_lossy();
            (name.into_owned(), path)
        })
        .collect();
    out.sort();
    out
}

/// Helm, when it is there: what `tests/deps.sh` built, or the one that is
/// installed. A test without it says so and ends.
#[derive(Clone)]
pub struct Helm(PathBuf);

impl Helm {
    pub fn find() -> Option<Self> {
        let built = root().join("target/tools/helm");
        for path in [built, PathBuf::from("helm")] {
            let runs = Command::new(&path).arg("version").output();
            if runs.is_ok_and(|out| out.status.success()) {
                return Some(Self(path));
            }
        }
        println!("skipped: helm is not there; tests/deps.sh builds it where Go is");
        None
    }

    /// A command with no configuration but what it is given.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.0);
        command.args(args).env_remove("KUBECONFIG");
        command
    }

    /// `helm template` of the chart with further arguments.
    pub fn try_template(&self, args: &[&str]) -> Output {
        self.command(&["template", RELEASE])
            .arg(chart())
            .args(["--namespace", NAMESPACE, "--kube-version", "1.36.0"])
            .args(args)
            .output()
            .expect("helm runs")
    }

    /// What it prints when it has to succeed.
    pub fn template(&self, args: &[&str]) -> String {
        text(self.try_template(args), args)
    }

    /// Why it has to fail.
    pub fn refusal(&self, args: &[&str]) -> String {
        let out = self.try_template(args);
        assert!(!out.status.success(), "{args:?} were taken");
        String::from_utf8_lossy(&out.stderr).into_owned()
    }
}

/// Standard output of a command that has to succeed.
pub fn text(out: Output, what: &[&str]) -> String {
    assert!(
        out.status.success(),
        "{what:?}: {}{}",
        String::from_utf8_lossy(&out.stdout),
        String::from_utf8_lossy(&out.stderr)
    );
    String::from_utf8_lossy(&out.stdout).into_owned()
}

/// Rendered text as objects.
pub fn objects(rendered: &str) -> Vec<Value> {
    let all: Vec<Value> = serde_saphyr::from_multiple(rendered).expect("YAML");
    all.into_iter().filter(|v| !v.is_null()).collect()
}

/// The object of a kind with a name.
pub fn find<'a>(objects: &'a [Value], kind: &str, name: &str) -> &'a Value {
    objects
        .iter()
        .find(|o| o["kind"] == kind && o["metadata"]["name"] == name)
        .unwrap_or_else(|| panic!("{kind} {name} is missing"))
}

/// Without what is made anew for each rendering: data of Secrets, and the
/// annotations that say what a certificate holds.
pub fn stable(rendered: &str) -> String {
    let mut out = String::new();
    let (mut secret, mut data) = (false, false);
    for line in rendered.lines() {
        match line {
            "---" => (secret, data) = (false, false),
            "kind: Secret" => secret = true,
            _ if !line.starts_with(' ') => data = secret && line == "data:",
            _ => {}
        }
        let key = line.split_once(": ").map(|(key, _)| key);
        let made = |key: &str| {
            let name = key.trim_start();
            let of_certificate = ["catena.internal/names", "catena.internal/renew-after"];
            (data && key.starts_with("  ")) || of_certificate.contains(&name)
        };
        match key {
            Some(key) if made(key) => out.push_str(&format!("{key}: (made)\n")),
            _ => out.push_str(&format!("{}\n", line.trim_end())),
        }
    }
    out
}
