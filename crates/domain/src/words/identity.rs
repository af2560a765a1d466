//! Who is on a connection, as a verified token says.

use std::sync::Arc;

use super::{Author, RoomId, Timestamp, UserId};

/// What a user may do beyond the ordinary.
/// Ordered: each may do what those before it may.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// An ordinary user.
    #[default]
    User,
    /// May change others' messages.
    Moderator,
    /// May do everything.
    Admin,
    /// A backend; not rate-limited on the server API.
    Service,
}

impl Role {
    /// The name in tokens.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Moderator => "moderator",
            Self::Admin => "admin",
            Self::Service => "service",
        }
    }

    /// The role called `name`, if there is one.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::User, Self::Moderator, Self::Admin, Self::Service]
            .into_iter()
            .find(|role| role.as_str() == name)
    }
}

/// A verified token's owner.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The user.
    pub user: UserId,
    /// The name to show.
    pub name: Option<Arc<str>>,
    /// What they may do.
    pub role: Role,
    /// When the connection must end: the token's `exp`, or the longest session.
    pub expires_at: Timestamp,
    /// The only rooms that this token may join; `None`: no such list.
    pub rooms: Option<Arc<[RoomId]>>,
    /// The token itself.
    pub token: Token,
}

/// What is known of a token beside its owner.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Token {
    /// Its name (`jti`), by which it can be revoked.
    pub id: Option<Arc<str>>,
    /// When it was issued (`iat`); `None`: it does not say.
    pub issued_at: Option<Timestamp>,
}

impl Identity {
    /// As others see this user.
    pub fn author(&self) -> Author {
        Author { user: self.user.clone(), name: self.name.clone() }
    }

    /// Whether the token's list of rooms, if it has one, names `room`.
    pub fn may_enter(&self, room: &RoomId) -> bool {
        self.rooms.as_ref().is_none_or(|rooms| rooms.contains(room))
    }
}
