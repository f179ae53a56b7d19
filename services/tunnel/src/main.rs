//! The tunnel process.

use clap::Parser as _;

#[derive(clap::Parser)]
#[command(name = "tunnel", version = catena_runtime::version::GIT_VERSION)]
struct Args {
    #[command(flatten)]
    cli: catena_tunnel::Cli,
}

fn main() -> std::process::ExitCode {
    Args::parse().cli.run()
}
