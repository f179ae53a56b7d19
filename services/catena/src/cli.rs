//! The command line: a subcommand a process.

use std::process::ExitCode;

use catena_runtime::{log, process, version};
use clap::{Parser, Subcommand};

use crate::{apiserver, up};

#[derive(Parser)]
#[command(name = "catena", version = version::GIT_VERSION, about = "The Kubernetes API server, taken apart")]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start all processes here, on the embedded store.
    Up {
        #[command(flatten)]
        log: log::Options,
        #[command(flatten)]
        options: Box<up::Options>,
    },
    /// All servers in one process, behind the flags of kube-apiserver.
    #[command(disable_help_flag = true)]
    Apiserver {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// The public door.
    Aggregator {
        #[command(flatten)]
        log: log::Options,
        #[command(flatten)]
        options: Box<catena_aggregator::Options>,
    },
    /// All built-in API groups.
    Core {
        #[command(flatten)]
        log: log::Options,
        #[command(flatten)]
        options: Box<catena_core::Flags>,
    },
    /// Definitions and custom resources.
    Extensions {
        #[command(flatten)]
        log: log::Options,
        #[command(flatten)]
        options: Box<catena_extensions::Flags>,
    },
    /// The etcd v3 API on the embedded engine.
    Store {
        #[command(flatten)]
        log: log::Options,
        #[command(flatten)]
        options: Box<catena_store::Options>,
    },
    /// Connections to nodes through SSH sessions, or through sessions of their agents.
    Tunnel {
        #[command(flatten)]
        cli: catena_tunnel::Cli,
    },
    /// Namespace deletion, garbage collection, default service accounts.
    Controllers {
        #[command(flatten)]
        log: log::Options,
        #[command(flatten)]
        options: Box<catena_controllers::Options>,
    },
    /// Control planes that a cluster is asked for.
    Operator {
        #[command(flatten)]
        log: log::Options,
        #[command(flatten)]
        options: Box<catena_operator::Options>,
    },
}

pub(crate) fn main() -> ExitCode {
    let mut args: Vec<String> = std::env::args().collect();
    // Under the name of kube-apiserver the binary takes its place.
    if args.first().is_some_and(|a| a.ends_with("kube-apiserver")) {
        return apiserver::main(args.split_off(1));
    }
    match Args::parse().command {
        Command::Up { log, options } => process("up", &log, options.problems(), |stop| {
            up::run(*options, log.clone(), stop)
        }),
        Command::Apiserver { args } => apiserver::main(args),
        Command::Aggregator { log, options } => {
            process("aggregator", &log, options.problems(), |stop| {
                catena_aggregator::run(*options, stop)
            })
        }
        Command::Core { log, options } => process("core", &log, options.problems(), |stop| {
            catena_core::run(*options, stop)
        }),
        Command::Extensions { log, options } => {
            process("extensions", &log, options.problems(), |stop| {
                catena_extensions::run(*options, stop)
            })
        }
        Command::Store { log, options } => process("store", &log, options.problems(), |stop| {
            catena_store::run(*options, stop)
        }),
        Command::Tunnel { cli } => cli.run(),
        Command::Controllers { log, options } => process("controllers", &log, Vec::new(), |stop| {
            catena_controllers::run(*options, stop)
        }),
        Command::Operator { log, options } => {
            process("operator", &log, options.problems(), |stop| {
                catena_operator::run(*options, stop)
            })
        }
    }
}
