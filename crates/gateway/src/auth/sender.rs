//! Who sends a request that may log in or out, before anybody is known: an address and a cookie's terms.
//!
//! Invariant: a page of a foreign origin can neither log its visitor in nor out.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, HeaderValue, Uri};
use domain::security::Incident;

use super::entry::Refused;
use super::proxy::{client, forwarded, is_trusted};
use super::tokens::Issued;
use super::{AuthError, Authenticator};
use crate::telemetry;

/// The sender.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sender {
    /// The client's own address.
    pub(crate) address: IpAddr,
    /// Whether the client speaks HTTPS, to a trusted proxy that says so.
    secure: bool,
}

impl Authenticator {
    /// The sender, unless a page of a foreign origin sends.
    pub(crate) fn sender(&self, headers: &HeaderMap, uri: &Uri, peer: SocketAddr) -> Result<Sender, Refused> {
        let address = client(headers, peer, &self.proxies);
        if !self.origins.admit(headers, uri, peer, &self.proxies) {
            self.note_failure(address, "foreign_origin");
            return Err(Refused::Origin);
        }
        let scheme = forwarded(headers, "x-forwarded-proto").filter(|_| is_trusted(peer, &self.proxies));
        Ok(Sender { address, secure: scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("https")) })
    }

    /// Tells the security log of a failed login; never by which name.
    pub(crate) fn note_failure(&self, address: IpAddr, reason: &'static str) {
        telemetry::refused(reason);
        if self.may_tell(address) {
            Incident { address: Some(address), door: Some("login"), reason, ..Incident::default() }.refused();
        }
    }

    /// The value of `Set-Cookie` that hands the token over, or, without one, takes it away.
    pub(crate) fn set_cookie(&self, issued: Option<&Issued>, sender: Sender) -> HeaderValue {
        let (token, age) = issued.map_or(("", 0), |issued| (issued.token.as_str(), issued.lives.as_secs()));
        let secure = if sender.secure { "; Secure" } else { "" };
        let text = format!("{}={token}; Path=/; Max-Age={age}; HttpOnly; SameSite=Lax{secure}", self.cookie);
        HeaderValue::from_str(&text).expect("the name was checked at start, a token is base64 and dots")
    }
}

/// A cookie's name, if it is one: a token of HTTP (RFC 6265, section 4.1.1).
pub(super) fn cookie_name(name: String) -> Result<String, AuthError> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if !name.is_empty() && name.bytes().all(legal) { Ok(name) } else { Err(AuthError::Cookie(name)) }
}
