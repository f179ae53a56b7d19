//! All servers in one process, with in-process delegation, behind the flags of
//! kube-apiserver: for envtest, kubeadm and whatever else starts that binary.

mod inert;

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use anyhow::Context as _;
use catena_aggregator::Serving;
use catena_delegate::{Delegate, Local};
use catena_egress::NetworkContext;
use catena_runtime::{features::FeatureGates, flags, log, process, version};
use catena_storage::Storage;
use catena_storage_etcd::EtcdStorage;
use catena_store::Engine;
use clap::Parser;
use tokio_util::sync::CancellationToken;

/// Flags of the one process.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub(crate) struct Options {
    #[command(flatten)]
    serving: Serving,

    #[command(flatten)]
    auth: catena_auth::Options,

    #[command(flatten)]
    services: catena_core::Services,

    #[command(flatten)]
    pods: catena_core::Pods,

    #[command(flatten)]
    kubelet: catena_core::KubeletFlags,

    #[command(flatten)]
    egress: catena_egress::EgressFlags,

    #[command(flatten)]
    admission: catena_core::AdmissionFlags,

    #[command(flatten)]
    features: FeatureGates,

    #[command(flatten)]
    etcd: flags::Etcd,

    /// Directory of the embedded store, instead of --etcd-servers.
    #[arg(long)]
    data_dir: Option<PathBuf>,
}

#[derive(Parser)]
#[command(name = "kube-apiserver", version = version::GIT_VERSION)]
struct Args {
    #[command(flatten)]
    log: log::Options,
    #[command(flatten)]
    options: Options,
}

/// Runs with the arguments that follow the name of the command.
#[expect(clippy::print_stdout, reason = "the answer to --version")]
pub(crate) fn main(args: Vec<String>) -> ExitCode {
    if args
        .iter()
        .any(|a| a == "--version" || a == "--version=true")
    {
        println!("{}", version::line());
        return ExitCode::SUCCESS;
    }
    let (args, ignored) = inert::without(args);
    let name = std::iter::once("kube-apiserver".to_owned());
    let Args { log, options } = Args::parse_from(name.chain(args));
    process("kube-apiserver", &log, options.problems(), |stop| {
        for flag in &ignored {
            tracing::warn!(flag, "this flag has no effect here");
        }
        run(options, stop)
    })
}

impl Options {
    fn problems(&self) -> Vec<String> {
        let mut out = self.serving.problems();
        out.extend(self.auth.problems());
        out.extend(self.core().problems());
        out.extend(self.features.problems());
        if self.data_dir.is_none() {
            out.extend(self.etcd.problems());
        } else if !self.etcd.etcd_servers.is_empty() {
            out.push("--data-dir and --etcd-servers exclude each other".to_owned());
        }
        out
    }

    fn core(&self) -> catena_core::Options {
        let mut admission = self.admission.clone();
        let modes = &self.auth.authorization_mode;
        admission.everything_is_allowed = modes.iter().any(|m| m == "AlwaysAllow");
        catena_core::Options {
            services: self.services.clone(),
            pods: self.pods.clone(),
            kubelet: self.kubelet.clone(),
            egress: self.egress.clone(),
            admission,
            advertise_address: self.serving.advertise_address,
            secure_port: self.serving.secure_port,
        }
    }
}

async fn run(options: Options, stop: CancellationToken) -> anyhow::Result<()> {
    options.features.install();
    let storage: Arc<dyn Storage> = match &options.data_dir {
        Some(dir) => Arc::new(
            Engine::open(dir, catena_store::EngineOptions::default())
                .with_context(|| format!("--data-dir {}", dir.display()))?,
        ),
        None => Arc::new(EtcdStorage::connect(&options.etcd)?),
    };
    catena_storage_etcd::wait(&*storage).await?;
    // The delegates outlive the drain of the front.
    let background = CancellationToken::new();
    let _end = background.clone().drop_guard();
    let issuer = catena_auth::tokens::Issuer::from_options(&options.auth)?;
    let core_options = options.core();
    let trust = options.auth.trust.published()?;
    let core = catena_core::start(&core_options, issuer, trust, storage.clone());
    let none = catena_extensions::Options::default();
    let extensions = catena_extensions::build(&none, storage.clone(), background.clone());
    let (core, extensions) = tokio::join!(core, extensions);
    let local = |delegate| Arc::new(Local::new(delegate)) as Arc<dyn Delegate>;
    let chain = vec![("core", local(core?)), ("extensions", local(extensions?))];
    let egress = options.egress.selector()?.lookup(NetworkContext::Cluster);
    catena_aggregator::serve(
        &options.serving,
        &options.auth,
        storage,
        chain,
        egress,
        stop,
    )
    .await
}
