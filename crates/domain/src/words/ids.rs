//! Identifiers. Each is parsed once, at the edge, and trusted everywhere inside.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use uuid::Uuid;

/// An identifier that its rules refuse; says which rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidId(pub &'static str);

/// A user. Identity is the text form, so `7` and `"7"` are one user; what is written back
/// has the type of the user's own token, which `numeric` remembers.
#[derive(Debug, Clone)]
pub struct UserId {
    text: Arc<str>,
    numeric: bool,
}

/// Integers within ±2^53 survive every JSON implementation.
const LARGEST_SAFE_INTEGER: u64 = 1 << 53;

impl UserId {
    /// A string id of 1 to 128 characters.
    pub fn text(id: &str) -> Result<Self, InvalidId> {
        match id.chars().count() {
            1..=128 if !id.contains('\0') => Ok(Self { text: id.into(), numeric: false }),
            _ => Err(InvalidId("a user id has 1 to 128 characters")),
        }
    }

    /// A numeric id within ±2^53.
    pub fn number(id: i64) -> Result<Self, InvalidId> {
        if id.unsigned_abs() > LARGEST_SAFE_INTEGER {
            return Err(InvalidId("a numeric user id lies within ±2^53"));
        }
        Ok(Self { text: id.to_string().into(), numeric: true })
    }

    /// The text form, which is the identity.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the user's own token carries the id as a number.
    pub fn is_numeric(&self) -> bool {
        self.numeric
    }
}

impl PartialEq for UserId {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}
impl Eq for UserId {}
impl Hash for UserId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}
impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A sender's own name for a command, 1 to 64 characters: the key of deduplication.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClientId(Arc<str>);

impl ClientId {
    /// Parses 1 to 64 characters; NUL is refused, since no text column takes it.
    pub fn parse(id: &str) -> Result<Self, InvalidId> {
        match id.chars().count() {
            1..=64 if !id.contains('\0') => Ok(Self(id.into())),
            _ => Err(InvalidId("clientId has 1 to 64 characters")),
        }
    }

    /// As the client wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The identity of a durable event: a UUIDv7, made by the node that accepted it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(pub Uuid);

impl MessageId {
    /// A fresh, time-ordered id.
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }
}
impl Default for MessageId {
    fn default() -> Self {
        Self::new()
    }
}
impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

/// One connection, unique in the cluster and public: it grants nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ConnectionId(pub Uuid);

impl ConnectionId {
    /// A fresh random id.
    pub fn new() -> Self {
        Self(Uuid::new_v4())
    }
}
impl Default for ConnectionId {
    fn default() -> Self {
        Self::new()
    }
}
impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.simple().fmt(f)
    }
}

/// One incarnation of one node: its name and a random boot id, so that a restarted node is another.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NodeId(Arc<str>);

impl NodeId {
    /// A new incarnation of the node called `name`.
    pub fn boot(name: &str) -> Self {
        Self(format!("{name}~{:08x}", rand::random::<u32>()).into())
    }

    /// An incarnation that another node has told of, as [`Self::as_str`] has it.
    pub fn told(id: &str) -> Self {
        Self(id.into())
    }

    /// Name and boot id, joined by `~`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The configured name alone.
    pub fn name(&self) -> &str {
        self.0.rsplit_once('~').map_or(&self.0, |(name, _)| name)
    }
}
impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of a sealing key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KeyId(Arc<str>);

impl KeyId {
    /// Parses 1 to 32 characters of `A-Z a-z 0-9 _ - .`.
    pub fn parse(id: &str) -> Result<Self, InvalidId> {
        let legal = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
        if (1..=32).contains(&id.len()) && id.chars().all(legal) {
            return Ok(Self(id.into()));
        }
        Err(InvalidId("a key id has 1 to 32 characters of A-Z a-z 0-9 _ - ."))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_its_text_whatever_the_type_of_the_token() {
        let number = UserId::number(7).unwrap();
        let text = UserId::text("7").unwrap();
        assert_eq!(number, text);
        assert!(number.is_numeric() && !text.is_numeric());
    }

    #[test]
    fn ids_outside_their_limits_are_refused() {
        assert!(UserId::text("").is_err());
        assert!(UserId::text(&"ü".repeat(128)).is_ok());
        assert!(UserId::text(&"ü".repeat(129)).is_err());
        assert!(UserId::number((1 << 53) + 1).is_err());
        assert!(UserId::number(-(1 << 53)).is_ok());
        assert!(ClientId::parse("").is_err());
        assert!(ClientId::parse(&"x".repeat(65)).is_err());
        assert!(ClientId::parse("nul\0").is_err());
        assert!(KeyId::parse("2026-11").is_ok());
        assert!(KeyId::parse("a:b").is_err());
    }

    #[test]
    fn a_restarted_node_is_another_incarnation_of_the_same_name() {
        let (first, second) = (NodeId::boot("gw~1"), NodeId::boot("gw~1"));
        assert_ne!(first, second);
        assert_eq!(first.name(), "gw~1");
    }
}
