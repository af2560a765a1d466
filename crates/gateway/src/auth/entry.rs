//! From a request to an identity, the same for doors and for the HTTP API.
//!
//! Owns the security log: every refusal is told there once, with the peer and the reason, and never
//! with the token, the query string or a header. Of a flood from one address only some are told.

use std::net::SocketAddr;

use async_trait::async_trait;
use axum::http::{HeaderMap, Uri};
use domain::ports::Tokens;
use domain::security::Incident;
use domain::words::Identity;

use super::places::{Place, find};
use super::{Authenticator, Denied};
use crate::telemetry;

/// Why a request has no identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// A cookie came with a foreign page's request.
    Origin,
    /// The token is missing or bad.
    Token(Denied),
}

#[async_trait]
impl Tokens for Authenticator {
    async fn verify(&self, token: &str) -> Option<Identity> {
        match Self::verify(self, token).await {
            Ok(identity) => Some(identity),
            Err(denied) => {
                telemetry::refused(denied.as_str());
                let reason = denied.to_string();
                Incident { door: Some("refresh"), reason: &reason, ..Incident::default() }.refused();
                None
            }
        }
    }
}

impl Authenticator {
    /// Who sent this request. `door` is our own name for where it was sent to.
    pub(crate) async fn identify(
        &self,
        headers: &HeaderMap,
        uri: &Uri,
        peer: SocketAddr,
        door: &'static str,
    ) -> Result<Identity, Refused> {
        let outcome = self.judge(headers, uri, peer).await;
        if let Err(refused) = &outcome {
            self.tell_refusal(headers, peer, door, refused);
        }
        outcome
    }

    /// Tells the security log.
    pub(super) fn tell_refusal(
        &self,
        headers: &HeaderMap,
        peer: SocketAddr,
        door: &'static str,
        refused: &Refused,
    ) {
        let (reason, detail) = match refused {
            Refused::Origin => ("foreign_origin", "foreign_origin".to_owned()),
            Refused::Token(denied) => (denied.as_str(), denied.to_string()),
        };
        telemetry::refused(reason);
        let address = self.address(headers, peer);
        if self.may_tell(address) {
            let (address, door) = (Some(address), Some(door));
            Incident { address, door, reason: &detail, ..Incident::default() }.refused();
        }
    }

    async fn judge(&self, headers: &HeaderMap, uri: &Uri, peer: SocketAddr) -> Result<Identity, Refused> {
        let found = find(headers, uri, &self.cookie).ok_or(Refused::Token(Denied::Missing))?;
        if found.place == Place::Cookie && !self.origins.admit(headers, uri, peer, &self.proxies) {
            return Err(Refused::Origin);
        }
        self.verify(&found.token).await.map_err(Refused::Token)
    }
}
