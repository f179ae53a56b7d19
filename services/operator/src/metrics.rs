//! What is measured: reconciliations, and conditions of control planes.

use std::{sync::LazyLock, time::Duration};

use catena_telemetry::metrics::REGISTRY;
use prometheus::{GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, Opts};

use crate::{
    api::ControlPlaneStatus,
    conditions::{self, ALL},
};

struct Metrics {
    total: IntCounterVec,
    seconds: HistogramVec,
    condition: GaugeVec,
    backup: GaugeVec,
}

static METRICS: LazyLock<Result<Metrics, prometheus::Error>> = LazyLock::new(|| {
    let total = Opts::new(
        "catena_operator_reconcile_total",
        "Reconciliations by their result: ok, or the reason of the failure.",
    );
    let seconds = HistogramOpts::new(
        "catena_operator_reconcile_duration_seconds",
        "How long reconciliations take.",
    )
    .buckets(prometheus::exponential_buckets(0.01, 2.0, 12)?);
    let condition = Opts::new(
        "catena_operator_controlplane_condition",
        "Conditions of control planes: 1 when they are true.",
    );
    let backup = Opts::new(
        "catena_operator_controlplane_last_backup_timestamp_seconds",
        "When the last backup that succeeded was complete.",
    );
    Ok(Metrics {
        total: IntCounterVec::new(total, &["result"])?,
        seconds: HistogramVec::new(seconds, &["result"])?,
        condition: GaugeVec::new(condition, &["namespace", "name", "condition"])?,
        backup: GaugeVec::new(backup, &["namespace", "name"])?,
    })
});

/// # Errors
/// When a metric of a name is there already.
pub(crate) fn register() -> anyhow::Result<()> {
    let metrics = METRICS.as_ref().map_err(|e| anyhow::anyhow!("{e}"))?;
    REGISTRY.register(Box::new(metrics.total.clone()))?;
    REGISTRY.register(Box::new(metrics.seconds.clone()))?;
    REGISTRY.register(Box::new(metrics.condition.clone()))?;
    REGISTRY.register(Box::new(metrics.backup.clone()))?;
    Ok(())
}

pub(crate) fn reconciled(result: &str, took: Duration) {
    if let Ok(m) = METRICS.as_ref() {
        m.total.with_label_values(&[result]).inc();
        m.seconds
            .with_label_values(&[result])
            .observe(took.as_secs_f64());
    }
}

pub(crate) fn told(namespace: &str, name: &str, status: &ControlPlaneStatus) {
    let Ok(m) = METRICS.as_ref() else { return };
    for kind in ALL {
        let value = f64::from(conditions::is(&status.conditions, kind));
        let labels = [namespace, name, kind];
        m.condition.with_label_values(&labels).set(value);
    }
    let completed = status.backups.iter().filter_map(|b| b.completed.as_ref());
    if let Some(last) = completed.map(|t| t.0.as_second()).max() {
        let labels = [namespace, name];
        m.backup.with_label_values(&labels).set(last as f64);
    }
}

/// Of a control plane that is no more.
pub(crate) fn forget(namespace: &str, name: &str) {
    let Ok(m) = METRICS.as_ref() else { return };
    for kind in ALL {
        let _ = m.condition.remove_label_values(&[namespace, name, kind]);
    }
    let _ = m.backup.remove_label_values(&[namespace, name]);
}
