//! `hubbub token`: development tokens, HS256 with the configured secret or with that of `hubbub dev`.

mod mint;
mod verify;

pub(crate) use mint::fresh_name;

use std::path::Path;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::cli::TokenCommand;
use crate::config::{self, Config, Inputs, Role, Secret};
use crate::dev_secret;
use crate::exit::Exit;

/// Mints or verifies.
pub(super) fn run(command: TokenCommand, inputs: &Inputs) -> Result<(), Exit> {
    let config = config::load(inputs, Role::Token)?.config;
    match command {
        TokenCommand::Mint(arguments) => mint::run(&arguments, &config),
        TokenCommand::Verify(arguments) => verify::run(&arguments, &config),
    }
}

/// The secret, and in words where it came from.
fn secret(config: &Config, data: &Path) -> Result<(Secret, String), Exit> {
    if let Some(secret) = &config.auth.jwt_secret {
        return Ok((secret.clone(), "auth.jwt_secret".to_owned()));
    }
    let path = dev_secret::path(data);
    match dev_secret::read(data)? {
        Some(secret) => Ok((secret, path.display().to_string())),
        None => Err(Exit::Usage(format!(
            "there is no secret: set HUBBUB_AUTH__JWT_SECRET (or HUBBUB_AUTH__JWT_SECRET_FILE), or start `hubbub dev`, \
             which makes one in its data folder (looked for {}; --data names another folder)",
            path.display()
        ))),
    }
}

/// A claim's time for people.
fn shown_time(seconds: i64) -> String {
    let time = OffsetDateTime::from_unix_timestamp(seconds).ok();
    time.and_then(|time| time.format(&Rfc3339).ok()).unwrap_or_else(|| seconds.to_string())
}
