//! Flags of the extensions server.

use catena_runtime::features::FeatureGates;

/// What the extensions server needs to know beyond storage.
#[derive(Clone, Debug, Default, clap::Args)]
#[group(skip)]
pub struct Options {
    #[command(flatten)]
    pub features: FeatureGates,
}
