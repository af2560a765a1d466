//! Configuration: built-in defaults < file < environment < flags.
//!
//! It owns every setting's name, default, explanation and source, and is the only part of the program that reads the
//! process environment. It does not open connections. Invariants: every mistake of every layer is reported at once,
//! an unknown name is a mistake, and no secret is ever shown.

mod effective;
mod layers;
mod mistake;
mod parse;
mod registry;
pub(crate) mod render;
mod role;
mod rules;
mod secret;
mod sections;
mod setting;
mod source;
mod suggestion;
mod value;

use std::path::PathBuf;

pub use effective::Effective;
pub use layers::environment::{CONFIG_VARIABLE, Environment};
pub use layers::flags::Flag;
pub use mistake::{Mistake, Mistakes, Problem, Unfit};
pub use parse::keys::SealKey;
pub use parse::network::Network;
pub use parse::url::ServiceUrl;
pub use role::Role;
pub use rules::Warning;
pub use secret::Secret;
pub use sections::auth::{AuthConfig, JwksSource};
pub use sections::broker::BrokerConfig;
pub use sections::database::DatabaseConfig;
pub use sections::history::HistoryConfig;
pub use sections::hub::HubConfig;
pub use sections::limits::{LimitsConfig, OnTooManyConnections};
pub use sections::log::{LogConfig, LogFormat};
pub use sections::namespace::{NamespaceConfig, NamespacePolicy};
pub use sections::persister::PersisterConfig;
pub use sections::presence::PresenceConfig;
pub use sections::redis::RedisConfig;
pub use sections::seal::SealConfig;
pub use sections::server::ServerConfig;
pub use sections::uploads::UploadsConfig;
pub use source::Source;

use layers::Layers;

/// The whole configuration, one struct per concern.
#[derive(Debug, Clone)]
pub struct Config {
    /// What a node listens on.
    pub server: ServerConfig,
    /// How nodes reach each other.
    pub redis: RedisConfig,
    /// Where history is kept.
    pub database: DatabaseConfig,
    /// Whose tokens are believed.
    pub auth: AuthConfig,
    /// What bodies are encrypted with.
    pub seal: SealConfig,
    /// What connections and users may take.
    pub limits: LimitsConfig,
    /// How much of the past is at hand.
    pub history: HistoryConfig,
    /// How messages pass between nodes.
    pub broker: BrokerConfig,
    /// Who counts as online.
    pub presence: PresenceConfig,
    /// What clients of the hub are shown of each other.
    pub hub: HubConfig,
    /// Which files are taken.
    pub uploads: UploadsConfig,
    /// How the worker writes.
    pub persister: PersisterConfig,
    /// The policies of the namespaces.
    pub namespace: NamespaceConfig,
    /// What is logged.
    pub log: LogConfig,
}

impl Config {
    fn read(from: &Effective) -> Self {
        Self {
            server: ServerConfig::read(from),
            redis: RedisConfig::read(from),
            database: DatabaseConfig::read(from),
            auth: AuthConfig::read(from),
            seal: SealConfig::read(from),
            limits: LimitsConfig::read(from),
            history: HistoryConfig::read(from),
            broker: BrokerConfig::read(from),
            presence: PresenceConfig::read(from),
            hub: HubConfig::read(from),
            uploads: UploadsConfig::read(from),
            persister: PersisterConfig::read(from),
            namespace: NamespaceConfig::read(from),
            log: LogConfig::read(from),
        }
    }
}

/// Everything that a configuration is made of. It holds secrets as written and therefore has no `Debug`.
#[derive(Clone, Default)]
pub struct Inputs {
    /// The file named on the command line; else the environment may name one.
    pub file: Option<PathBuf>,
    /// Our part of the process environment.
    pub environment: Environment,
    /// `--set` assignments, in order.
    pub sets: Vec<String>,
    /// Flags that stand for one setting each.
    pub flags: Vec<Flag>,
}

/// A configuration without mistakes.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What the program reads.
    pub config: Config,
    /// The same with the source of every value, for people.
    pub effective: Effective,
    /// What works but surprises.
    pub warnings: Vec<Warning>,
}

/// Loads the configuration for a role, or names everything that is wrong with it.
pub fn load(inputs: &Inputs, role: Role) -> Result<Loaded, Mistakes> {
    let (effective, mut mistakes) = Effective::of(collect(inputs));
    let config = Config::read(&effective);
    let (refusals, warnings) = rules::examine(&rules::Facts { config: &config, effective: &effective, role });
    mistakes.extend(refusals);
    if mistakes.is_empty() { Ok(Loaded { config, effective, warnings }) } else { Err(Mistakes(mistakes)) }
}

/// Reads a duration in the notation of the settings.
pub(crate) fn parse_duration(text: &str) -> Result<std::time::Duration, Unfit> {
    parse::duration::parse(text)
}

fn collect(inputs: &Inputs) -> Layers {
    let mut layers = Layers::default();
    if let Some(path) = &inputs.file {
        layers::file::read(path, Source::Flag("--config"), &mut layers);
    } else if let Some(path) = inputs.environment.config_file() {
        layers::file::read(&path, Source::Variable(CONFIG_VARIABLE.to_owned()), &mut layers);
    }
    inputs.environment.read(&mut layers);
    layers::flags::read(&inputs.sets, &inputs.flags, &mut layers);
    layers
}

#[cfg(test)]
mod tests;
