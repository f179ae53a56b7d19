//! The command line, of this process's own binary and of the one with all processes.

use std::process::ExitCode;

use catena_runtime::{log, process};

use crate::{AgentOptions, Options, agent, run};

/// Connections to nodes.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    log: log::Options,
    #[command(flatten)]
    options: Box<Options>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// On a node: dial in to the tunnel, and connect to what it asks for.
    Agent {
        #[command(flatten)]
        log: log::Options,
        #[command(flatten)]
        options: Box<AgentOptions>,
    },
}

impl Cli {
    /// Runs the process until a signal ends it.
    pub fn run(self) -> ExitCode {
        match self.command {
            None => process("tunnel", &self.log, self.options.problems(), |stop| {
                run(*self.options, stop)
            }),
            Some(Command::Agent { log, options }) => {
                process("tunnel-agent", &log, options.problems(), |stop| {
                    agent::run(*options, stop)
                })
            }
        }
    }
}
