//! How often one address may open connections, whoever it says it is; and how often it is told that it was refused.
//!
//! Owns the counts per address. Invariant: memory is bounded however many addresses knock, and a flood does not flood the
//! security log.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use axum::http::HeaderMap;
use domain::security::Incident;

use super::Authenticator;
use super::accounts::network;
use super::limiter::Limiter;
use super::proxy::client;
use crate::seldom::Seldom;
use crate::telemetry;

/// Seconds' worth of handshakes that may come at once: behind one address may be a whole office that reconnects.
const BURST: u32 = 10;

/// Refusals of one address in a minute that the security log is told of; metrics count all of them.
const TOLD_PER_MINUTE: u32 = 120;

/// The handshakes of each address, and its refusals.
pub(super) struct Arrivals {
    limiter: Limiter<IpAddr>,
    told: Seldom,
    refusals: Limiter<IpAddr>,
}

impl Arrivals {
    /// So many handshakes of one address in a second; 0: any number.
    pub(super) fn new(per_second: u32) -> Self {
        let limiter = Limiter::per_second(per_second, per_second.saturating_mul(BURST));
        Self { limiter, told: Seldom::default(), refusals: Limiter::per_minute(TOLD_PER_MINUTE) }
    }
}

impl Authenticator {
    /// Where a request comes from, as far as trusted proxies say.
    pub(crate) fn address(&self, headers: &HeaderMap, peer: SocketAddr) -> IpAddr {
        client(headers, peer, &self.proxies)
    }

    /// Whether the security log is told of one more refusal of this address.
    pub(super) fn may_tell(&self, address: IpAddr) -> bool {
        self.arrivals.refusals.take(network(address)).is_ok()
    }

    /// Takes a handshake of this address, or says when there will be one. `door` is our own name for where it knocks.
    pub(crate) fn take_handshake(&self, address: IpAddr, door: &'static str) -> Result<(), Duration> {
        let taken = self.arrivals.limiter.take(network(address));
        if taken.is_err() {
            telemetry::refused("handshakes");
            if self.arrivals.told.may() {
                let (address, door) = (Some(address), Some(door));
                Incident { address, door, reason: "handshakes_per_address", ..Incident::default() }.refused();
            }
        }
        taken
    }
}
