//! Accounts, chats and membership. Asked at connect, on joins and by the HTTP API; never for a message.

use std::sync::Arc;

use async_trait::async_trait;

use super::PortError;
use crate::words::{
    Account, Author, Chat, MessageId, NewAccount, NewChat, Position, Role, RoomId, Timestamp, UserId,
};

/// What somebody who logs in must prove.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// Whose they are.
    pub account: Account,
    /// The password's hash, in PHC string format.
    pub password_hash: String,
}

/// What became of a new chat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Created {
    /// It is there now.
    New(Chat),
    /// The two had their direct chat already: this one.
    Existing(Chat),
    /// One of the participants is not known; nothing was made.
    UnknownUser,
}

/// What became of a new participant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    /// They take part now.
    Now,
    /// They took part already.
    Already,
    /// Nobody has this id; nothing was done.
    UnknownUser,
    /// There is no such chat.
    UnknownChat,
}

/// What became of a participant who was to leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removed {
    /// They take no part any more. The last owner has handed the chat to its oldest participant.
    Now,
    /// They took no part.
    NotThere,
    /// There is no such chat.
    UnknownChat,
}

/// What became of a read receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Touched {
    /// The reader's cursor moved to this message.
    Moved,
    /// It stands there or further on: nothing happened.
    Stood,
    /// The reader takes no part in the chat.
    NotThere,
}

/// A role that a user was given after their account was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// Who.
    pub user: UserId,
    /// Which role.
    pub role: Role,
    /// Since when. A token that was issued later says for itself what its owner may do.
    pub at: Timestamp,
}

/// What operators have decided against tokens that are good by themselves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rulings {
    /// Users who may not come in.
    pub disabled: Vec<UserId>,
    /// Revoked tokens that have not expired, by name.
    pub revoked: Vec<Arc<str>>,
    /// Roles that were given.
    pub assigned: Vec<Assignment>,
}

/// Who there is, and who takes part in which chat. Every change is one transaction.
#[async_trait]
pub trait Directory: Send + Sync {
    /// The account of a user with a good token. One that is not there is made from the token where `provision`, else
    /// `None`. A known account keeps its own name and role.
    async fn admit(&self, who: &Author, role: Role, provision: bool) -> Result<Option<Account>, PortError>;

    /// Makes an account that logs in by name; `None`: the name, whatever its case, is taken.
    async fn register(&self, account: &NewAccount) -> Result<Option<Account>, PortError>;

    /// What somebody of this name, whatever its case, must prove.
    async fn credentials(&self, name: &str) -> Result<Option<Credentials>, PortError>;

    /// The rooms of all chats that the user takes part in.
    async fn rooms_of(&self, user: &UserId) -> Result<Vec<RoomId>, PortError>;

    /// All chats that the user takes part in, as they see them; the one with the newest message first.
    async fn chats_of(&self, user: &UserId) -> Result<Vec<Chat>, PortError>;

    /// One chat, as `reader` sees it, whether they take part or not.
    async fn chat(&self, room: &RoomId, reader: &UserId) -> Result<Option<Chat>, PortError>;

    /// Makes a chat. Two users have at most one direct chat, however often and at once it is made.
    async fn create_chat(&self, chat: &NewChat) -> Result<Created, PortError>;

    /// Gives a chat a title, or takes it away; `false`: there is no such chat.
    async fn retitle(&self, room: &RoomId, title: Option<&str>) -> Result<bool, PortError>;

    /// Makes the user take part.
    async fn add_participant(&self, room: &RoomId, user: &UserId) -> Result<Added, PortError>;

    /// Ends the user's part.
    async fn remove_participant(&self, room: &RoomId, user: &UserId) -> Result<Removed, PortError>;

    /// Which of these users take part in the chat.
    async fn participants_among(&self, room: &RoomId, users: &[UserId]) -> Result<Vec<UserId>, PortError>;

    /// For each of these users, everybody else who shares a chat with them, as pairs (of these, other).
    async fn peers(&self, users: &[UserId]) -> Result<Vec<(UserId, UserId)>, PortError>;

    /// Whether the two take part in one chat.
    async fn share_a_chat(&self, one: &UserId, other: &UserId) -> Result<bool, PortError>;

    /// Moves the reader's cursor to a message, forwards only, and notes that this message was read.
    async fn touch(
        &self,
        room: &RoomId,
        reader: &UserId,
        message: MessageId,
        position: Position,
        sent_at: Timestamp,
    ) -> Result<Touched, PortError>;

    /// Remembers when users were last here, forwards only. Unknown users are passed over.
    async fn seen(&self, users: &[UserId], at: Timestamp) -> Result<(), PortError>;

    /// All rulings that stand now.
    async fn rulings(&self) -> Result<Rulings, PortError>;

    /// Which of these users have an account.
    async fn known_among(&self, users: &[UserId]) -> Result<Vec<UserId>, PortError>;

    /// Disables a user, or lets them in again. An unknown user gets an account, so that it is remembered.
    async fn set_disabled(&self, user: &UserId, disabled: bool) -> Result<(), PortError>;

    /// Gives a user a role. An unknown user gets an account.
    async fn assign(&self, assignment: &Assignment) -> Result<(), PortError>;

    /// Revokes the token of this name, and remembers it until `until`, when it would have expired.
    async fn revoke(&self, token: &str, until: Timestamp) -> Result<(), PortError>;
}
