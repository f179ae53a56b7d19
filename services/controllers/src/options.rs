//! Flags, named as those of kube-controller-manager.

use std::path::PathBuf;

use catena_client::KubeFlags;
use catena_runtime::health::HealthFlags;

#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Options {
    #[command(flatten)]
    pub kube: KubeFlags,
    /// CA bundle for the kube-root-ca.crt config map of each namespace.
    #[arg(long)]
    pub root_ca_file: Option<PathBuf>,
    /// Only the holder of the lease kube-system/catena-controllers works.
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true")]
    pub leader_elect: bool,

    #[command(flatten)]
    pub health: HealthFlags,
}
