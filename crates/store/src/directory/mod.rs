//! The [`Directory`] port: accounts, chats and who takes part in them.
//!
//! Written once for both databases; where they speak differently a statement has two texts. Invariants: every change is
//! one transaction; a chat that somebody takes part in has an owner; read cursors only move forwards.

mod accounts;
mod membership;
mod reads;
mod rows;
mod rulings;
mod views;

use std::sync::Arc;

use async_trait::async_trait;
use domain::ports::{
    Added, Assignment, Created, Credentials, Directory, PortError, Removed, Rulings, Touched,
};
use domain::words::{
    Account, Author, Chat, MessageId, Namespace, NewAccount, NewChat, Position, Role, RoomId, Timestamp,
    UserId,
};

use crate::engine::Engine;
use crate::gate::Gate;
use crate::row::signed;

/// The directory in one database.
pub(crate) struct SqlDirectory<E: Engine> {
    /// For what only reads.
    pub(crate) reader: Arc<Gate<E>>,
    /// For what may write.
    pub(crate) writer: Arc<Gate<E>>,
}

/// The id of a chat; `None`: the room is none.
fn chat_id(room: &RoomId) -> Option<&str> {
    (room.namespace() == Namespace::Chat).then(|| room.name())
}

#[async_trait]
impl<E: Engine> Directory for SqlDirectory<E> {
    async fn admit(&self, who: &Author, role: Role, provision: bool) -> Result<Option<Account>, PortError> {
        let known = self.reader.run(async |on| accounts::find::<E>(on, &who.user).await).await?;
        let row = match known {
            None if !provision => None,
            Some(row) if row.agrees_with(who) => Some(row),
            Some(_) | None => self.writer.run(async |on| accounts::record::<E>(on, who, role).await).await?,
        };
        row.map(rows::AccountRow::into_account).transpose()
    }

    async fn register(&self, account: &NewAccount) -> Result<Option<Account>, PortError> {
        self.writer.run(async |on| accounts::register::<E>(on, account).await).await
    }

    async fn credentials(&self, name: &str) -> Result<Option<Credentials>, PortError> {
        self.reader.run(async |on| accounts::credentials::<E>(on, name).await).await
    }

    async fn rooms_of(&self, user: &UserId) -> Result<Vec<RoomId>, PortError> {
        self.reader.run(async |on| views::rooms_of::<E>(on, user).await).await
    }

    async fn chats_of(&self, user: &UserId) -> Result<Vec<Chat>, PortError> {
        self.reader.run(async |on| views::all::<E>(on, user).await).await
    }

    async fn chat(&self, room: &RoomId, reader: &UserId) -> Result<Option<Chat>, PortError> {
        let Some(chat) = chat_id(room) else { return Ok(None) };
        self.reader.run(async |on| views::one::<E>(on, chat, reader).await).await
    }

    async fn create_chat(&self, chat: &NewChat) -> Result<Created, PortError> {
        self.writer.run(async |on| membership::create::<E>(on, chat).await).await
    }

    async fn retitle(&self, room: &RoomId, title: Option<&str>) -> Result<bool, PortError> {
        let Some(chat) = chat_id(room) else { return Ok(false) };
        self.writer.run(async |on| membership::retitle::<E>(on, chat, title).await).await
    }

    async fn add_participant(&self, room: &RoomId, user: &UserId) -> Result<Added, PortError> {
        let Some(chat) = chat_id(room) else { return Ok(Added::UnknownChat) };
        self.writer.run(async |on| membership::add::<E>(on, chat, user).await).await
    }

    async fn remove_participant(&self, room: &RoomId, user: &UserId) -> Result<Removed, PortError> {
        let Some(chat) = chat_id(room) else { return Ok(Removed::UnknownChat) };
        self.writer.run(async |on| membership::remove::<E>(on, chat, user).await).await
    }

    async fn participants_among(&self, room: &RoomId, users: &[UserId]) -> Result<Vec<UserId>, PortError> {
        let Some(chat) = chat_id(room) else { return Ok(Vec::new()) };
        self.reader.run(async |on| views::participants_among::<E>(on, chat, users).await).await
    }

    async fn peers(&self, users: &[UserId]) -> Result<Vec<(UserId, UserId)>, PortError> {
        self.reader.run(async |on| views::peers::<E>(on, users).await).await
    }

    async fn share_a_chat(&self, one: &UserId, other: &UserId) -> Result<bool, PortError> {
        self.reader.run(async |on| views::share_a_chat::<E>(on, one, other).await).await
    }

    async fn touch(
        &self,
        room: &RoomId,
        reader: &UserId,
        message: MessageId,
        position: Position,
        sent_at: Timestamp,
    ) -> Result<Touched, PortError> {
        let Some(chat) = chat_id(room) else { return Ok(Touched::NotThere) };
        let receipt = reads::Receipt { chat, reader, message, seq: signed(position.seq)?, sent_at };
        self.writer.run(async |on| reads::touch::<E>(on, &receipt).await).await
    }

    async fn seen(&self, users: &[UserId], at: Timestamp) -> Result<(), PortError> {
        self.writer.run(async |on| reads::seen::<E>(on, users, at).await).await
    }

    async fn rulings(&self) -> Result<Rulings, PortError> {
        self.reader.run(async |on| rulings::all::<E>(on).await).await
    }

    async fn known_among(&self, users: &[UserId]) -> Result<Vec<UserId>, PortError> {
        self.reader.run(async |on| rulings::known_among::<E>(on, users).await).await
    }

    async fn set_disabled(&self, user: &UserId, disabled: bool) -> Result<(), PortError> {
        self.writer.run(async |on| rulings::set_disabled::<E>(on, user, disabled).await).await
    }

    async fn assign(&self, assignment: &Assignment) -> Result<(), PortError> {
        self.writer.run(async |on| rulings::assign::<E>(on, assignment).await).await
    }

    async fn revoke(&self, token: &str, until: Timestamp) -> Result<(), PortError> {
        self.writer.run(async |on| rulings::revoke::<E>(on, token, until).await).await
    }
}
