//! Debian's Prometheus, scraping the front.

use std::{
    fs,
    process::{Child, Command, Stdio},
};

use catena_tests_it::{ControlPlane, eventually, free_port, has};
use serde_json::Value;

/// Ended with the value.
pub struct Prometheus {
    child: Child,
    port: u16,
    _dir: tempfile::TempDir,
}

impl Prometheus {
    /// Scrapes every second, with these labels; `None`, with the reason told, where it is
    /// not installed.
    pub fn start(plane: &ControlPlane, labels: &[(&str, &str)]) -> Option<Self> {
        if !has("prometheus") {
            return None;
        }
        let dir = tempfile::tempdir().expect("a directory");
        let labels: String = labels
            .iter()
            .map(|(name, value)| format!("      {name}: {value}\n"))
            .collect();
        let config = format!(
            "global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
- job_name: front
  scheme: https
  authorization: {{credentials: admin-token}}
  tls_config: {{insecure_skip_verify: true}}
  static_configs:
  - targets: ['127.0.0.1:{}']
    labels:
{labels}",
            plane.port
        );
        let file = dir.path().join("prometheus.yml");
        fs::write(&file, config).expect("a file");
        let port = free_port();
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", dir.path().display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .arg("--enable-feature=exemplar-storage")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(dir.path().join("log")).expect("a log"))
            .spawn()
            .expect("prometheus starts");
        let it = Self {
            child,
            port,
            _dir: dir,
        };
        eventually("Prometheus scrapes", || !it.query("up == 1").is_empty());
        Some(it)
    }

    /// The result of an instant query. Fails when it is no PromQL.
    pub fn query(&self, expression: &str) -> Vec<Value> {
        let answer = self.ask("query", &[("query", expression)]);
        if answer.is_null() {
            // It is not up yet.
            return Vec::new();
        }
        assert_eq!(answer["status"], "success", "{expression}: {answer}");
        let result = answer["data"]["result"].as_array();
        result.cloned().unwrap_or_default()
    }

    /// Traces that are remembered for a query.
    pub fn exemplars(&self, expression: &str) -> Vec<String> {
        let query = [("query", expression), ("start", "0"), ("end", "9999999999")];
        let answer = self.ask("query_exemplars", &query);
        let series = answer["data"].as_array().into_iter().flatten();
        let all = series.flat_map(|s| s["exemplars"].as_array().into_iter().flatten());
        all.filter_map(|e| e["labels"]["trace_id"].as_str().map(str::to_owned))
            .collect()
    }

    /// Names of all metrics that it has.
    pub fn names(&self) -> Vec<String> {
        let answer = self.ask("label/__name__/values", &[]);
        let names = answer["data"].as_array().into_iter().flatten();
        names
            .filter_map(|n| n.as_str().map(str::to_owned))
            .collect()
    }

    fn ask(&self, what: &str, parameters: &[(&str, &str)]) -> Value {
        let mut curl = Command::new("curl");
        curl.args(["-sG", "-m", "10"]);
        for (name, value) in parameters {
            curl.arg("--data-urlencode").arg(format!("{name}={value}"));
        }
        let url = format!("http://127.0.0.1:{}/api/v1/{what}", self.port);
        let out = curl.arg(url).output().expect("curl runs");
        serde_json::from_slice(&out.stdout).unwrap_or_default()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
