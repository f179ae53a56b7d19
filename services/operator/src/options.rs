//! Flags, and what may be done instead of running.

use std::path::PathBuf;

use catena_client::KubeFlags;
use catena_runtime::{flags, health::HealthFlags};

#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Options {
    #[command(subcommand)]
    pub command: Option<Command>,

    #[command(flatten)]
    pub kube: KubeFlags,

    /// Only the holder of the lease catena-operator works.
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true")]
    pub leader_elect: bool,

    /// Namespace of the lease; that of the pod, or default, when empty.
    #[arg(long, default_value = "")]
    pub leader_elect_namespace: String,

    /// Namespaces whose control planes are looked after; all when empty.
    #[arg(long, value_delimiter = ',')]
    pub watch_namespaces: Vec<String>,

    #[command(flatten)]
    pub backup: BackupImage,

    #[command(flatten)]
    pub health: HealthFlags,
}

/// What the pods of backups run: this operator.
#[derive(Clone, Debug, Default, clap::Args)]
#[group(skip)]
pub struct BackupImage {
    /// Image of the pods that take backups: the one of this operator. Without it,
    /// none are taken.
    #[arg(long = "backup-image", default_value = "")]
    pub image: String,

    /// What is run in that image instead of its entry point: catena,operator.
    #[arg(long = "backup-command", value_delimiter = ',')]
    pub command: Vec<String>,
}

#[derive(Clone, Debug, clap::Subcommand)]
pub enum Command {
    /// Take a backup of a store into a directory, and end.
    Backup(Box<BackupOptions>),
    /// Print the CustomResourceDefinitions as YAML, and end.
    Definitions,
}

/// One backup.
#[derive(Clone, Debug, clap::Args)]
pub struct BackupOptions {
    #[command(flatten)]
    pub etcd: flags::Etcd,

    /// Where backups are.
    #[arg(long)]
    pub directory: PathBuf,

    /// Name of the file in it, which ends in .db.
    #[arg(long)]
    pub file: String,

    /// Backups that are kept in the directory: the newest by name.
    #[arg(long, default_value_t = 7)]
    pub keep: usize,

    /// Files that are kept whatever their age.
    #[arg(long)]
    pub never_delete: Vec<String>,

    /// Where the result is reported: the termination message of a container.
    #[arg(long, default_value = "/dev/termination-log")]
    pub report: PathBuf,
}

impl Options {
    /// What is wrong with the values, all at once.
    pub fn problems(&self) -> Vec<String> {
        match &self.command {
            Some(Command::Backup(options)) => options.problems(),
            _ => Vec::new(),
        }
    }
}

impl BackupOptions {
    fn problems(&self) -> Vec<String> {
        let mut out = self.etcd.problems();
        if !self.file.ends_with(".db") || self.file.contains('/') || self.file.starts_with('.') {
            out.push(format!(
                "--file {:?} must be the name of a file that ends in .db",
                self.file
            ));
        }
        if self.keep == 0 {
            out.push("--keep must be at least 1".to_owned());
        }
        out
    }
}
