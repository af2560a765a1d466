//! The command line, and which setting each flag stands for.
//!
//! Flags that stand for a setting are kept as text here: the configuration judges them together with everything
//! else, so that all mistakes are told at once. Invariant: what may hold a secret or a token has no `Debug`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{ArgMatches, Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::config::{Environment, Flag, Inputs};
use crate::dev_secret;

/// A horizontally scaled realtime chat gateway.
#[derive(Parser)]
#[command(name = "hubbub", version, about, arg_required_else_help = true)]
pub struct Cli {
    /// Where settings come from.
    #[command(flatten)]
    pub settings: SettingsArguments,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Where settings come from.
#[derive(Clone, Args)]
pub struct SettingsArguments {
    /// Configuration file (TOML); also HUBBUB_CONFIG
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// One setting, such as limits.frame=32KiB; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// The whole product in one process, nothing to install
    Dev(DevArguments),
    /// One stateless node
    Gateway(GatewayArguments),
    /// One worker that writes the journal to the database
    Persister,
    /// Brings the database to the newest schema
    Migrate,
    /// Development tokens
    #[command(subcommand)]
    Token(TokenCommand),
    /// Sealing keys: a new one, rotation, and what each of them seals
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Settings: the defaults file, a check, every variable
    #[command(subcommand)]
    Config(ConfigCommand),
}

/// Flags of `dev`.
#[derive(Debug, Args)]
pub struct DevArguments {
    /// The addresses.
    #[command(flatten)]
    pub addresses: AddressArguments,
    /// What is no setting.
    #[command(flatten)]
    pub options: DevOptions,
}

/// What `dev` is told beside the settings.
#[derive(Debug, Clone, Args)]
pub struct DevOptions {
    /// Nodes inside the process, on consecutive ports
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=16))]
    pub nodes: u16,
    /// Folder of the database file and the generated secret
    #[arg(long, value_name = "DIR", default_value = dev_secret::DEFAULT_DATA)]
    pub data: PathBuf,
    /// Allow addresses that other machines can reach
    #[arg(long)]
    pub expose: bool,
}

/// Flags of `gateway`.
#[derive(Debug, Args)]
pub struct GatewayArguments {
    /// The addresses.
    #[command(flatten)]
    pub addresses: AddressArguments,
    /// Name of the node (server.node_name)
    #[arg(long, value_name = "NAME")]
    pub node_name: Option<String>,
}

/// Flags for the two addresses.
#[derive(Debug, Args)]
pub struct AddressArguments {
    /// Public address (server.listen) [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<String>,
    /// Internal address (server.admin_listen) [default: 127.0.0.1:9090]
    #[arg(long, value_name = "ADDRESS")]
    pub admin: Option<String>,
}

/// `token …`
#[derive(Subcommand)]
pub enum TokenCommand {
    /// Signs a token with the configured secret, or with that of `hubbub dev`
    Mint(MintArguments),
    /// Says whether a token is good and what is in it
    Verify(VerifyArguments),
}

/// Flags of `token mint`.
#[derive(Debug, Args)]
pub struct MintArguments {
    /// User id, put into `sub` as text; for a number use --claim userId=7
    #[arg(long, value_name = "ID")]
    pub user: String,
    /// Name that others see
    #[arg(long, value_name = "NAME")]
    pub username: Option<String>,
    /// What the user may do
    #[arg(long, value_name = "ROLE", value_parser = ["user", "moderator", "admin", "service"])]
    pub role: Option<String>,
    /// How long the token is good, such as 1h or 30m; 0 for ever
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = ttl)]
    pub ttl: Duration,
    /// Another claim; numbers, true, false and lists are taken as such, all else as text; may be repeated
    #[arg(long = "claim", value_name = "KEY=VALUE")]
    pub claims: Vec<String>,
    /// The token alone, without a summary
    #[arg(short, long)]
    pub quiet: bool,
    /// Data folder of `hubbub dev`, whose secret is used where none is configured
    #[arg(long, value_name = "DIR", default_value = dev_secret::DEFAULT_DATA)]
    pub data: PathBuf,
}

/// Flags of `token verify`.
#[derive(Args)]
pub struct VerifyArguments {
    /// The token
    pub token: String,
    /// Data folder of `hubbub dev`, whose secret is used where none is configured
    #[arg(long, value_name = "DIR", default_value = dev_secret::DEFAULT_DATA)]
    pub data: PathBuf,
}

/// `keys …`
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Prints a fresh key; put it in front of seal.keys on every node
    New(NewKeyArguments),
    /// Seals every old message with the first key; may be stopped and started again
    Rotate(RotateArguments),
    /// Says which key seals how many messages
    Status,
}

/// Flags of `keys new`.
#[derive(Debug, Args)]
pub struct NewKeyArguments {
    /// Name that is stored beside what the key sealed [default: k and the time]
    #[arg(long, value_name = "ID")]
    pub id: Option<String>,
}

/// Flags of `keys rotate`.
#[derive(Debug, Args)]
pub struct RotateArguments {
    /// Messages sealed in one transaction
    #[arg(long, value_name = "COUNT", default_value_t = 500, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub batch: u16,
}

/// `config …`
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Prints the commented defaults file
    Default,
    /// Prints every setting in effect and where it comes from, or every mistake
    Check(CheckArguments),
    /// Prints every environment variable with its default and meaning
    Env,
}

/// Flags of `config check`.
#[derive(Debug, Args)]
pub struct CheckArguments {
    /// Also demand what this command needs
    #[arg(long = "for", value_name = "COMMAND", value_parser = ["dev", "gateway", "persister", "migrate"])]
    pub command: Option<String>,
}

/// Reads the command line of this process; a wrong one ends it with exit code 2, `--help` with 0.
pub fn parse() -> Cli {
    parse_from(std::env::args_os()).unwrap_or_else(|error| error.exit())
}

/// Reads a command line. `--config` and `--set` may stand before and after the command: the parser's own notion of a
/// global flag forgets what stood before, and a setting that is silently forgotten is worse than none.
pub fn parse_from(words: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> Result<Cli, clap::Error> {
    let matches = everywhere(Cli::command()).try_get_matches_from(words)?;
    let mut cli = Cli::from_arg_matches(&matches)?;
    let mut inner = matches.subcommand();
    while let Some((_, matches)) = inner {
        cli.settings.extend(matches)?;
        inner = matches.subcommand();
    }
    Ok(cli)
}

/// Adds the flags of the settings to every subcommand.
fn everywhere(command: clap::Command) -> clap::Command {
    let names: Vec<String> = command.get_subcommands().map(|inner| inner.get_name().to_owned()).collect();
    let augment = |inner: clap::Command| {
        // The text of the settings' own group must not replace that of the subcommand.
        let about = inner.get_about().cloned().unwrap_or_default();
        everywhere(SettingsArguments::augment_args(inner).about(about))
    };
    let add = |command: clap::Command, name: &String| command.mut_subcommand(name, augment);
    names.iter().fold(command, add)
}

fn ttl(text: &str) -> Result<Duration, crate::config::Unfit> {
    crate::config::parse_duration(text)
}

impl SettingsArguments {
    /// Adds what was given at an inner level of the command line.
    fn extend(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        let inner = Self::from_arg_matches(matches)?;
        if inner.config.is_some() && self.config.is_some() {
            return Err(Cli::command().error(ErrorKind::ArgumentConflict, "--config is given twice"));
        }
        self.config = self.config.take().or(inner.config);
        self.set.extend(inner.set);
        Ok(())
    }

    /// Everything that the configuration is made of.
    pub fn inputs(self, flags: Vec<Flag>) -> Inputs {
        Inputs { file: self.config, environment: Environment::capture(), sets: self.set, flags }
    }
}

impl AddressArguments {
    /// The settings that these flags stand for.
    pub fn flags(self) -> Vec<Flag> {
        let listen = flag("--listen", "server.listen", self.listen);
        let admin = flag("--admin", "server.admin_listen", self.admin);
        listen.into_iter().chain(admin).collect()
    }
}

impl GatewayArguments {
    /// The settings that these flags stand for.
    pub fn flags(self) -> Vec<Flag> {
        let name = flag("--node-name", "server.node_name", self.node_name);
        self.addresses.flags().into_iter().chain(name).collect()
    }
}

fn flag(name: &'static str, key: &'static str, value: Option<String>) -> Option<Flag> {
    value.map(|value| Flag { name, key, value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        everywhere(Cli::command()).debug_assert();
    }

    #[test]
    fn settings_may_stand_before_and_after_the_command() {
        for line in [
            ["hubbub", "--set", "a=1", "--set", "b=2", "persister"],
            ["hubbub", "persister", "--set", "a=1", "--set", "b=2"],
            ["hubbub", "--set", "a=1", "persister", "--set", "b=2"],
        ] {
            assert_eq!(parse_from(line).unwrap().settings.set, ["a=1", "b=2"], "{line:?}");
        }
        let deep = [
            "hubbub", "--set", "a=1", "token", "--set", "b=2", "verify", "--set", "c=3", "t", "--config", "f",
        ];
        let settings = parse_from(deep).unwrap().settings;
        assert_eq!((settings.set.len(), settings.config), (3, Some("f".into())));
        assert!(parse_from(["hubbub", "--config", "a", "persister", "--config", "b"]).is_err());
    }

    #[test]
    fn a_flag_for_a_setting_is_kept_as_written() {
        let cli = parse_from(["hubbub", "gateway", "--listen", "anywhere", "--node-name", "n1"]).unwrap();
        let Command::Gateway(arguments) = cli.command else { panic!("gateway was asked for") };
        let flags = arguments.flags();
        assert_eq!(
            flags.iter().map(|flag| flag.key).collect::<Vec<_>>(),
            ["server.listen", "server.node_name"]
        );
        assert_eq!(flags[0].value, "anywhere");
    }
}
