//! Logs on standard error and, when an endpoint is given, traces by OTLP.

mod tracing_config;

use std::{
    path::PathBuf,
    sync::atomic::{AtomicU8, Ordering::Relaxed},
    time::Duration,
};

use anyhow::Context as _;
use catena_telemetry::trace;
use opentelemetry::{KeyValue, trace::TracerProvider as _};
use opentelemetry_otlp::WithExportConfig as _;
use opentelemetry_sdk::{
    Resource,
    trace::{Sampler, SdkTracerProvider},
};
use tracing_subscriber::{
    EnvFilter, Layer as _, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

/// Bound on one export: a dead collector must not hold the process.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(5);

/// From this verbosity on every request has a line (`httplog.withLoggingLevel`).
const REQUESTS: u8 = 3;

static VERBOSITY: AtomicU8 = AtomicU8::new(0);

/// Whether every request has a line in the log.
pub fn requests() -> bool {
    VERBOSITY.load(Relaxed) >= REQUESTS
}

/// Flags of logs and traces.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Options {
    /// Number for the log level verbosity: 3 and more tell every request, 4 and more details, 6 and more everything.
    #[arg(short = 'v', long = "v", default_value_t = 2)]
    pub verbosity: u8,

    /// Form of log lines: text or json.
    #[arg(long, default_value = "text", value_parser = ["text", "json"])]
    pub logging_format: String,

    /// Where spans go (OTLP over gRPC), as http://127.0.0.1:4317. None are made without it.
    #[arg(long)]
    pub tracing_endpoint: Option<String>,

    /// Of a million requests without a sampling decision of the client, so many are traced.
    #[arg(long, default_value_t = 1_000_000)]
    pub tracing_sampling_rate_per_million: u32,

    /// The same as kube-apiserver has it: a file with a TracingConfiguration.
    #[arg(long)]
    pub tracing_config_file: Option<PathBuf>,
}

impl Options {
    /// What is wrong with the values, all at once.
    pub fn problems(&self) -> Vec<String> {
        let mut out = Vec::new();
        if let Some(endpoint) = &self.tracing_endpoint
            && !endpoint.starts_with("http://")
            && !endpoint.starts_with("https://")
        {
            out.push(format!(
                "--tracing-endpoint {endpoint:?} must be a URL that starts with http:// or https://"
            ));
        }
        if self.tracing_sampling_rate_per_million > 1_000_000 {
            out.push("--tracing-sampling-rate-per-million must not be above 1000000".to_owned());
        }
        if let Some(file) = &self.tracing_config_file {
            if self.tracing_endpoint.is_some() {
                out.push(
                    "--tracing-config-file and --tracing-endpoint exclude each other".to_owned(),
                );
            }
            out.extend(tracing_config::read(file).err());
        }
        out
    }

    /// Where spans go, and how many requests of a million are traced.
    fn tracing(&self) -> anyhow::Result<Option<(String, u32)>> {
        if let Some(file) = &self.tracing_config_file {
            return tracing_config::read(file)
                .map(Some)
                .map_err(anyhow::Error::msg);
        }
        let rate = self.tracing_sampling_rate_per_million;
        Ok(self.tracing_endpoint.clone().map(|e| (e, rate)))
    }

    fn filter(&self) -> EnvFilter {
        let level = match self.verbosity {
            0..=3 => "info",
            4 | 5 => "info,catena=debug",
            6 | 7 => "debug,h2=info,hyper=info",
            _ => "trace",
        };
        EnvFilter::try_from_env("CATENA_LOG").unwrap_or_else(|_| EnvFilter::new(level))
    }
}

/// Sends what is left when it is flushed.
pub struct Telemetry(Option<SdkTracerProvider>);

impl Telemetry {
    /// Sends the spans that are waiting.
    pub fn flush(&self) {
        if let Some(provider) = &self.0 {
            let _ = provider.force_flush();
            let _ = provider.shutdown();
        }
    }
}

/// Installs log and traces for the process. Must be called inside a runtime,
/// once.
///
/// # Errors
/// When the exporter cannot be made.
pub fn init(service: &str, options: &Options) -> anyhow::Result<Telemetry> {
    let plain = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = match options.logging_format.as_str() {
        "json" => plain.json().boxed(),
        _ => plain.compact().with_ansi(false).boxed(),
    };
    let tracing = options.tracing()?;
    let provider = match &tracing {
        Some((endpoint, _)) => Some(exporter(service, endpoint)?),
        None => None,
    };
    let _ = tracing_subscriber::registry()
        .with(lines.with_filter(options.filter()))
        .try_init();
    VERBOSITY.store(options.verbosity, Relaxed);
    if let (Some(provider), Some((_, per_million))) = (&provider, tracing) {
        trace::install(provider.tracer("catena"), per_million);
    }
    Ok(Telemetry(provider))
}

/// Whether a request is traced is decided before it has a span (`catena_telemetry::trace`);
/// what gets here is sent.
fn exporter(service: &str, endpoint: &str) -> anyhow::Result<SdkTracerProvider> {
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_tonic()
        .with_endpoint(endpoint)
        .with_timeout(EXPORT_TIMEOUT)
        .build()
        .with_context(|| format!("exporter of traces to {endpoint}"))?;
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::AlwaysOn)))
        .with_resource(
            Resource::builder()
                .with_service_name(service.to_owned())
                .with_attribute(KeyValue::new("service.instance.id", instance()))
                .build(),
        )
        .build())
}

/// Tells replicas apart: the name of the host, which of a pod is the pod's, and the process.
fn instance() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{}-{}", host.trim(), std::process::id())
}
