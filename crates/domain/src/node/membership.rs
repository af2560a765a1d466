//! Who belongs to which room, acted on at once on every node.
//!
//! The seat is the cache that every send is checked against: it is given after the directory was asked *behind* the
//! subscription, and taken by a whisper that stands in the room's own order. So nothing that is published behind a
//! removal reaches who was removed, and a removal cannot slip between the look and the seat.

use std::collections::HashSet;
use std::time::Duration;

use tokio::time::sleep;

use super::Node;
use super::history::unavailable;
use crate::ports::PortError;
use crate::words::{Fault, Namespace, RoomId, UserId, Whisper};

/// The longest wait for other nodes to hear a removal, many times what it takes: one of them may be dead.
const HEARD: Duration = Duration::from_secs(1);
/// Time for them to hear it where they cannot be asked.
const UNASKED: Duration = Duration::from_millis(150);
/// Pause before a failed look is repeated.
const PAUSE: Duration = Duration::from_millis(500);

impl Node {
    /// Whether membership in the directory decides who is in this room.
    pub(super) fn is_exclusive(&self, room: &RoomId) -> bool {
        self.policies().of(room.namespace()).participants_only
    }

    /// Whether the user takes part in a room that wants it.
    pub(super) async fn belongs(&self, room: &RoomId, user: &UserId) -> Result<bool, PortError> {
        let found = self.directory().participants_among(room, std::slice::from_ref(user)).await?;
        Ok(!found.is_empty())
    }

    /// The user was given a part in `room`: their connections join it, on every node.
    pub async fn summon(&self, room: &RoomId, user: &UserId) -> Result<(), Fault> {
        let whisper = Whisper::Added(room.clone());
        self.whisper(RoomId::of_user(user), None, whisper).await.map_err(|error| unavailable(&error))
    }

    /// The user has no part in `room` any more. Nothing that is published after this returns reaches them, on any node.
    /// What they send themselves is refused by their own node as soon as that has heard of it, which is waited for.
    pub async fn expel(&self, room: &RoomId, user: &UserId) -> Result<(), Fault> {
        let whisper = Whisper::Removed(user.clone());
        self.whisper(room.clone(), None, whisper).await.map_err(|error| unavailable(&error))?;
        if let Err(error) = self.put_out_everywhere(room, user, HEARD).await {
            tracing::debug!(%error, "other nodes cannot be asked whether they have heard a removal");
            sleep(UNASKED).await;
        }
        Ok(())
    }

    /// Compares seats with the directory whenever a change may have gone unheard, for as long as the node lives.
    pub(super) async fn verify_members_forever(&self) {
        loop {
            self.relay().doubt.notified().await;
            while let Err(error) = self.verify_members().await {
                tracing::warn!(%error, "members cannot be compared with the directory yet");
                sleep(PAUSE).await;
            }
        }
    }

    async fn verify_members(&self) -> Result<(), PortError> {
        let own = |room: &RoomId| room.namespace() == Namespace::User;
        let seated = self.hub().seated(|room| self.is_exclusive(room) || own(room));
        for (user, rooms) in seated {
            let parts: HashSet<RoomId> = self.directory().rooms_of(&user).await?.into_iter().collect();
            for room in rooms.iter().filter(|room| self.is_exclusive(room) && !parts.contains(room)) {
                self.hub().expel(room, &user);
            }
            for room in parts.iter().filter(|room| !rooms.contains(room)) {
                self.hub().summon(&RoomId::of_user(&user), room, false);
            }
        }
        Ok(())
    }
}
