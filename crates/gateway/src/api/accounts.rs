//! `/api/auth/…` and `/api/me`: registering, logging in and out, and who one is.
//!
//! Owns the order of those steps. Invariant: whoever cannot log in learns nothing of whether the name is
//! known: each refusal is the same, after the same work.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::words::{Account, Code, NewAccount, UserId};
use serde_json::{Value, json};
use uuid::Uuid;

use super::body::Body;
use super::caller::{Known, refused};
use super::{away, naming, peer};
use crate::auth::{Busy, Sender};
use crate::gateway::Gateway;
use crate::problem::Problem;

impl FromRequestParts<Arc<Gateway>> for Sender {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, gateway: &Arc<Gateway>) -> Result<Self, Problem> {
        gateway.authenticator.sender(&parts.headers, &parts.uri, peer(parts)?).map_err(refused)
    }
}

/// `POST /api/auth/register`.
pub(crate) async fn register(
    State(gateway): State<Arc<Gateway>>,
    sender: Sender,
    Body(fields): Body,
) -> Result<Response, Problem> {
    let accounts = gateway.authenticator.accounts();
    signing(&gateway)?;
    if !accounts.registration() {
        return Err(Problem::of(Code::Forbidden, "nobody can register here"));
    }
    let (name, email) = (naming::username(&fields)?, naming::email(&fields)?);
    let password = naming::new_password(&fields)?;
    accounts.take_registration(sender.address).map_err(|wait| limited(&gateway, sender.address, wait))?;
    let password_hash = accounts.passwords.hash(password).await.map_err(busy)?;
    let user = UserId::text(&Uuid::now_v7().to_string()).expect("a UUID has 36 characters");
    let account = NewAccount { user, name, email, password_hash };
    let account = gateway.node.directory().register(&account).await.map_err(|error| away(&error))?;
    let account = account.ok_or_else(|| Problem::of(Code::Conflict, "this username is taken"))?;
    tracing::info!(user.id = %account.user, "registered");
    welcome(&gateway, StatusCode::CREATED, &account, sender)
}

/// `POST /api/auth/login`.
pub(crate) async fn login(
    State(gateway): State<Arc<Gateway>>,
    sender: Sender,
    Body(fields): Body,
) -> Result<Response, Problem> {
    signing(&gateway)?;
    let (name, password) = (fields.text("username")?.trim(), fields.text("password")?);
    let accounts = gateway.authenticator.accounts();
    accounts.take_login(name, sender.address).map_err(|wait| limited(&gateway, sender.address, wait))?;
    let account = prove(&gateway, name, password).await?.map_err(|reason| {
        gateway.authenticator.note_failure(sender.address, reason);
        Problem::unauthorized("the username or the password is wrong")
    })?;
    accounts.return_login(name, sender.address);
    welcome(&gateway, StatusCode::OK, &account, sender)
}

/// `POST /api/auth/logout`. The token stays good until its `exp`: nothing on a node remembers tokens.
pub(crate) async fn logout(State(gateway): State<Arc<Gateway>>, sender: Sender) -> Response {
    let cookie = gateway.authenticator.set_cookie(None, sender);
    (StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response()
}

/// `GET /api/me`. The role is the token's, since that is what this session may do.
pub(crate) async fn me(Known { identity, account }: Known) -> Json<Value> {
    Json(shown(&Account { user: identity.user, role: identity.role, ..account }))
}

/// The account behind name and password, or the reason for the log. Each way costs one look and one hash.
async fn prove(
    gateway: &Gateway,
    name: &str,
    password: &str,
) -> Result<Result<Account, &'static str>, Problem> {
    let found = match naming::is_username(name) {
        true => gateway.node.directory().credentials(name).await.map_err(|error| away(&error))?,
        // No account has it, and no database should be asked for it.
        false => None,
    };
    let (account, hash) = found.map(|found| (found.account, found.password_hash)).unzip();
    let passwords = &gateway.authenticator.accounts().passwords;
    let matches = passwords.matches(password.to_owned(), hash).await.map_err(busy)?;
    Ok(match account {
        None => Err("unknown_name"),
        Some(_) if !matches => Err("wrong_password"),
        Some(account) if account.disabled => Err("disabled_user"),
        Some(account) => Ok(account),
    })
}

/// The answer to who has just proved to be this account.
fn welcome(
    gateway: &Gateway,
    status: StatusCode,
    account: &Account,
    sender: Sender,
) -> Result<Response, Problem> {
    let issued = gateway.authenticator.issue(account).ok_or_else(unsigned)?;
    let cookie = gateway.authenticator.set_cookie(Some(&issued), sender);
    let body = Json(json!({"token": issued.token, "user": shown(account)}));
    Ok((status, [(header::SET_COOKIE, cookie)], body).into_response())
}

fn shown(account: &Account) -> Value {
    json!({"id": super::message::Id(&account.user), "username": &*account.name, "role": account.role.as_str()})
}

fn signing(gateway: &Gateway) -> Result<(), Problem> {
    if gateway.authenticator.signs() { Ok(()) } else { Err(unsigned()) }
}

fn unsigned() -> Problem {
    Problem::of(
        Code::NotFound,
        "tokens come from elsewhere: this server has a key set and nothing to sign with",
    )
}

fn limited(gateway: &Gateway, address: IpAddr, wait: Duration) -> Problem {
    gateway.authenticator.note_failure(address, "rate_limited");
    Problem::of(Code::RateLimited, "too many tries").after(wait)
}

fn busy(_: Busy) -> Problem {
    Problem::of(Code::Overloaded, "too many are logging in just now").after(Duration::from_secs(2))
}
