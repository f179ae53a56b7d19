//! Flags of the extensions server.

/// What the extensions server needs to know beyond storage; nothing as yet.
#[derive(Clone, Debug, Default, clap::Args)]
#[group(skip)]
pub struct Options {}
