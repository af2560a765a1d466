//! The settings in effect: for every key the winning value and where it came from.
//!
//! Invariant: every assignment of every layer is judged, also one that a higher layer overrides; a value that does
//! not fit leaves the one below in effect, so that the remaining checks can still run.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use super::layers::Layers;
use super::mistake::{Mistake, Problem};
use super::parse::keys::SealKey;
use super::parse::network::Network;
use super::parse::url::ServiceUrl;
use super::registry;
use super::secret::Secret;
use super::source::Source;
use super::value::{Raw, Value, parse, show_raw};

/// Every setting with its value and source.
#[derive(Debug, Clone)]
pub struct Effective {
    values: BTreeMap<&'static str, (Value, Source)>,
    faulty: BTreeSet<&'static str>,
}

impl Effective {
    /// The built-in defaults with the layers on top; mistakes are added to those of the layers.
    pub(crate) fn of(layers: Layers) -> (Self, Vec<Mistake>) {
        let mut effective = Self { values: defaults(), faulty: BTreeSet::new() };
        let mut mistakes = layers.mistakes;
        for assignment in layers.assignments {
            let setting =
                registry::find(assignment.key).expect("layers assign to keys of the registry alone");
            match parse(&setting.kind, &assignment.raw) {
                Ok(value) => {
                    effective.values.insert(setting.key, (value, assignment.source));
                }
                Err(unfit) => {
                    effective.faulty.insert(setting.key);
                    let shown = show_raw(&setting.kind, &assignment.raw);
                    let problem = Problem::Value { key: setting.key, shown, unfit };
                    mistakes.push(Mistake { source: Some(assignment.source), problem });
                }
            }
        }
        (effective, mistakes)
    }

    /// The value in TOML notation with secrets masked, and where it came from.
    pub fn shown(&self, key: &str) -> (String, &Source) {
        let (value, source) = self.entry(key);
        (value.show(), source)
    }

    /// Whether the key was given a value that does not fit, so that nothing can be concluded from it.
    pub(crate) fn is_faulty(&self, key: &str) -> bool {
        self.faulty.contains(key)
    }

    /// Whether somebody set the key.
    pub(crate) fn is_set(&self, key: &str) -> bool {
        *self.source(key) != Source::Default
    }

    /// Where the value came from.
    pub(crate) fn source(&self, key: &str) -> &Source {
        &self.entry(key).1
    }

    fn entry(&self, key: &str) -> &(Value, Source) {
        self.values.get(key).unwrap_or_else(|| panic!("`{key}` is not in the registry"))
    }

    fn value(&self, key: &str) -> &Value {
        &self.entry(key).0
    }
}

fn defaults() -> BTreeMap<&'static str, (Value, Source)> {
    let default = |setting: &'static super::setting::Setting| {
        let value = parse(&setting.kind, &Raw::Text(setting.default.to_owned()));
        (setting.key, (value.expect("a test proves that every default fits its kind"), Source::Default))
    };
    registry::settings().map(default).collect()
}

/// Typed access for the structs of `sections/`. A wrong kind or an unknown key is a slip in the tables that the first
/// test to load a configuration finds, so it panics.
macro_rules! typed {
    ($(#[$doc:meta] $name:ident: $variant:ident -> $type:ty;)*) => {
        impl Effective {
            $(#[$doc] pub(crate) fn $name(&self, key: &str) -> $type {
                match self.value(key) {
                    Value::$variant(value) => value.clone(),
                    other => panic!("`{key}` is {other:?} in the registry"),
                }
            })*
        }
    };
}

typed! {
    /// An address to listen on.
    address: Address -> SocketAddr;
    /// A duration.
    duration: Duration -> Duration;
    /// Yes or no.
    boolean: Boolean -> bool;
    /// A name or a word.
    text: Text -> String;
    /// Origins.
    origins: Origins -> Vec<String>;
    /// Networks.
    networks: Networks -> Vec<Network>;
}

/// The same for settings that may be empty.
macro_rules! optional {
    ($(#[$doc:meta] $name:ident: $variant:ident -> $type:ty;)*) => {
        impl Effective {
            $(#[$doc] pub(crate) fn $name(&self, key: &str) -> Option<$type> {
                match self.value(key) {
                    Value::Unset => None,
                    Value::$variant(value) => Some(value.clone()),
                    other => panic!("`{key}` is {other:?} in the registry"),
                }
            })*
        }
    };
}

optional! {
    /// A service, if named.
    url: Url -> ServiceUrl;
    /// A file or URL, if named.
    location: Location -> String;
    /// A name or text, if given.
    optional_text: Text -> String;
    /// A secret, if given.
    secret: Secret -> Secret;
    /// Sealing keys, if given.
    seal_keys: SealKeys -> Vec<SealKey>;
}

impl Effective {
    /// A number or a size, in the type that its bounds fit.
    pub(crate) fn number<N: TryFrom<u64>>(&self, key: &str) -> N {
        let number = match self.value(key) {
            Value::Integer(number) | Value::Size(number) => *number,
            other => panic!("`{key}` is {other:?} in the registry"),
        };
        N::try_from(number).unwrap_or_else(|_| panic!("the bounds of `{key}` exceed its type"))
    }

    /// The same for a limit: `None` where 0 switched it off.
    pub(crate) fn limit<N: TryFrom<u64>>(&self, key: &str) -> Option<N> {
        (self.number::<u64>(key) > 0).then(|| self.number(key))
    }
}
