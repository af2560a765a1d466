//! `hubbub keys`: makes sealing keys, seals old messages with the newest one, and says which key seals what.

mod new;
mod rotate;
mod status;

use std::sync::Arc;

use domain::KeyId;
use domain::ports::Vault;

use crate::cli::KeysCommand;
use crate::config::{Config, Inputs, Role};
use crate::exit::Exit;
use crate::wiring;

/// Carries out one of the three.
pub(super) fn run(command: KeysCommand, inputs: &Inputs) -> Result<(), Exit> {
    match command {
        KeysCommand::New(arguments) => new::run(&arguments),
        KeysCommand::Rotate(arguments) => {
            let loaded = super::prepare(inputs, Role::Keys)?;
            super::block_on(rotate::run(loaded.config, arguments))
        }
        KeysCommand::Status => {
            let loaded = super::prepare(inputs, Role::Keys)?;
            super::block_on(status::run(loaded.config))
        }
    }
}

/// The bodies of the configured database.
async fn vault(config: &Config) -> Result<Arc<dyn Vault>, Exit> {
    wiring::opened(config).await.map(|opened| opened.vault)
}

/// The ids of the configured keys, the sealing one first.
fn ids(config: &Config) -> Vec<KeyId> {
    let parse = |id: &str| KeyId::parse(id).expect("the configuration checks key ids by the same rule");
    config.seal.keys.iter().map(|key| parse(&key.id)).collect()
}
