//! Metrics: the names of kube-apiserver's tunneler, and our own.

use std::time::Instant;

use parking_lot::Mutex;
use prometheus::{
    Encoder as _, Gauge, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts,
    Registry, TextEncoder,
};

use crate::failure::{self, Failure};

/// Metrics of one process.
pub(crate) struct Metrics {
    registry: Registry,
    pub(crate) opens: IntCounter,
    pub(crate) open_failures: IntCounter,
    pub(crate) sync_duration: Histogram,
    sync_latency: Gauge,
    pub(crate) sessions: IntGauge,
    pub(crate) nodes: IntGauge,
    pub(crate) streams: IntGauge,
    pub(crate) bytes_to: IntCounter,
    pub(crate) bytes_from: IntCounter,
    failures: IntCounterVec,
    pub(crate) dial_duration: Histogram,
    pub(crate) health_failures: IntCounter,
    /// When nodes and keys were last in order.
    pub(crate) synced: Mutex<Instant>,
    pub(crate) keys_synced: Mutex<Option<Instant>>,
}

impl Metrics {
    /// # Errors
    /// When two metrics have one name.
    pub(crate) fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let r = &registry;
        let bytes = "catena_tunnel_bytes_total";
        let help = "Bytes through the tunnels by direction.";
        let bytes = IntCounterVec::new(Opts::new(bytes, help), &["direction"])?;
        r.register(Box::new(bytes.clone()))?;
        let failures = IntCounterVec::new(
            Opts::new("catena_tunnel_failures_total", "Failures by stage."),
            &["stage"],
        )?;
        r.register(Box::new(failures.clone()))?;
        let sync_latency = Gauge::new(
            "apiserver_proxy_tunnel_sync_latency_secs",
            "The time since the last successful synchronization of the SSH tunnels for proxy requests.",
        )?;
        r.register(Box::new(sync_latency.clone()))?;
        Ok(Self {
            opens: counter(
                r,
                "ssh_tunnel_open_count",
                "Counter of ssh tunnel total open attempts",
            )?,
            open_failures: counter(
                r,
                "ssh_tunnel_open_fail_count",
                "Counter of ssh tunnel failed open attempts",
            )?,
            sync_duration: histogram(
                r,
                "apiserver_proxy_tunnel_sync_duration_seconds",
                "Duration of a synchronization of the nodes.",
            )?,
            sync_latency,
            sessions: gauge(r, "catena_tunnel_sessions", "SSH sessions that are open.")?,
            nodes: gauge(
                r,
                "catena_tunnel_nodes",
                "Nodes that should have a session.",
            )?,
            streams: gauge(r, "catena_tunnel_streams", "Connections through sessions.")?,
            bytes_to: bytes.with_label_values(&["to-node"]),
            bytes_from: bytes.with_label_values(&["from-node"]),
            failures,
            dial_duration: histogram(
                r,
                "catena_tunnel_dial_duration_seconds",
                "Time from a dial to its connection.",
            )?,
            health_failures: counter(
                r,
                "catena_tunnel_health_failures_total",
                "Health checks through a session that failed.",
            )?,
            synced: Mutex::new(Instant::now()),
            keys_synced: Mutex::new(None),
            registry,
        })
    }

    pub(crate) fn failed(&self, f: &Failure) {
        self.failures
            .with_label_values(&[failure::name(f.stage)])
            .inc();
    }

    /// The text format of Prometheus.
    pub(crate) fn text(&self) -> Vec<u8> {
        self.sync_latency
            .set(self.synced.lock().elapsed().as_secs_f64().floor());
        let mut out = Vec::new();
        if let Err(e) = TextEncoder::new().encode(&self.registry.gather(), &mut out) {
            tracing::error!(error = %e, "metrics cannot be written");
        }
        out
    }
}

fn counter(r: &Registry, name: &str, help: &str) -> Result<IntCounter, prometheus::Error> {
    let c = IntCounter::new(name, help)?;
    r.register(Box::new(c.clone()))?;
    Ok(c)
}

fn gauge(r: &Registry, name: &str, help: &str) -> Result<IntGauge, prometheus::Error> {
    let g = IntGauge::new(name, help)?;
    r.register(Box::new(g.clone()))?;
    Ok(g)
}

fn histogram(r: &Registry, name: &str, help: &str) -> Result<Histogram, prometheus::Error> {
    let h = Histogram::with_opts(HistogramOpts::new(name, help))?;
    r.register(Box::new(h.clone()))?;
    Ok(h)
}
