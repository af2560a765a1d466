//! Who is asking.
//!
//! Owns the step from a request to a user who may come in. Two kinds: [`Caller`] can do without the
//! directory while it is away, since messages are read without it; [`Known`] has an account.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use domain::words::{Account, Code, Identity};

use super::{away, peer};
use crate::auth::{Barred, Refused};
use crate::gateway::Gateway;
use crate::problem::Problem;

/// The verified sender of a request; a handler that takes it refuses everybody else. Where the directory does not
/// answer, the token alone decides.
pub(crate) struct Caller(pub(crate) Identity);

/// The verified sender of a request together with their account; refused while the directory is away.
pub(crate) struct Known {
    /// As the token says.
    pub(crate) identity: Identity,
    /// As the directory says.
    pub(crate) account: Account,
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
        match gateway.authenticator.admit(&**directory, &identity).await {
            Ok(account) => Ok(Self { identity, account }),
            Err(Barred::Away(error)) => Err(away(&error)),
            Err(Barred::Unknown | Barred::Disabled) => Err(barred()),
        }
    }
}

async fn identify(parts: &Parts, gateway: &Gateway) -> Result<Identity, Problem> {
    let peer = peer(parts)?;
    let outcome = gateway.authenticator.identify(&parts.headers, &parts.uri, peer, "api").await;
    outcome.map_err(refused)
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
