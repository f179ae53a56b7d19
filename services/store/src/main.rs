//! The store process.

use std::process::ExitCode;

use clap::Parser as _;

#[derive(clap::Parser)]
#[command(name = "store", version = catena_runtime::version::GIT_VERSION)]
struct Args {
    #[command(flatten)]
    log: catena_runtime::log::Options,
    #[command(flatten)]
    options: catena_store::Options,
}

fn main() -> ExitCode {
    let Args { log, options } = Args::parse();
    catena_runtime::process("store", &log, options.problems(), |stop| {
        catena_store::run(options, stop)
    })
}
