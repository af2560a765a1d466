//! Differences between the systems that Hubbub replaces, as data: nobody asks "which dialect is this?".

use super::Namespace;

/// How a door refuses a client whose token is missing or bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Complete the upgrade, then close with 1008 and these words: browsers can read that, but not a 401.
    Close {
        /// No token was given.
        missing: &'static str,
        /// The token is bad.
        bad: &'static str,
    },
    /// Answer 401 before the upgrade.
    Unauthorized,
}

/// What clients of one door expect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Profile {
    /// The door's name in metrics and logs.
    pub name: &'static str,
    /// How a bad token is refused.
    pub refusal: Refusal,
    /// Whether a client is warned 30 s before its token ends.
    pub warns_of_expiry: bool,
    /// What is joined at connect.
    pub joins: Joins,
    /// Whether a client is welcomed by [`crate::dialect::Answer::Welcome`].
    pub welcomes: bool,
    /// Whether a client is shown who is in the rooms that it joins by command.
    pub shows_members: bool,
    /// Whether a client that comes back is given what it missed without asking for it room by room.
    pub recovers: bool,
    /// Whether a client that names its messages is told when they are committed.
    pub tells_stored: bool,
    /// Whether the welcome shows who is online.
    pub shows_users: bool,
}

impl Profile {
    /// Whether anything happens at connect before the first command.
    pub fn opens(&self) -> bool {
        self.welcomes || self.recovers || self.joins.own || self.joins.chats || self.joins.lobby
    }
}

/// What a client is in from the start, without a command.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Joins {
    /// Its user's own room, `user:{id}`.
    pub own: bool,
    /// All chats of its user; also those that they are added to later.
    pub chats: bool,
    /// The lobby.
    pub lobby: bool,
}

/// What a room's namespace allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoomPolicy {
    /// Whether clients may join by command.
    pub joinable: bool,
    /// Whether membership in the database is asked for.
    pub participants_only: bool,
    /// Whether only services and admins publish.
    pub services_publish: bool,
    /// Whether messages are numbered, logged and kept.
    pub durable: bool,
    /// Whether the sender's own connection hears its message.
    pub echo_to_sender: bool,
    /// Whether it is counted who is in it.
    pub census: bool,
    /// Whether clients whose door wants it are shown who is in it.
    pub roster: bool,
}

/// The policy of every namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policies {
    /// Open rooms.
    pub room: RoomPolicy,
    /// Chats.
    pub chat: RoomPolicy,
    /// Feeds.
    pub event: RoomPolicy,
    /// The lobby.
    pub lobby: RoomPolicy,
    /// Users' own rooms.
    pub user: RoomPolicy,
    /// What nodes tell each other.
    pub cluster: RoomPolicy,
}

impl Policies {
    /// What `namespace` allows.
    pub fn of(&self, namespace: Namespace) -> &RoomPolicy {
        match namespace {
            Namespace::Room => &self.room,
            Namespace::Chat => &self.chat,
            Namespace::Event => &self.event,
            Namespace::Lobby => &self.lobby,
            Namespace::User => &self.user,
            Namespace::Cluster => &self.cluster,
        }
    }
}

impl Default for Policies {
    fn default() -> Self {
        let open = RoomPolicy {
            joinable: true,
            participants_only: false,
            services_publish: false,
            durable: true,
            echo_to_sender: true,
            census: true,
            roster: false,
        };
        let closed =
            RoomPolicy { joinable: false, services_publish: true, durable: false, census: false, ..open };
        Self {
            room: RoomPolicy { roster: true, ..open },
            chat: RoomPolicy { participants_only: true, ..open },
            event: RoomPolicy { services_publish: true, durable: false, ..open },
            lobby: RoomPolicy { joinable: false, echo_to_sender: false, ..open },
            user: closed,
            cluster: closed,
        }
    }
}
