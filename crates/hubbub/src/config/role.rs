//! For whom a configuration is loaded: what one command needs, another may lack.

/// The command that will run with the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Everything in one process.
    Dev {
        /// Whether addresses beyond loopback are allowed.
        exposed: bool,
    },
    /// A node.
    Gateway,
    /// A worker.
    Persister,
    /// The migration.
    Migrate,
    /// `keys`, which works on the database.
    Keys,
    /// `token`, which needs a secret at most.
    Token,
    /// `config check`, which judges the settings without a command in mind.
    Check,
}

impl Role {
    /// The command as it is typed.
    pub fn command(&self) -> &'static str {
        match self {
            Self::Dev { .. } => "dev",
            Self::Gateway => "gateway",
            Self::Persister => "persister",
            Self::Migrate => "migrate",
            Self::Keys => "keys",
            Self::Token => "token",
            Self::Check => "config check",
        }
    }

    /// Whether it runs without Redis and a database server.
    pub(crate) fn is_embedded(&self) -> bool {
        matches!(self, Self::Dev { .. })
    }

    /// Whether it only serves development, where a short secret does no harm.
    pub(crate) fn is_for_development(&self) -> bool {
        matches!(self, Self::Dev { .. } | Self::Token)
    }

    /// Whether it talks to Redis.
    pub(crate) fn needs_redis(&self) -> bool {
        matches!(self, Self::Gateway | Self::Persister)
    }

    /// Whether it talks to the database.
    pub(crate) fn needs_database(&self) -> bool {
        matches!(self, Self::Gateway | Self::Persister | Self::Migrate | Self::Keys)
    }

    /// Whether it believes tokens.
    pub(crate) fn needs_tokens(&self) -> bool {
        matches!(self, Self::Gateway)
    }
}
