//! Rooms: a key `namespace:name`, and the form in which a client wrote it.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::{InvalidId, UserId};

/// The part of a room key that decides its policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Namespace {
    /// Open rooms: any authenticated user.
    Room,
    /// Chats with participants in the database.
    Chat,
    /// Feeds of one event; services publish.
    Event,
    /// What every hub connection hears.
    Lobby,
    /// One user's own connections.
    User,
    /// The nodes themselves; never a client's.
    Cluster,
}

impl Namespace {
    /// Every namespace, for tables of policy.
    pub const ALL: [Self; 6] = [Self::Room, Self::Chat, Self::Event, Self::Lobby, Self::User, Self::Cluster];

    /// The text before the colon.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Room => "room",
            Self::Chat => "chat",
            Self::Event => "event",
            Self::Lobby => "lobby",
            Self::User => "user",
            Self::Cluster => "cluster",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|namespace| namespace.as_str() == text)
    }
}

/// A room's key, `namespace:name`. Cheap to clone.
#[derive(Debug, Clone)]
pub struct RoomId {
    key: Arc<str>,
    namespace: Namespace,
}

impl RoomId {
    /// A room from a namespace and a name of 1 to 128 characters of `A-Z a-z 0-9 _ - . :`.
    pub fn new(namespace: Namespace, name: &str) -> Result<Self, InvalidId> {
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:".contains(&byte);
        if !(1..=128).contains(&name.len()) || !name.bytes().all(legal) {
            return Err(InvalidId("a room name has 1 to 128 characters of A-Z a-z 0-9 _ - . :"));
        }
        Ok(Self::unchecked(namespace, name))
    }

    /// A room from its key, as HTTP and the broker write it.
    pub fn parse(key: &str) -> Result<Self, InvalidId> {
        let (namespace, name) = key.split_once(':').ok_or(InvalidId("a room key is namespace:name"))?;
        let namespace = Namespace::parse(namespace).ok_or(InvalidId("unknown room namespace"))?;
        match namespace {
            Namespace::User => UserId::text(name).map(|user| Self::of_user(&user)),
            Namespace::Room | Namespace::Chat | Namespace::Event | Namespace::Lobby | Namespace::Cluster => {
                Self::new(namespace, name)
            }
        }
    }

    /// The room of one user's own connections. User ids are freer than room names, hence no check.
    pub fn of_user(user: &UserId) -> Self {
        Self::unchecked(Namespace::User, user.as_str())
    }

    /// The one lobby.
    pub fn lobby() -> Self {
        Self::unchecked(Namespace::Lobby, "main")
    }

    /// What every node hears, whoever is connected to it.
    pub fn everywhere() -> Self {
        Self::unchecked(Namespace::Cluster, "all")
    }

    fn unchecked(namespace: Namespace, name: &str) -> Self {
        Self { key: format!("{}:{name}", namespace.as_str()).into(), namespace }
    }

    /// `namespace:name`.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The part after the first colon.
    pub fn name(&self) -> &str {
        &self.key[self.namespace.as_str().len() + 1..]
    }

    /// The part that decides the policy.
    pub fn namespace(&self) -> Namespace {
        self.namespace
    }
}

impl PartialEq for RoomId {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}
impl Eq for RoomId {}
impl Hash for RoomId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key.hash(state);
    }
}
impl fmt::Display for RoomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.key)
    }
}

/// How a client wrote a room id; every frame back to it is written the same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// The bare name as a string.
    Text,
    /// The bare name as a number.
    Number,
    /// The whole key as a string.
    Key,
}

impl Form {
    /// How many forms there are; the width of a dialect's row of encodings in a parcel.
    pub const COUNT: usize = 3;

    /// This form's place in such a row.
    pub fn slot(self) -> usize {
        match self {
            Self::Text => 0,
            Self::Number => 1,
            Self::Key => 2,
        }
    }
}

/// A room as one client named it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomRef {
    /// Which room.
    pub id: RoomId,
    /// In which form it goes back to that client.
    pub form: Form,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_key_is_split_at_its_first_colon() {
        let room = RoomId::parse("room:chat:5").unwrap();
        assert_eq!((room.namespace(), room.name(), room.key()), (Namespace::Room, "chat:5", "room:chat:5"));
    }

    #[test]
    fn illegal_names_and_namespaces_are_refused() {
        for key in ["room:", "room", "cellar:x", "room:a b", "room:ä", "room:a/b", "room:a\0"] {
            assert!(RoomId::parse(key).is_err(), "{key:?}");
        }
        assert!(RoomId::new(Namespace::Room, &"x".repeat(128)).is_ok());
        assert!(RoomId::new(Namespace::Room, &"x".repeat(129)).is_err());
    }

    #[test]
    fn the_room_of_a_user_takes_any_user_id() {
        let user = UserId::text("anna@example.org").unwrap();
        let room = RoomId::of_user(&user);
        assert_eq!(RoomId::parse(room.key()), Ok(room));
    }
}
