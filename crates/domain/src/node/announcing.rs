//! What operators and services do from outside: announcing, publishing in somebody's name, ending connections, ruling who
//! may come in. A ruling is written down first and told to every node second, so a node that does not hear it finds it.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::Node;
use super::history::unavailable;
use super::purse::Toll;
use super::unsealed::Unsealed;
use crate::ports::{Assignment, Attendance, Attendee, NodeStanding, PortError, Published, Tally};
use crate::words::{
    Announcement, Audience, Author, ClientId, Code, Content, Fault, Identity, Kind, Role, RoomId, Timestamp,
    UserId, Whisper,
};

/// Pause before a subscription that failed is tried again.
const PAUSE: Duration = Duration::from_millis(500);

impl Node {
    /// Hears what is told to every node, for as long as the node lives.
    pub(super) async fn hear_everywhere(&self) {
        while let Err(error) = self.broker().subscribe(&RoomId::everywhere()).await {
            tracing::warn!(%error, "what is told to every node cannot be heard yet");
            sleep(PAUSE).await;
        }
        // A ruling may have been told since the first look, and not been heard yet.
        self.bars().doubt();
    }

    async fn tell_everywhere(&self, whisper: Whisper) -> Result<(), Fault> {
        let told = self.whisper(RoomId::everywhere(), None, whisper).await;
        told.map_err(|error| unavailable(&error))
    }

    /// Publishes a message in somebody's name. Nobody need be in the room.
    pub async fn publish(
        &self,
        room: &RoomId,
        author: Author,
        content: Content,
        client_id: Option<ClientId>,
    ) -> Result<Published, Fault> {
        let unsealed = Unsealed::new(room.clone(), Kind::Message, Some(content)).named(client_id);
        let draft = unsealed.seal(&*self.opener().sealer, author, None);
        self.broker().publish(draft).await.map_err(|error| unavailable(&error))
    }

    /// Announces something to connections of the cluster, whatever they are in.
    pub async fn announce(&self, announcement: Announcement, to: Audience) -> Result<(), Fault> {
        self.tell_everywhere(Whisper::Announce { announcement, to }).await
    }

    /// Ends every connection of a user; they may come back. Returns how many there were.
    pub async fn disconnect(&self, user: &UserId) -> Result<u64, Fault> {
        let open = self.connections_of(user).await?;
        self.tell_everywhere(Whisper::Dismissed { user: user.clone(), barred: false }).await?;
        Ok(open)
    }

    /// Ends every connection of a user and keeps them out. Returns how many there were.
    pub async fn disable(&self, user: &UserId) -> Result<u64, Fault> {
        // First, so that it stands whatever else is away.
        let written = self.directory().set_disabled(user, true).await;
        written.map_err(|error| unavailable(&error))?;
        let open = self.connections_of(user).await?;
        self.tell_everywhere(Whisper::Dismissed { user: user.clone(), barred: true }).await?;
        Ok(open)
    }

    /// Lets a user in again.
    pub async fn enable(&self, user: &UserId) -> Result<(), Fault> {
        let written = self.directory().set_disabled(user, false).await;
        written.map_err(|error| unavailable(&error))?;
        self.tell_everywhere(Whisper::Readmitted(user.clone())).await
    }

    /// Gives a user a role, also on connections that are open.
    pub async fn assign(&self, user: &UserId, role: Role) -> Result<(), Fault> {
        let assignment = Assignment { user: user.clone(), role, at: Timestamp::now() };
        let written = self.directory().assign(&assignment).await;
        written.map_err(|error| unavailable(&error))?;
        self.tell_everywhere(Whisper::Assigned(assignment)).await
    }

    /// Revokes the token of this name; `until`: when it would have expired.
    pub async fn revoke(&self, token: &str, until: Timestamp) -> Result<(), Fault> {
        let written = self.directory().revoke(token, until).await;
        written.map_err(|error| unavailable(&error))?;
        self.tell_everywhere(Whisper::Revoked(token.into())).await
    }

    async fn connections_of(&self, user: &UserId) -> Result<u64, Fault> {
        let found = self.presence().connections_of(std::slice::from_ref(user)).await;
        Ok(found.map_err(|error| unavailable(&error))?.first().copied().unwrap_or(0))
    }

    /// How many there are, across the cluster.
    pub async fn tally(&self) -> Result<Tally, Fault> {
        self.presence().tally().await.map_err(|error| unavailable(&error))
    }

    /// Every live node.
    pub async fn nodes(&self) -> Result<Vec<NodeStanding>, Fault> {
        self.presence().nodes().await.map_err(|error| unavailable(&error))
    }

    /// Up to `limit` distinct users in the room with their connections, and how many there are in all.
    pub async fn attendees(&self, room: &RoomId, limit: usize) -> Result<(Vec<Attendee>, u64), Fault> {
        let (members, count) = self.members(room, limit).await?;
        let users: Vec<UserId> = members.iter().map(|member| member.user.clone()).collect();
        let connections = self.presence().connections_of(&users).await;
        let connections = connections.map_err(|error| unavailable(&error))?;
        let both = members.into_iter().zip(connections);
        Ok((both.map(|(who, connections)| Attendee { who, connections }).collect(), count))
    }

    /// Who is online.
    pub(super) async fn attendance(&self) -> Result<Attendance, PortError> {
        self.attendances().look().await
    }

    /// Takes a publishing command from the user's budget across the cluster, as far as the node's purse does not pay for it.
    /// A budget that cannot be asked lets pass: without the broker nothing is published anyway.
    pub(super) async fn spend(&self, identity: &Identity) -> Result<(), Fault> {
        let rate = self.limits().rate();
        if rate.per_second == 0 || identity.role == Role::Service {
            return Ok(());
        }
        let user = &identity.user;
        let Toll::Ask { must, ahead } = self.purses().take(user, rate, Instant::now()) else { return Ok(()) };
        let mut asked = self.presence().spend(user, must + ahead, rate).await;
        let mut bought = ahead;
        if ahead > 0 && matches!(asked, Ok(Some(_))) {
            asked = self.presence().spend(user, must, rate).await;
            bought = 0;
        }
        match asked {
            Ok(None) => {
                self.purses().paid(user, bought, Instant::now());
                Ok(())
            }
            Ok(Some(wait)) => Err(Fault::retry(Code::RateLimited, "this user sends too many messages", wait)),
            Err(error) => {
                tracing::debug!(%error, "a user's budget cannot be asked now");
                Ok(())
            }
        }
    }

    /// Why this identity may not come in, if operators have ruled so.
    pub fn ruling_against(&self, identity: &Identity) -> Option<&'static str> {
        self.bars().against(identity)
    }

    /// What this identity may do, as operators have ruled.
    pub fn role_of(&self, identity: &Identity) -> Role {
        self.bars().role_of(identity)
    }
}
