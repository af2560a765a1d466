//! The security log: one target, so that an operator can send it elsewhere, and one set of fields.
//!
//! Told there: refused tokens and origins, denials by role, limits that were hit, kicks, revocations and evictions. Fields,
//! each where it is known: `user.id`, `peer.address`, `session.id`, `reason`. Never a token, a cookie or message text.

use std::net::IpAddr;

use tracing::field::display;

use crate::words::{ConnectionId, UserId};

/// The target of every event of the security log.
pub const TARGET: &str = "hubbub::security";

/// Something that operators may want to know of. What is not known is left out.
#[derive(Debug, Clone, Copy, Default)]
pub struct Incident<'a> {
    /// Whose doing it is.
    pub user: Option<&'a UserId>,
    /// By which connection.
    pub connection: Option<ConnectionId>,
    /// From where.
    pub address: Option<IpAddr>,
    /// At which door.
    pub door: Option<&'static str>,
    /// What it is: a stable word, perhaps with a detail of our own making.
    pub reason: &'a str,
}

impl Incident<'_> {
    /// Something was not done.
    pub fn refused(&self) {
        let Self { user, connection, address, door, reason } = *self;
        let (user, session, address) = (user.map(display), connection.map(display), address.map(display));
        tracing::warn!(
            target: TARGET,
            { user.id = user, session.id = session, peer.address = address, door, reason },
            "refused"
        );
    }

    /// A connection is ended.
    pub fn closed(&self) {
        let Self { user, connection, address, door, reason } = *self;
        let (user, session, address) = (user.map(display), connection.map(display), address.map(display));
        tracing::warn!(
            target: TARGET,
            { user.id = user, session.id = session, peer.address = address, door, reason },
            "closed"
        );
    }
}
