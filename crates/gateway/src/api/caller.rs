//! Who is asking.
//!
//! Owns the step from a request to a user who may come in. Three kinds: [`Caller`] can do without the
//! directory while it is away, since messages are read without it; [`Known`] has an account; [`Operator`] is a
//! [`Caller`] in authority. Invariant: what operators have ruled counts for each of them, above what the token says.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use domain::words::{Account, Code, Identity, Role};

use super::{away, peer};
use crate::auth::{Barred, Refused, Whence};
use crate::gateway::Gateway;
use crate::problem::Problem;

/// Our own name for where these requests come in.
const DOOR: &str = "api";

/// The verified sender of a request; a handler that takes it refuses everybody else. Where the directory does not
/// answer, the token alone decides.
pub(crate) struct Caller(pub(crate) Identity);

/// The verified sender of a request together with their account; refused while the directory is away.
pub(crate) struct Known {
    /// As the token says, in the role that counts.
    pub(crate) identity: Identity,
    /// As the directory says.
    pub(crate) account: Account,
}

/// The verified sender of what only an admin or a service may ask for.
pub(crate) struct Operator(pub(crate) Identity);

impl FromRequestParts<Arc<Gateway>> for Whence {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, gateway: &Arc<Gateway>) -> Result<Self, Problem> {
        whence(parts, gateway)
    }
}

impl FromRequestParts<Arc<Gateway>> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, gateway: &Arc<Gateway>) -> Result<Self, Problem> {
        let Caller(identity) = Caller::from_request_parts(parts, gateway).await?;
        match identity.role {
            Role::Admin | Role::Service => Ok(Self(identity)),
            Role::User | Role::Moderator => {
                gateway.authenticator.refuse(whence(parts, gateway)?, &identity, "needs_admin");
                Err(Problem::of(Code::Forbidden, "only admins and services may do this"))
            }
        }
    }
}

impl FromRequestParts<Arc<Gateway>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, gateway: &Arc<Gateway>) -> Result<Self, Problem> {
        let identity = identify(parts, gateway).await?;
        let directory = gateway.node.directory();
        match gateway.authenticator.admit_promptly(&**directory, &identity).await {
            Ok(_) => Ok(Self(identity)),
            Err(Barred::Away(error)) => {
                tracing::debug!(%error, "a caller goes on without the directory");
                Ok(Self(identity))
            }
            Err(Barred::Unknown | Barred::Disabled) => Err(barred()),
        }
    }
}

impl FromRequestParts<Arc<Gateway>> for Known {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, gateway: &Arc<Gateway>) -> Result<Self, Problem> {
        let identity = identify(parts, gateway).await?;
        let directory = gateway.node.directory();
        let whence = whence(parts, gateway)?;
        match gateway.authenticator.admit_from(&**directory, &identity, whence).await {
            Ok(account) => Ok(Self { identity, account }),
            Err(Barred::Away(error)) => Err(away(&error)),
            Err(Barred::Unknown | Barred::Disabled) => Err(barred()),
        }
    }
}

async fn identify(parts: &Parts, gateway: &Gateway) -> Result<Identity, Problem> {
    let peer = peer(parts)?;
    let outcome = gateway.authenticator.identify(&parts.headers, &parts.uri, peer, DOOR).await;
    let mut identity = outcome.map_err(refused)?;
    if let Some(ruling) = gateway.node.ruling_against(&identity) {
        gateway.authenticator.refuse(whence(parts, gateway)?, &identity, ruling);
        return Err(barred());
    }
    identity.role = gateway.node.role_of(&identity);
    Ok(identity)
}

fn whence(parts: &Parts, gateway: &Gateway) -> Result<Whence, Problem> {
    let address = gateway.authenticator.address(&parts.headers, peer(parts)?);
    Ok(Whence { address: Some(address), door: Some(DOOR) })
}

/// The answer to a request without a good token.
pub(super) fn refused(refused: Refused) -> Problem {
    match refused {
        Refused::Origin => Problem::of(Code::Forbidden, "this origin may not use the cookie"),
        Refused::Token(_) => Problem::unauthorized("a valid token is needed"),
    }
}

fn barred() -> Problem {
    Problem::unauthorized("this user may not come in")
}
