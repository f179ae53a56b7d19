//! The aggregator process.

use std::process::ExitCode;

use clap::Parser as _;

#[derive(clap::Parser)]
#[command(name = "aggregator", version = catena_runtime::version::GIT_VERSION)]
struct Args {
    #[command(flatten)]
    log: catena_runtime::log::Options,
    #[command(flatten)]
    options: catena_aggregator::Options,
}

fn main() -> ExitCode {
    let Args { log, options } = Args::parse();
    catena_runtime::process("aggregator", &log, options.problems(), |stop| {
        catena_aggregator::run(options, stop)
    })
}
