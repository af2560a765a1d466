//! What one setting is: its key, its kind, its default and its explanation.
//!
//! The tables themselves stand in `sections/`, one file per concern, beside the struct they fill.
//! Invariant: a setting's variable name follows from its key alone.

/// One setting.
#[derive(Debug)]
pub(crate) struct Setting {
    /// Dotted key, such as `server.listen`.
    pub(crate) key: &'static str,
    /// What values it takes.
    pub(crate) kind: Kind,
    /// The default in the notation of a variable; empty means "not set".
    pub(crate) default: &'static str,
    /// One paragraph for people.
    pub(crate) doc: &'static str,
}

/// Settings of one concern, in the order in which they are listed.
#[derive(Debug)]
pub(crate) struct Section {
    /// The TOML table, such as `server` or `namespace.room`.
    pub(crate) name: &'static str,
    /// One sentence for people.
    pub(crate) doc: &'static str,
    /// The settings; each key begins with the section's name and a dot.
    pub(crate) settings: &'static [Setting],
}

/// What values a setting takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An IP address (or `localhost`) with a port.
    Address,
    /// A URL with one of these schemes, or empty.
    Url(&'static [&'static str]),
    /// A file or an http(s) URL, or empty.
    Location,
    /// A length of time; the bounds are milliseconds.
    Duration(Bounds),
    /// A number of bytes.
    Size(Bounds),
    /// A whole number.
    Integer(Bounds),
    /// `true` or `false`.
    Boolean,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// 1 to 63 characters of `A-Z a-z 0-9 _ - .`.
    Name,
    /// A `Name`, or empty.
    OptionalName,
    /// Any text, or empty.
    Text,
    /// Directives that choose which log lines are written.
    LogFilter,
    /// A list of web origins.
    Origins,
    /// A list of networks in CIDR notation.
    Networks,
    /// A secret text, or empty.
    Secret,
    /// A secret list of sealing keys, or empty.
    SealKeys,
}

/// The smallest and largest value of a number, and whether 0 is allowed beside them and switches the limit off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// Smallest value.
    pub(crate) least: u64,
    /// Largest value.
    pub(crate) most: u64,
    /// Whether 0 switches the limit off.
    pub(crate) off: bool,
}

impl Bounds {
    /// A value that must be there.
    pub(crate) const fn between(least: u64, most: u64) -> Self {
        Self { least, most, off: false }
    }

    /// A limit that 0 switches off.
    pub(crate) const fn limit(least: u64, most: u64) -> Self {
        Self { least, most, off: true }
    }

    /// Whether `value` is allowed.
    pub(crate) fn admit(&self, value: u64) -> bool {
        (self.off && value == 0) || (self.least..=self.most).contains(&value)
    }
}

/// Shorthand that keeps the tables readable.
pub(crate) const fn setting(
    key: &'static str,
    kind: Kind,
    default: &'static str,
    doc: &'static str,
) -> Setting {
    Setting { key, kind, default, doc }
}

impl Setting {
    /// The environment variable that sets it: `server.listen` is `HUBBUB_SERVER__LISTEN`.
    pub(crate) fn variable(&self) -> String {
        format!("HUBBUB_{}", self.key.to_uppercase().replace('.', "__"))
    }

    /// The variable that names a file holding the value, for everything that may hold a password.
    pub(crate) fn file_variable(&self) -> Option<String> {
        self.kind.may_hold_secret().then(|| format!("{}_FILE", self.variable()))
    }

    /// The last part of the key, as it stands in its TOML table.
    pub(crate) fn leaf(&self) -> &'static str {
        self.key.rsplit('.').next().unwrap_or(self.key)
    }
}

impl Kind {
    /// Whether nothing of the value may be shown.
    pub(crate) fn is_secret(&self) -> bool {
        matches!(self, Self::Secret | Self::SealKeys)
    }

    /// Whether the value is a secret or may carry one, as the password in a URL.
    pub(crate) fn may_hold_secret(&self) -> bool {
        self.is_secret() || matches!(self, Self::Url(_))
    }

    /// Whether the value is a list in TOML.
    pub(crate) fn is_list(&self) -> bool {
        matches!(self, Self::Origins | Self::Networks)
    }

    /// Whether the value stands in TOML without quotes.
    pub(crate) fn is_bare(&self) -> bool {
        matches!(self, Self::Integer(_) | Self::Boolean)
    }

    /// The kind in words, for the listings.
    pub(crate) fn describe(&self) -> String {
        let off = |bounds: &Bounds| if bounds.off { ", 0 = off" } else { "" };
        match self {
            Self::Address => "address".to_owned(),
            Self::Url(schemes) => format!("url ({})", schemes.join(", ")),
            Self::Location => "file or http(s) url".to_owned(),
            Self::Duration(bounds) => format!("duration{}", off(bounds)),
            Self::Size(bounds) => format!("size{}", off(bounds)),
            Self::Integer(bounds) => format!("integer{}", off(bounds)),
            Self::Boolean => "true or false".to_owned(),
            Self::Choice(words) => words.join(" or "),
            Self::Name | Self::OptionalName => "name".to_owned(),
            Self::Text => "text".to_owned(),
            Self::LogFilter => "log filter".to_owned(),
            Self::Origins => "list of origins".to_owned(),
            Self::Networks => "list of networks".to_owned(),
            Self::Secret => "secret".to_owned(),
            Self::SealKeys => "secret, id:base64key,…".to_owned(),
        }
    }
}
