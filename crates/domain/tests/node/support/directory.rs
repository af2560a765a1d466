//! Chats and who takes part in them, in memory: can be away, and its answers can be held back.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use domain::ports::{
    Added, Assignment, Created, Credentials, Directory, PortError, Removed, Rulings, Touched,
};
use domain::{
    Account, Author, Chat, MessageId, NewAccount, NewChat, Position, Role, RoomId, Timestamp, UserId,
};

use super::script::Script;

#[derive(Default)]
pub(crate) struct ScriptedDirectory {
    parts: Mutex<Vec<(RoomId, UserId)>>,
    cursors: Mutex<HashMap<(RoomId, UserId), Position>>,
    away: AtomicBool,
    /// What was ruled.
    pub(crate) rulings: Mutex<Rulings>,
    /// Users with an account.
    pub(crate) known: Mutex<Vec<UserId>>,
    /// Looks at the rulings, held back with the answer in hand.
    pub(crate) judging: Script,
    /// Looks at who has an account.
    pub(crate) accounts: Script,
    /// Lists of a user's rooms, held back with the answer in hand.
    pub(crate) lists: Script,
    /// Looks at who takes part, held back with the answer in hand.
    pub(crate) looks: Script,
    /// Looks at who knows whom, held back with the answer in hand.
    pub(crate) peers: Script,
    /// Users who were last here some time ago.
    pub(crate) seen: Mutex<Vec<UserId>>,
}

impl ScriptedDirectory {
    /// These users take part in the chat.
    pub(crate) fn has_chat(&self, chat: &RoomId, users: &[&str]) {
        users.iter().for_each(|user| self.add(chat, user));
    }

    pub(crate) fn add(&self, chat: &RoomId, user: &str) {
        self.parts.lock().unwrap().push((chat.clone(), UserId::text(user).unwrap()));
    }

    pub(crate) fn remove(&self, chat: &RoomId, user: &str) {
        self.parts.lock().unwrap().retain(|(room, part)| room != chat || part.as_str() != user);
    }

    pub(crate) fn go_away(&self, away: bool) {
        self.away.store(away, Ordering::SeqCst);
    }

    fn present(&self) -> Result<(), PortError> {
        let away = self.away.load(Ordering::SeqCst);
        if away { Err(PortError::Unavailable("the directory is away".into())) } else { Ok(()) }
    }

    fn rooms(&self, user: &UserId) -> Vec<RoomId> {
        let parts = self.parts.lock().unwrap();
        parts.iter().filter(|(_, part)| part == user).map(|(room, _)| room.clone()).collect()
    }

    fn takes_part(&self, room: &RoomId, user: &UserId) -> bool {
        self.parts.lock().unwrap().contains(&(room.clone(), user.clone()))
    }
}

/// A node does not ask for this: the HTTP API does.
fn not_asked<T>() -> Result<T, PortError> {
    Err(PortError::Unavailable("no node asks for this".into()))
}

#[async_trait]
impl Directory for ScriptedDirectory {
    async fn admit(&self, _: &Author, _: Role, _: bool) -> Result<Option<Account>, PortError> {
        not_asked()
    }

    async fn register(&self, _: &NewAccount) -> Result<Option<Account>, PortError> {
        not_asked()
    }

    async fn credentials(&self, _: &str) -> Result<Option<Credentials>, PortError> {
        not_asked()
    }

    async fn rooms_of(&self, user: &UserId) -> Result<Vec<RoomId>, PortError> {
        let rooms = self.rooms(user);
        self.lists.turn().await?;
        self.present().map(|()| rooms)
    }

    async fn chats_of(&self, _: &UserId) -> Result<Vec<Chat>, PortError> {
        not_asked()
    }

    async fn chat(&self, _: &RoomId, _: &UserId) -> Result<Option<Chat>, PortError> {
        not_asked()
    }

    async fn create_chat(&self, _: &NewChat) -> Result<Created, PortError> {
        not_asked()
    }

    async fn retitle(&self, _: &RoomId, _: Option<&str>) -> Result<bool, PortError> {
        not_asked()
    }

    async fn add_participant(&self, _: &RoomId, _: &UserId) -> Result<Added, PortError> {
        not_asked()
    }

    async fn remove_participant(&self, _: &RoomId, _: &UserId) -> Result<Removed, PortError> {
        not_asked()
    }

    async fn participants_among(&self, room: &RoomId, users: &[UserId]) -> Result<Vec<UserId>, PortError> {
        let parts = users.iter().filter(|user| self.takes_part(room, user)).cloned().collect();
        self.looks.turn().await?;
        self.present().map(|()| parts)
    }

    async fn peers(&self, users: &[UserId]) -> Result<Vec<(UserId, UserId)>, PortError> {
        let mut pairs = Vec::new();
        for user in users {
            let rooms = self.rooms(user);
            let parts = self.parts.lock().unwrap();
            for (_, other) in parts.iter().filter(|(room, other)| other != user && rooms.contains(room)) {
                if !pairs.contains(&(user.clone(), other.clone())) {
                    pairs.push((user.clone(), other.clone()));
                }
            }
        }
        self.peers.turn().await?;
        self.present().map(|()| pairs)
    }

    async fn share_a_chat(&self, one: &UserId, other: &UserId) -> Result<bool, PortError> {
        self.present()?;
        Ok(self.rooms(one).iter().any(|room| self.takes_part(room, other)))
    }

    async fn touch(
        &self,
        room: &RoomId,
        reader: &UserId,
        _: MessageId,
        position: Position,
        _: Timestamp,
    ) -> Result<Touched, PortError> {
        self.present()?;
        if !self.takes_part(room, reader) {
            return Ok(Touched::NotThere);
        }
        let mut cursors = self.cursors.lock().unwrap();
        let cursor = cursors.entry((room.clone(), reader.clone())).or_insert(Position::START);
        if position <= *cursor {
            return Ok(Touched::Stood);
        }
        *cursor = position;
        Ok(Touched::Moved)
    }

    async fn seen(&self, users: &[UserId], _: Timestamp) -> Result<(), PortError> {
        self.seen.lock().unwrap().extend_from_slice(users);
        Ok(())
    }

    async fn rulings(&self) -> Result<Rulings, PortError> {
        let rulings = self.rulings.lock().unwrap().clone();
        self.judging.turn().await?;
        self.present().map(|()| rulings)
    }

    async fn known_among(&self, users: &[UserId]) -> Result<Vec<UserId>, PortError> {
        self.present()?;
        self.accounts.turn().await?;
        let known = self.known.lock().unwrap();
        Ok(users.iter().filter(|user| known.contains(user)).cloned().collect())
    }

    async fn set_disabled(&self, user: &UserId, disabled: bool) -> Result<(), PortError> {
        self.present()?;
        let mut rulings = self.rulings.lock().unwrap();
        rulings.disabled.retain(|known| known != user);
        if disabled {
            rulings.disabled.push(user.clone());
        }
        Ok(())
    }

    async fn assign(&self, assignment: &Assignment) -> Result<(), PortError> {
        self.present()?;
        let mut rulings = self.rulings.lock().unwrap();
        rulings.assigned.retain(|known| known.user != assignment.user);
        rulings.assigned.push(assignment.clone());
        Ok(())
    }

    async fn revoke(&self, token: &str, _: Timestamp) -> Result<(), PortError> {
        self.present()?;
        self.rulings.lock().unwrap().revoked.push(token.into());
        Ok(())
    }
}
