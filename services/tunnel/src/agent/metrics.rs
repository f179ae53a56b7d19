//! Metrics of the agent.

use prometheus::{Encoder as _, Histogram, IntCounter, IntGauge, Registry, TextEncoder};

use crate::metrics::{counter, gauge, histogram, labelled};

pub(super) struct Metrics {
    registry: Registry,
    pub(super) opens: IntCounter,
    pub(super) open_failures: IntCounter,
    pub(super) sessions: IntGauge,
    pub(super) streams: IntGauge,
    pub(super) bytes_to: IntCounter,
    pub(super) bytes_from: IntCounter,
    pub(super) dial_failures: IntCounter,
    pub(super) dial_duration: Histogram,
}

impl Metrics {
    /// # Errors
    /// When two metrics have one name.
    pub(super) fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let r = &registry;
        let help = "Bytes of the node's connections by direction.";
        let bytes = labelled(r, "catena_tunnel_agent_bytes_total", help, "direction")?;
        Ok(Self {
            opens: counter(
                r,
                "catena_tunnel_agent_open_count",
                "Attempts to connect to the tunnel.",
            )?,
            open_failures: counter(
                r,
                "catena_tunnel_agent_open_fail_count",
                "Attempts to connect to the tunnel that failed.",
            )?,
            sessions: gauge(
                r,
                "catena_tunnel_agent_sessions",
                "Sessions with replicas of the tunnel.",
            )?,
            streams: gauge(
                r,
                "catena_tunnel_agent_streams",
                "Connections that are open for the tunnel.",
            )?,
            bytes_to: bytes.with_label_values(&["to-node"]),
            bytes_from: bytes.with_label_values(&["from-node"]),
            dial_failures: counter(
                r,
                "catena_tunnel_agent_dial_failures_total",
                "Connections that could not or may not be made.",
            )?,
            dial_duration: histogram(
                r,
                "catena_tunnel_agent_dial_duration_seconds",
                "Time from a dial to its connection.",
            )?,
            registry,
        })
    }

    /// The text format of Prometheus.
    pub(super) fn text(&self) -> Vec<u8> {
        let mut out = Vec::new();
        if let Err(e) = TextEncoder::new().encode(&self.registry.gather(), &mut out) {
            tracing::error!(error = %e, "metrics cannot be written");
        }
        out
    }
}
