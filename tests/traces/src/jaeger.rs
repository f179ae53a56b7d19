//! A running Jaeger with its storage in memory.

use std::{
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use catena_tests_it::{LIMIT, eventually, free_port, tool};
use serde_json::Value;

use crate::Trace;

/// Ended with the value.
pub struct Jaeger {
    child: Child,
    otlp: u16,
    query: u16,
}

impl Jaeger {
    /// `None`, with the reason told, where it was not built.
    pub fn start() -> Option<Self> {
        let program = tool("jaeger")?;
        let (otlp, query) = (free_port(), free_port());
        let at = |flag: &str, port: u16| format!("--{flag}.host-port=127.0.0.1:{port}");
        let child = Command::new(program)
            .arg(at("collector.otlp.grpc", otlp))
            .arg(at("query.http-server", query))
            .args([
                at("collector.otlp.http", free_port()),
                at("collector.grpc-server", free_port()),
                at("collector.http-server", free_port()),
                at("query.grpc-server", free_port()),
                at("admin.http", free_port()),
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("jaeger starts");
        let jaeger = Self { child, otlp, query };
        eventually("Jaeger answers", || jaeger.ask("services").is_some());
        Some(jaeger)
    }

    /// For `--tracing-endpoint`.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.otlp)
    }

    /// `host:port` of its user interface and API.
    pub fn query(&self) -> String {
        format!("127.0.0.1:{}", self.query)
    }

    /// What its API says.
    pub fn ask(&self, what: &str) -> Option<Value> {
        let out = Command::new("curl")
            .args(["-s", "-m", "10"])
            .arg(format!("http://127.0.0.1:{}/api/{what}", self.query))
            .output()
            .ok()?;
        serde_json::from_slice(&out.stdout).ok()
    }

    /// The trace, once it has spans with these services and names and no parent is
    /// missing. Fails with what is there instead.
    pub fn trace(&self, id: &str, wanted: &[(&str, &str)]) -> Trace {
        let end = Instant::now() + LIMIT;
        loop {
            let answer = self.ask(&format!("traces/{id}"));
            let trace = answer.map_or_else(Trace::default, |a| Trace::of(&a["data"][0]));
            let has = |(service, name): &(&str, &str)| trace.count(service, name) > 0;
            if trace.orphans().is_empty() && wanted.iter().all(has) {
                return trace;
            }
            assert!(
                Instant::now() < end,
                "wanted: {wanted:#?}\nfound:\n{}without their parents: {:?}",
                trace.tree(),
                trace.orphans()
            );
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// A trace with a span of this service and name, of which this holds.
    pub fn find(&self, service: &str, name: &str, wanted: impl Fn(&Trace) -> bool) -> Trace {
        let name = name.replace('/', "%2F");
        let question = format!("traces?service={service}&operation={name}&limit=1000");
        let mut found = None;
        eventually("the trace is there", || {
            let answer = self.ask(&question).unwrap_or_default();
            let traces = answer["data"]
                .as_array()
                .into_iter()
                .flatten()
                .map(Trace::of);
            let whole = |t: &Trace| t.orphans().is_empty() && wanted(t);
            found = traces.into_iter().find(whole);
            found.is_some()
        });
        found.expect("it was found")
    }
}

impl Drop for Jaeger {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// curl as administrator, as a part of a trace.
pub fn traced(id: &str) -> Command {
    let mut command = Command::new("curl");
    command
        .args(["-sSk", "-m", "60"])
        .args(["-H", "Authorization: Bearer admin-token"])
        .arg("-H")
        .arg(format!("traceparent: 00-{id}-{CLIENT}-01"));
    command
}

/// The span of the client, which it sends nowhere.
pub(crate) const CLIENT: &str = "00f067aa0ba902b7";
