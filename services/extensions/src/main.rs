//! The extensions process.

use std::process::ExitCode;

use clap::Parser as _;

#[derive(clap::Parser)]
#[command(name = "extensions", version = catena_runtime::version::GIT_VERSION)]
struct Args {
    #[command(flatten)]
    log: catena_runtime::log::Options,
    #[command(flatten)]
    options: catena_extensions::Flags,
}

fn main() -> ExitCode {
    let Args { log, options } = Args::parse();
    catena_runtime::process("extensions", &log, options.problems(), |stop| {
        catena_extensions::run(options, stop)
    })
}
