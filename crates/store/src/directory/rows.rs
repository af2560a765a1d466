//! What the tables of the directory give back, and what the domain calls it.

use domain::ports::PortError;
use domain::words::{Account, Author, Part, Participant, Role, RoomId, Timestamp, UserId};
use domain::words::{InvalidId, Namespace};

use crate::row::user;

/// A user, without what may never leave the database by accident.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct AccountRow {
    id: String,
    id_numeric: bool,
    username: String,
    role: String,
    disabled: bool,
    /// Whether the user logs in by name.
    registered: bool,
}

impl AccountRow {
    /// Whether a token says nothing that would have to be written down: a user who logs in by name keeps name and type,
    /// any other is called as their newest token says.
    pub(super) fn agrees_with(&self, who: &Author) -> bool {
        let same_name = who.name.as_deref().is_none_or(|name| name == self.username);
        self.registered || same_name && who.user.is_numeric() == self.id_numeric
    }

    pub(super) fn into_account(self) -> Result<Account, PortError> {
        Ok(Account {
            user: user(&self.id, self.id_numeric).map_err(illegible)?,
            name: self.username.into(),
            // A role that only a newer program knows permits nothing here.
            role: Role::parse(&self.role).unwrap_or_default(),
            disabled: self.disabled,
        })
    }
}

/// A chat as one reader sees it; times in milliseconds since 1970.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct ChatRow {
    pub(super) id: String,
    pub(super) title: Option<String>,
    pub(super) direct: bool,
    pub(super) created_at: i64,
    pub(super) unread: i64,
}

/// A user who takes part in a chat.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct ParticipantRow {
    pub(super) chat_id: String,
    user_id: String,
    id_numeric: bool,
    username: String,
    role: String,
    last_read_at: Option<i64>,
}

impl ParticipantRow {
    pub(super) fn into_participant(self) -> Result<Participant, PortError> {
        let user = user(&self.user_id, self.id_numeric).map_err(illegible)?;
        let owns = self.role == Part::Owner.as_str();
        Ok(Participant {
            who: Author { user, name: Some(self.username.into()) },
            part: if owns { Part::Owner } else { Part::Member },
            last_read_at: self.last_read_at.map(Timestamp),
        })
    }
}

/// A user's id, as two columns keep it.
pub(super) fn user_id((id, numeric): (String, bool)) -> Result<UserId, PortError> {
    user(&id, numeric).map_err(illegible)
}

/// The room of a chat, as a column keeps its id.
pub(super) fn room(chat: &str) -> Result<RoomId, PortError> {
    RoomId::new(Namespace::Chat, chat).map_err(illegible)
}

fn illegible(error: InvalidId) -> PortError {
    PortError::Refused(format!("a stored row of the directory is not legible: {error}"))
}
