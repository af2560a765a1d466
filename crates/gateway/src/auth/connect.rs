//! The token of a Socket.IO client, which comes in two steps: the request that opens the session may carry one, and so
//! may the CONNECT behind it.

use std::net::SocketAddr;

use axum::http::{HeaderMap, Uri};
use domain::words::Identity;

use super::places::{Place, find};
use super::{Authenticator, Denied, Refused};

impl Authenticator {
    /// Whether the page that opens a session may. Its cookie is all that is known so far: a page of a foreign origin may
    /// not use it, unless the request carries a token that no page gets without being given it.
    pub(crate) fn admits_page(
        &self,
        headers: &HeaderMap,
        uri: &Uri,
        peer: SocketAddr,
        door: &'static str,
    ) -> bool {
        let by_cookie = find(headers, uri, &self.cookie).is_some_and(|found| found.place == Place::Cookie);
        let admitted = !by_cookie || self.origins.admit(headers, uri, peer, &self.proxies);
        if !admitted {
            self.tell_refusal(headers, peer, door, &Refused::Origin);
        }
        admitted
    }

    /// Who says CONNECT. `said`: the token that came with it, second only to an `Authorization` header.
    pub(crate) async fn identify_connect(
        &self,
        headers: &HeaderMap,
        uri: &Uri,
        peer: SocketAddr,
        door: &'static str,
        said: Option<&str>,
    ) -> Result<Identity, Refused> {
        let found = find(headers, uri, &self.cookie);
        let by_header = found.as_ref().filter(|found| found.place == Place::Header);
        let said = said.map(str::trim).filter(|token| !token.is_empty());
        let token = by_header.map(|found| found.token.as_str()).or(said);
        let token = token.or(found.as_ref().map(|found| found.token.as_str()));
        let outcome = match token {
            Some(token) => self.verify(token).await.map_err(Refused::Token),
            None => Err(Refused::Token(Denied::Missing)),
        };
        if let Err(refused) = &outcome {
            self.tell_refusal(headers, peer, door, refused);
        }
        outcome
    }
}
