//! The `Presence` port, put together from its parts: seats, slots, sweeping, counting, budgets.

use std::time::Duration;

use async_trait::async_trait;
use domain::ports::{
    Admission, Attendance, Census, Lease, NodeStanding, PortError, Presence, Rate, Swept, Tally,
};
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

    async fn tally(&self) -> Result<Tally, PortError> {
        self.seats.tally().await
    }

    async fn attendance(&self, limit: usize) -> Result<Attendance, PortError> {
        self.seats.attendance(limit).await
    }

    async fn count(&self, room: &RoomId) -> Result<u64, PortError> {
        self.seats.count(room).await
    }

    async fn connections_of(&self, users: &[UserId]) -> Result<Vec<u64>, PortError> {
        self.seats.connections_of(users).await
    }

    async fn nodes(&self) -> Result<Vec<NodeStanding>, PortError> {
        self.seats.standings().await
    }

    async fn spend(&self, user: &UserId, cost: u32, rate: Rate) -> Result<Option<Duration>, PortError> {
        self.seats.spend(user, cost, rate).await
    }
}
