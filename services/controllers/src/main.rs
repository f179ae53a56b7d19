//! The controllers process.

use std::process::ExitCode;

use clap::Parser as _;

#[derive(clap::Parser)]
#[command(name = "controllers", version = catena_runtime::version::GIT_VERSION)]
struct Args {
    #[command(flatten)]
    log: catena_runtime::log::Options,
    #[command(flatten)]
    options: catena_controllers::Options,
}

fn main() -> ExitCode {
    let Args { log, options } = Args::parse();
    catena_runtime::process("controllers", &log, Vec::new(), |stop| {
        catena_controllers::run(options, stop)
    })
}
