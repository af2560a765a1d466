//! Connection slots, and who is online by them. Counted and judged inside the scripts.

use std::time::Duration;

use domain::ports::{Admission, PortError};
use domain::{Author, ConnectionId, UserId};

use super::link::unexpected;
use super::people::packed;
use super::seats::{Seats, word};

/// What a node hears on its own channel before the id of a connection that must go.
pub(super) const EVICT: &str = "evict ";

impl Seats {
    /// `(limit, replace_oldest)` as the port has them.
    pub(super) async fn admit(
        &self,
        who: &Author,
        connection: ConnectionId,
        (limit, replace_oldest): (usize, bool),
    ) -> Result<Admission, PortError> {
        let user = &who.user;
        let step = vec![
            word("admit"),
            user.as_str().into(),
            connection.to_string().into(),
            limit.to_string().into(),
            word(if replace_oldest { "1" } else { "0" }),
            packed(who).into(),
        ];
        let reply = self.go_leased(self.link.keys.shard_of_user(user), step).await?;
        match reply.as_str().as_deref() {
            Some("first") => Ok(Admission::Admitted { first: true }),
            Some("admitted") => Ok(Admission::Admitted { first: false }),
            Some("refused") => Ok(Admission::Refused),
            Some(answer) => self.evict(answer).await,
            None => Err(unexpected("an admission")),
        }
    }

    /// Tells the node of a replaced connection, on the channel that it probes itself by.
    async fn evict(&self, answer: &str) -> Result<Admission, PortError> {
        let replaced = answer.strip_prefix("replaces ").and_then(|told| told.rsplit_once(' '));
        let (node, connection) = replaced.ok_or_else(|| unexpected("an admission"))?;
        let id = connection.parse().map_err(|_| unexpected("an admission"))?;
        let shard = self.link.keys.shards().next().ok_or_else(|| unexpected("an admission"))?;
        let channel = self.link.keys.probe(shard, node);
        let arguments = vec![channel.as_str().into(), format!("{EVICT}{connection}").into()];
        self.link.command("SPUBLISH", &channel, arguments).await?;
        Ok(Admission::Replaces(ConnectionId(id)))
    }

    pub(super) async fn release(
        &self,
        user: &UserId,
        connection: ConnectionId,
        grace: Duration,
    ) -> Result<bool, PortError> {
        let step = vec![
            word("release"),
            user.as_str().into(),
            connection.to_string().into(),
            grace.as_millis().to_string().into(),
        ];
        let reply = self.moves.go(self.link.keys.shard_of_user(user), step).await?;
        Ok(reply.as_i64() == Some(1))
    }

    pub(super) async fn is_online(&self, user: &UserId) -> Result<bool, PortError> {
        let online = self.link.keys.online(self.link.keys.shard_of_user(user));
        let found = self.link.command("HEXISTS", &online, vec![online.as_str().into(), user.as_str().into()]);
        Ok(found.await?.as_i64() == Some(1))
    }
}
