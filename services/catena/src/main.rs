//! One binary with all processes of the control plane.

mod apiserver;
mod cli;
mod up;

fn main() -> std::process::ExitCode {
    cli::main()
}
