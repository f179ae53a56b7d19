//! Flags that choose the way of connections.

use std::path::PathBuf;

use crate::{EgressSelector, config};

/// How nodes, pods, services and remote API servers are reached.
#[derive(Clone, Debug, Default, clap::Args)]
#[group(skip)]
pub struct EgressFlags {
    /// File with the egress selector configuration (konnectivity); without it connections are made directly.
    #[arg(long)]
    pub egress_selector_config_file: Option<PathBuf>,
}

impl EgressFlags {
    /// What is wrong with the values, all at once.
    pub fn problems(&self) -> Vec<String> {
        match &self.egress_selector_config_file {
            Some(file) if !file.exists() => {
                let file = file.display();
                vec![format!("egress-selector-config-file {file} does not exist")]
            }
            _ => Vec::new(),
        }
    }

    /// The ways that the flags choose.
    ///
    /// # Errors
    /// When a file cannot be read, or says what cannot be.
    pub fn selector(&self) -> anyhow::Result<EgressSelector> {
        let Some(file) = &self.egress_selector_config_file else {
            return Ok(EgressSelector::default());
        };
        let config = config::read(file).map_err(anyhow::Error::msg)?;
        EgressSelector::new(&config)
            .map_err(|why| anyhow::anyhow!("failed to setup egress selector: {why}"))
    }
}
