//! Logs on standard error and, when an endpoint is given, traces by OTLP.

use std::time::Duration;

use anyhow::Context as _;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::WithExportConfig as _;
use opentelemetry_sdk::{
    Resource,
    trace::{Sampler, SdkTracerProvider},
};
use tracing_subscriber::{
    EnvFilter, Layer as _, filter::filter_fn, layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use crate::trace;

/// Bound on one export: a dead collector must not hold the process.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(5);

/// Flags of logs and traces.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Options {
    /// Number for the log level verbosity: 4 and more tell details, 6 and more everything.
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
        out
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
    let provider = options
        .tracing_endpoint
        .as_deref()
        .map(|e| exporter(service, e, options.tracing_sampling_rate_per_million))
        .transpose()?;
    let spans = provider
        .as_ref()
        .map(|p| tracing_opentelemetry::layer().with_tracer(p.tracer("catena")))
        // The spans of libraries are many, and one that lives as long as its
        // connection would keep the request open in which it began.
        .map(|layer| layer.with_filter(filter_fn(|m| m.target().starts_with("catena"))));
    let _ = tracing_subscriber::registry()
        .with(spans)
        .with(lines.with_filter(options.filter()))
        .try_init();
    if provider.is_some() {
        trace::set_exporting();
    }
    Ok(Telemetry(provider))
}

fn exporter(service: &str, endpoint: &str, per_million: u32) -> anyhow::Result<SdkTracerProvider> {
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_tonic()
        .with_endpoint(endpoint)
        .with_timeout(EXPORT_TIMEOUT)
        .build()
        .with_context(|| format!("--tracing-endpoint {endpoint}"))?;
    let ratio = f64::from(per_million) / 1e6;
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(
            ratio,
        ))))
        .with_resource(
            Resource::builder()
                .with_service_name(service.to_owned())
                .build(),
        )
        .build())
}
