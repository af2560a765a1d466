//! The `Presence` port, put together from its parts: seats, slots, sweeping.

use std::time::Duration;

use async_trait::async_trait;
use domain::ports::{Admission, Census, Lease, PortError, Presence, Swept};
use domain::{Author, ConnectionId, RoomId, UserId};

use super::RedisNode;

#[async_trait]
impl Presence for RedisNode {
    async fn enter(&self, room: &RoomId, who: &Author) -> Result<Census, PortError> {
        self.seats.enter(room, who).await
    }

    async fn leave(&self, room: &RoomId, user: &UserId) -> Result<Census, PortError> {
        self.seats.leave(room, user).await
    }

    async fn members(&self, room: &RoomId, limit: usize) -> Result<(Vec<Author>, u64), PortError> {
        self.seats.members(room, limit).await
    }

    async fn admit(
        &self,
        who: &Author,
        connection: ConnectionId,
        limit: usize,
        replace_oldest: bool,
    ) -> Result<Admission, PortError> {
        self.seats.admit(who, connection, (limit, replace_oldest)).await
    }

    async fn release(
        &self,
        user: &UserId,
        connection: ConnectionId,
        grace: Duration,
    ) -> Result<bool, PortError> {
        self.seats.release(user, connection, grace).await
    }

    async fn is_online(&self, user: &UserId) -> Result<bool, PortError> {
        self.seats.is_online(user).await
    }

    async fn held(&self) -> Result<Vec<(RoomId, UserId)>, PortError> {
        self.seats.held().await
    }

    async fn renew(&self) -> Result<Lease, PortError> {
        self.seats.renew().await
    }

    async fn sweep(&self) -> Result<Swept, PortError> {
        self.seats.sweep().await
    }

    async fn retire(&self, grace: Duration) -> Result<(), PortError> {
        self.seats.retire(grace).await
    }
}
