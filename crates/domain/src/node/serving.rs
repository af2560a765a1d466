//! A connection's way in and out: the slot it takes, its place on the node's list, the seats it leaves behind.

use std::sync::Arc;

use super::connection::{Connection, Start};
use super::hub::Member;
use super::population::{Owner, Resident};
use super::session::Session;
use super::{Door, Node, Outbound, Transport, Visitor};
use crate::ports::{Admission, PortError};
use crate::words::{Author, CloseReason, ConnectionId, RoomId, UserId};

impl Node {
    /// The whole life of one connection: from the slot it takes to the seats it gives back.
    pub fn serve<T: Transport>(
        self: Arc<Self>,
        transport: T,
        door: Arc<Door>,
        visitor: Visitor,
    ) -> impl Future<Output = CloseReason> + Send + use<T> {
        // Boxed, like everything that an idle connection does not do, and before the future is made: that one lies in memory
        // all its life, and would keep the room that its arguments came in.
        let entering = Box::pin(self.clone().enter(transport, door, visitor));
        async move {
            let (connection, resident) = match entering.await {
                Ok(entered) => entered,
                Err(reason) => return reason,
            };
            let (reason, rooms) = connection.run().await;
            Box::pin(self.leave(resident, reason, rooms)).await;
            reason
        }
    }

    async fn enter<T: Transport>(
        self: Arc<Self>,
        mut transport: T,
        door: Arc<Door>,
        visitor: Visitor,
    ) -> Result<(Box<Connection<T>>, Resident), CloseReason> {
        let outbound = Arc::new(Outbound::new(ConnectionId::new(), self.limits(), self.pacer().clone()));
        let Visitor { identity, resume, room, address } = visitor;
        let mut session = Session { node: self, door, outbound, identity, address };
        let resident = match session.node.admit(&session).await {
            Ok(resident) => resident,
            Err(reason) => {
                transport.close(reason).await;
                return Err(reason);
            }
        };
        // Looked up behind the registration, like what bars it: a role that is given later finds the connection.
        session.identity.role = session.node.role_of(&session.identity);
        let (id, user) = (session.outbound.id(), &session.identity.user);
        tracing::debug!(session.id = %id, user.id = %user, door = session.door.profile.name, "connection opened");
        let start = Start { resume, room };
        Ok((Box::new(Connection::new(transport, Arc::new(session), start)), resident))
    }

    async fn leave(&self, resident: Resident, reason: CloseReason, rooms: Vec<RoomId>) {
        let (id, user) = (resident.id(), resident.user().clone());
        for room in rooms {
            self.unseat(&room, id, &user).await;
        }
        self.release(id).await;
        drop(resident);
        tracing::debug!(session.id = %id, user.id = %user, code = reason.code(), "connection closed");
        metrics::counter!("hubbub_disconnects_total", "code" => reason.code().to_string()).increment(1);
    }

    /// Takes one of the user's slots, and a place on the list.
    async fn admit(&self, session: &Session) -> Result<Resident, CloseReason> {
        if self.is_draining() {
            return Err(CloseReason::Draining);
        }
        let (outbound, identity) = (&session.outbound, &session.identity);
        // On the list before anything can be said of it: an eviction or a ruling that comes later finds the connection.
        let resident = self.population().register(outbound, Owner::of(identity, session.address));
        let resident = resident.ok_or(CloseReason::Draining)?;
        if let Some(ruling) = self.bars().against(identity) {
            session.report(ruling);
            return Err(CloseReason::Kicked);
        }
        match self.keeper().slots.admit(&identity.author(), outbound.id()).await {
            Admission::Admitted { .. } | Admission::Replaces(_) => Ok(resident),
            Admission::Refused => {
                session.report("too_many_connections");
                Err(CloseReason::TooManyConnections)
            }
        }
    }

    async fn release(&self, connection: ConnectionId) {
        if self.keeper().slots.release(connection).await {
            self.keeper().grace_has_begun(self.limits().offline_grace);
        }
    }

    /// Joins the hub, subscribes if this is the room's first local member, takes the seat.
    /// Returns how many distinct users are in the room; 0 where they are not counted.
    pub(super) async fn seat(&self, room: &RoomId, member: Member) -> Result<u64, PortError> {
        let who = member.who.clone();
        let subscription = self.hub().join(room, member);
        self.keeper().seat(room, &who, &subscription).await
    }

    /// The same for a connection that is in the room already; `None`: it is not, or not any more.
    pub(super) async fn seat_again(
        &self,
        room: &RoomId,
        connection: ConnectionId,
        who: &Author,
    ) -> Option<Result<u64, PortError>> {
        let subscription = self.hub().rejoin(room, connection)?;
        Some(self.keeper().seat(room, who, &subscription).await)
    }

    /// Leaves the hub, and gives the seat back if no other connection of the user is in the room here.
    pub(super) async fn unseat(&self, room: &RoomId, connection: ConnectionId, user: &UserId) {
        self.hub().leave(room, connection);
        self.keeper().unseat(room, user).await;
    }
}
