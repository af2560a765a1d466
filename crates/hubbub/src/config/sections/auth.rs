//! `auth`: whose tokens are believed, and for how long.

use std::path::PathBuf;
use std::time::Duration;

use crate::config::effective::Effective;
use crate::config::parse::url::{self, ServiceUrl};
use crate::config::secret::Secret;
use crate::config::setting::{Bounds, Kind, Section, setting};

pub(crate) static SECTION: Section = Section {
    name: "auth",
    doc: "Whose tokens are believed, and for how long.",
    settings: &[
        setting(
            "auth.jwt_secret",
            Kind::Secret,
            "",
            "Shared secret of HS256 tokens, at least 32 bytes. The gateway needs this or `auth.jwks`.",
        ),
        setting(
            "auth.jwks",
            Kind::Location,
            "",
            "File or URL of a JSON Web Key Set for RS256, ES256 and EdDSA tokens; the token's `kid` chooses the key.",
        ),
        setting(
            "auth.jwks_refresh",
            Kind::Duration(Bounds::between(1_000, 86_400_000)),
            "5m",
            "How often the key set is read again.",
        ),
        setting("auth.cookie", Kind::Name, "token", "Name of the cookie that may carry the token."),
        setting(
            "auth.allow_missing_exp",
            Kind::Boolean,
            "true",
            "Whether a token that never expires is accepted; it then lives for `auth.max_session`.",
        ),
        setting(
            "auth.max_session",
            Kind::Duration(Bounds::between(1_000, 31_536_000_000)),
            "24h",
            "How long a connection lives whose token has no `exp`.",
        ),
        setting(
            "auth.leeway",
            Kind::Duration(Bounds::between(0, 300_000)),
            "5s",
            "By how much the clocks of issuer and server may differ, in whole seconds.",
        ),
        setting("auth.issuer", Kind::Text, "", "Required `iss` of every token. Empty: not checked."),
        setting("auth.audience", Kind::Text, "", "Required `aud` of every token. Empty: not checked."),
        setting(
            "auth.provision_users",
            Kind::Boolean,
            "true",
            "Whether an unknown user with a good token is created on first sight; else they are refused.",
        ),
        setting(
            "auth.registration",
            Kind::Boolean,
            "true",
            "Whether anybody may register with a name and a password. Needs `auth.jwt_secret`, which signs the tokens.",
        ),
        setting(
            "auth.login_ttl",
            Kind::Duration(Bounds::between(60_000, 31_536_000_000)),
            "12h",
            "How long the token of a login is good; `auth.max_session` cuts it.",
        ),
        setting(
            "auth.logins_per_minute",
            Kind::Integer(Bounds::limit(1, 1_000_000)),
            "10",
            "Failed logins by one name from one address in a minute. 0: no limit.",
        ),
        setting(
            "auth.logins_per_address",
            Kind::Integer(Bounds::limit(1, 1_000_000)),
            "600",
            "Logins, and apart from them registrations, from one address in a minute. 0: no limit.",
        ),
        setting(
            "auth.admission_ttl",
            Kind::Duration(Bounds::between(0, 3_600_000)),
            "30s",
            "How long a user who was found in the directory is not looked up again. 0: each time.",
        ),
        setting(
            "auth.revalidate",
            Kind::Duration(Bounds::limit(1_000, 86_400_000)),
            "30s",
            "How often a node looks whether those who are connected still may be; it is also told at once. 0: only when \
             told.",
        ),
    ],
};

/// Whose tokens are believed, and for how long.
#[derive(Debug, Clone)]
pub struct AuthConfig {
    /// Shared secret of HS256 tokens.
    pub jwt_secret: Option<Secret>,
    /// Where the key set of the other algorithms is.
    pub jwks: Option<JwksSource>,
    /// How often the key set is read again.
    pub jwks_refresh: Duration,
    /// The cookie that may carry the token.
    pub cookie: String,
    /// Whether a token without `exp` is accepted.
    pub allow_missing_exp: bool,
    /// How long such a token's connection lives.
    pub max_session: Duration,
    /// Tolerated difference of clocks.
    pub leeway: Duration,
    /// Required `iss`.
    pub issuer: Option<String>,
    /// Required `aud`.
    pub audience: Option<String>,
    /// Whether unknown users are created.
    pub provision_users: bool,
    /// Whether anybody may register.
    pub registration: bool,
    /// Life of a login's token.
    pub login_ttl: Duration,
    /// Failed logins by one name from one address in a minute.
    pub logins_per_minute: u32,
    /// Logins from one address in a minute.
    pub logins_per_address: u32,
    /// How long a user is remembered as let in.
    pub admission_ttl: Duration,
    /// Time between two looks at who may be connected.
    pub revalidate: Duration,
}

/// Where a key set is read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JwksSource {
    /// A file.
    File(PathBuf),
    /// An `http` or `https` URL.
    Url(ServiceUrl),
}

impl JwksSource {
    fn read(location: String) -> Self {
        match url::parse(&location, &["https", "http"]) {
            Ok(url) => Self::Url(url),
            Err(_) => Self::File(location.into()),
        }
    }
}

impl AuthConfig {
    pub(crate) fn read(from: &Effective) -> Self {
        Self {
            jwt_secret: from.secret("auth.jwt_secret"),
            jwks: from.location("auth.jwks").map(JwksSource::read),
            jwks_refresh: from.duration("auth.jwks_refresh"),
            cookie: from.text("auth.cookie"),
            allow_missing_exp: from.boolean("auth.allow_missing_exp"),
            max_session: from.duration("auth.max_session"),
            leeway: from.duration("auth.leeway"),
            issuer: from.optional_text("auth.issuer"),
            audience: from.optional_text("auth.audience"),
            provision_users: from.boolean("auth.provision_users"),
            registration: from.boolean("auth.registration"),
            login_ttl: from.duration("auth.login_ttl"),
            logins_per_minute: from.number("auth.logins_per_minute"),
            logins_per_address: from.number("auth.logins_per_address"),
            admission_ttl: from.duration("auth.admission_ttl"),
            revalidate: from.duration("auth.revalidate"),
        }
    }
}
