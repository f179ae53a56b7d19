//! Metrics: the names of kube-apiserver's tunneler, and our own.

use std::time::Instant;

use parking_lot::Mutex;
use prometheus::{
    Encoder as _, Gauge, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts,
    Registry, TextEncoder,
};

use crate::{
    failure::{self, Failure},
    limits,
};

/// Metrics of one process.
pub(crate) struct Metrics {
    registry: Registry,
    pub(crate) opens: IntCounter,
    pub(crate) open_failures: IntCounter,
    pub(crate) sync_duration: Histogram,
    sync_latency: Gauge,
    pub(crate) sessions: IntGauge,
    pub(crate) reverse_opens: IntCounter,
    pub(crate) reverse_sessions: IntGauge,
    pub(crate) nodes: IntGauge,
    pub(crate) streams: IntGauge,
    pub(crate) bytes_to: IntCounter,
    pub(crate) bytes_from: IntCounter,
    failures: IntCounterVec,
    pub(crate) dial_duration: Histogram,
    pub(crate) health_failures: IntCounter,
    /// When nodes were last in order, and keys, where they are installed.
    pub(crate) synced: Mutex<Instant>,
    pub(crate) keys_synced: Mutex<Option<Instant>>,
}

impl Metrics {
    /// # Errors
    /// When two metrics have one name.
    pub(crate) fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let r = &registry;
        let help = "Bytes through the tunnels by direction.";
        let bytes = labelled(r, "catena_tunnel_bytes_total", help, "direction")?;
        let name = "catena_tunnel_failures_total";
        let failures = labelled(r, name, "Failures by stage.", "stage")?;
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
            reverse_opens: counter(
                r,
                "catena_tunnel_reverse_opens_total",
                "Agents of nodes that dialed in.",
            )?,
            reverse_sessions: gauge(
                r,
                "catena_tunnel_reverse_sessions",
                "Sessions of agents that are open.",
            )?,
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

    /// kube-apiserver's check. It looks at whether nodes and keys are kept in
    /// order, not at whether nodes can be reached.
    ///
    /// # Errors
    /// What was not in order for too long.
    pub(crate) fn check(&self) -> Result<(), String> {
        let lag = self.synced.lock().elapsed();
        if lag > limits::SYNC_STALE {
            return Err(format!("Tunnel sync is taking too long: {}", lag.as_secs()));
        }
        match self.keys_synced.lock().map(|k| k.elapsed()) {
            Some(lag) if lag > limits::SYNC_STALE => {
                Err(format!("SSHKey sync is taking too long: {}", lag.as_secs()))
            }
            _ => Ok(()),
        }
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

pub(crate) fn counter(
    r: &Registry,
    name: &str,
    help: &str,
) -> Result<IntCounter, prometheus::Error> {
    let c = IntCounter::new(name, help)?;
    r.register(Box::new(c.clone()))?;
    Ok(c)
}

pub(crate) fn gauge(r: &Registry, name: &str, help: &str) -> Result<IntGauge, prometheus::Error> {
    let g = IntGauge::new(name, help)?;
    r.register(Box::new(g.clone()))?;
    Ok(g)
}

pub(crate) fn histogram(
    r: &Registry,
    name: &str,
    help: &str,
) -> Result<Histogram, prometheus::Error> {
    let h = Histogram::with_opts(HistogramOpts::new(name, help))?;
    r.register(Box::new(h.clone()))?;
    Ok(h)
}

pub(crate) fn labelled(
    r: &Registry,
    name: &str,
    help: &str,
    label: &str,
) -> Result<IntCounterVec, prometheus::Error> {
    let c = IntCounterVec::new(Opts::new(name, help), &[label])?;
    r.register(Box::new(c.clone()))?;
    Ok(c)
}
