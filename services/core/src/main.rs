//! The core process.

use std::process::ExitCode;

use clap::Parser as _;

#[derive(clap::Parser)]
#[command(name = "core", version = catena_runtime::version::GIT_VERSION)]
struct Args {
    #[command(flatten)]
    log: catena_runtime::log::Options,
    #[command(flatten)]
    options: catena_core::Flags,
}

fn main() -> ExitCode {
    let Args { log, options } = Args::parse();
    catena_runtime::process("core", &log, options.problems(), |stop| {
        catena_core::run(options, stop)
    })
}
