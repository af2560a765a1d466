//! Values: as they were written ([`Raw`]) and as they are meant ([`Value`]), and the step between.
//!
//! Invariant: a value that may hold a secret has no way to be shown unmasked from here.

use std::net::SocketAddr;
use std::time::Duration;

use super::mistake::Unfit;
use super::parse::keys::SealKey;
use super::parse::network::Network;
use super::parse::url::{self, ServiceUrl};
use super::parse::{address, duration, keys, name, network, origin, size};
use super::secret::{MASK, Secret};
use super::setting::{Bounds, Kind};

/// A value as it was written. It may be a secret, so only tests can print it.
#[cfg_attr(test, derive(Debug, Clone, PartialEq, Eq))]
pub(crate) enum Raw {
    /// Text: a TOML string, a variable, a flag.
    Text(String),
    /// A TOML number or boolean.
    Bare(String),
    /// A TOML array of strings.
    List(Vec<String>),
    /// Anything else TOML can hold, by its name.
    Other(&'static str),
}

/// A value as it is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    /// An optional setting that is not set.
    Unset,
    /// Where to listen.
    Address(SocketAddr),
    /// A service.
    Url(ServiceUrl),
    /// A length of time.
    Duration(Duration),
    /// Bytes.
    Size(u64),
    /// A whole number.
    Integer(u64),
    /// Yes or no.
    Boolean(bool),
    /// A name, a word or any other text.
    Text(String),
    /// A file or a URL, not yet told apart.
    Location(String),
    /// Origins.
    Origins(Vec<String>),
    /// Networks.
    Networks(Vec<Network>),
    /// A secret text.
    Secret(Secret),
    /// Sealing keys.
    SealKeys(Vec<SealKey>),
}

/// Reads what was written as a value of this kind.
pub(crate) fn parse(kind: &Kind, raw: &Raw) -> Result<Value, Unfit> {
    match raw {
        Raw::Text(text) => from_text(kind, text),
        Raw::Bare(text) => match kind {
            Kind::Duration(_) | Kind::Size(_) | Kind::Integer(_) | Kind::Boolean => from_text(kind, text),
            _ if kind.is_list() => Err(Unfit::expects("a list of texts in quotes")),
            _ => Err(Unfit::expects("a text in quotes")),
        },
        Raw::List(parts) if kind.is_list() => list(kind, parts.iter().map(String::as_str)),
        Raw::List(_) => Err(Unfit::expects("one value, not a list")),
        Raw::Other(found) => Err(Unfit::expects(format!("{}, not {found}", kind.describe()))),
    }
}

fn from_text(kind: &Kind, text: &str) -> Result<Value, Unfit> {
    match kind {
        Kind::Address => address::parse(text).map(Value::Address),
        Kind::Duration(bounds) => bounded_duration(text, bounds).map(Value::Duration),
        Kind::Size(bounds) => bounded(size::parse(text)?, bounds, size::show).map(Value::Size),
        Kind::Integer(bounds) => {
            bounded(whole(text)?, bounds, |number| number.to_string()).map(Value::Integer)
        }
        Kind::Boolean => boolean(text).map(Value::Boolean),
        Kind::Choice(words) => choice(text, words).map(Value::Text),
        Kind::Name => name::parse(text).map(Value::Text),
        Kind::Origins | Kind::Networks => {
            list(kind, text.split(',').map(str::trim).filter(|part| !part.is_empty()))
        }
        Kind::LogFilter => log_filter(text).map(Value::Text),
        _ if text.is_empty() => Ok(Value::Unset),
        Kind::Url(schemes) => url::parse(text, schemes).map(Value::Url),
        Kind::Location => location(text).map(Value::Location),
        Kind::OptionalName => name::parse(text).map(Value::Text),
        Kind::Text => Ok(Value::Text(text.to_owned())),
        Kind::Secret => Ok(Value::Secret(Secret::new(text))),
        Kind::SealKeys => keys::parse(text).map(Value::SealKeys),
    }
}

fn list<'a>(kind: &Kind, parts: impl Iterator<Item = &'a str>) -> Result<Value, Unfit> {
    if matches!(kind, Kind::Networks) {
        parts.map(network::parse).collect::<Result<_, _>>().map(Value::Networks)
    } else {
        parts.map(origin::parse).collect::<Result<_, _>>().map(Value::Origins)
    }
}

fn bounded_duration(text: &str, bounds: &Bounds) -> Result<Duration, Unfit> {
    let show = |milliseconds| duration::show(Duration::from_millis(milliseconds));
    let given = duration::parse(text)?;
    let milliseconds = u64::try_from(given.as_millis()).unwrap_or(u64::MAX);
    bounded(milliseconds, bounds, show).map(Duration::from_millis)
}

fn bounded(value: u64, bounds: &Bounds, show: impl Fn(u64) -> String) -> Result<u64, Unfit> {
    if bounds.admit(value) {
        return Ok(value);
    }
    let off = if bounds.off { ", or 0 for off" } else { "" };
    Err(Unfit::expects(format!("{} to {}{off}", show(bounds.least), show(bounds.most))))
}

fn whole(text: &str) -> Result<u64, Unfit> {
    text.parse().map_err(|_| Unfit::expects("a whole number, not negative"))
}

fn boolean(text: &str) -> Result<bool, Unfit> {
    text.parse().map_err(|_| Unfit::expects("true or false"))
}

fn choice(text: &str, words: &[&str]) -> Result<String, Unfit> {
    if words.contains(&text) { Ok(text.to_owned()) } else { Err(Unfit::expects(words.join(" or "))) }
}

fn log_filter(text: &str) -> Result<String, Unfit> {
    match tracing_subscriber::EnvFilter::builder().parse(text) {
        Ok(_) if !text.is_empty() => Ok(text.to_owned()),
        _ => Err(Unfit::expects("directives such as \"info\" or \"warn,gateway=debug\"")),
    }
}

fn location(text: &str) -> Result<String, Unfit> {
    if text.contains("://") {
        url::parse(text, &["https", "http"])?;
    }
    Ok(text.to_owned())
}

/// What was written, as it may be repeated to people.
pub(crate) fn show_raw(kind: &Kind, raw: &Raw) -> String {
    if kind.is_secret() {
        return MASK.to_owned();
    }
    let one = |text: &str| match kind {
        Kind::Url(_) | Kind::Location => format!("{:?}", url::mask(text)),
        _ => format!("{text:?}"),
    };
    match raw {
        Raw::Text(text) => one(text),
        Raw::Bare(text) => text.clone(),
        Raw::List(parts) => {
            format!("[{}]", parts.iter().map(|part| one(part)).collect::<Vec<_>>().join(", "))
        }
        Raw::Other(found) => (*found).to_owned(),
    }
}

impl Value {
    /// The value in TOML notation, as it may be shown to people.
    pub(crate) fn show(&self) -> String {
        let quoted = |parts: &[String]| parts.iter().map(|part| format!("{part:?}")).collect::<Vec<_>>();
        match self {
            Self::Unset => "\"\"".to_owned(),
            Self::Address(address) => format!("\"{address}\""),
            Self::Url(url) => format!("\"{url}\""),
            Self::Duration(length) => format!("\"{}\"", duration::show(*length)),
            Self::Size(bytes) => format!("\"{}\"", size::show(*bytes)),
            Self::Integer(number) => number.to_string(),
            Self::Boolean(yes) => yes.to_string(),
            Self::Text(text) => format!("{text:?}"),
            Self::Location(text) => format!("{:?}", url::mask(text)),
            Self::Origins(origins) => format!("[{}]", quoted(origins).join(", ")),
            Self::Networks(networks) => {
                let networks: Vec<String> = networks.iter().map(ToString::to_string).collect();
                format!("[{}]", quoted(&networks).join(", "))
            }
            Self::Secret(_) | Self::SealKeys(_) => MASK.to_owned(),
        }
    }
}

#[cfg(test)]
#[path = "value_tests.rs"]
mod tests;
