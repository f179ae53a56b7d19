//! The operator process.

use std::process::ExitCode;

use clap::Parser as _;

#[derive(clap::Parser)]
#[command(name = "operator", version = catena_runtime::version::GIT_VERSION)]
struct Args {
    #[command(flatten)]
    log: catena_runtime::log::Options,
    #[command(flatten)]
    options: catena_operator::Options,
}

fn main() -> ExitCode {
    let Args { log, options } = Args::parse();
    catena_runtime::process("operator", &log, options.problems(), |stop| {
        catena_operator::run(options, stop)
    })
}
