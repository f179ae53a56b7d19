//! The tunnel process.

use std::process::ExitCode;

use clap::Parser as _;

#[derive(clap::Parser)]
#[command(name = "tunnel", version = catena_runtime::version::GIT_VERSION)]
struct Args {
    #[command(flatten)]
    log: catena_runtime::log::Options,
    #[command(flatten)]
    options: catena_tunnel::Options,
}

fn main() -> ExitCode {
    let Args { log, options } = Args::parse();
    catena_runtime::process("tunnel", &log, options.problems(), |stop| {
        catena_tunnel::run(options, stop)
    })
}
