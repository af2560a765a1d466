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
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::body::Body;
use super::caller::{Known, refused};
use super::message::Id;
use super::openapi::{AnyUserId, Clash, Guarded, Missing, Paced, Sent, WithBody};
use super::{away, naming, peer};
use crate::auth::{Busy, Sender};
use crate::gateway::Gateway;
use crate::problem::Problem;

/// Who registers.
#[derive(ToSchema)]
#[allow(dead_code, reason = "a shape for the document; the body is read field by field")]
struct Registration {
    /// Without control characters; the space around it does not count. Taken whatever its case.
    #[schema(
        min_length = 1,
        max_length = 64,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\x00-\x20\x7f-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000][^\x00-\x1f\x7f-\x9f]*$",
        example = "Anna"
    )]
    username: String,
    /// Any characters.
    #[schema(min_length = 8, max_length = 1024, format = Password, example = "correct horse")]
    password: String,
    /// Where mail reaches them: at most 64 bytes before the `@`, 254 in all. An empty one is none.
    #[schema(
        max_length = 254,
        example = "anna@example.org",
        pattern = r#"^([^\x00-\x20\x7f-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000<>()\[\],;:\\"@]{1,64}@[^\x00-\x20\x7f-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000<>()\[\],;:\\"@.]+(\.[^\x00-\x20\x7f-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000<>()\[\],;:\\"@.]+)*)?$"#
    )]
    email: Option<String>,
}

/// Who logs in.
#[derive(ToSchema)]
#[allow(dead_code, reason = "a shape for the document; the body is read field by field")]
struct Credentials {
    /// The name, in any case.
    #[schema(example = "Anna")]
    username: String,
    /// The password.
    #[schema(format = Password, example = "correct horse")]
    password: String,
}

/// A user, as they see themselves.
#[derive(Serialize, ToSchema)]
pub(super) struct Person<'a> {
    #[schema(value_type = AnyUserId)]
    id: Id<'a>,
    username: &'a str,
    /// What this user may do: each may do what those before it may.
    #[schema(value_type = RoleName)]
    role: &'static str,
}

/// The roles.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[allow(dead_code, reason = "a shape for the document; the domain names the roles")]
enum RoleName {
    User,
    Moderator,
    Admin,
    Service,
}

/// Who has logged in.
#[derive(Serialize, ToSchema)]
#[schema(as = Session)]
struct Welcome<'a> {
    /// For the header `Authorization: Bearer`.
    token: &'a str,
    user: Person<'a>,
}

impl FromRequestParts<Arc<Gateway>> for Sender {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, gateway: &Arc<Gateway>) -> Result<Self, Problem> {
        gateway.authenticator.sender(&parts.headers, &parts.uri, peer(parts)?).map_err(refused)
    }
}

/// Makes an account, and logs it in.
#[utoipa::path(post, path = "/auth/register", operation_id = "register", tag = "accounts", request_body = Registration, security(()),
    responses(
        (status = 201, description = "The account is made", body = Welcome<'_>,
            headers(("Set-Cookie" = String, description = "The same token, `HttpOnly`"))),
        WithBody, Sent, Clash, Missing, Paced,
    ))]
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

/// Gives a token for name and password.
#[utoipa::path(post, path = "/auth/login", operation_id = "logIn", tag = "accounts", request_body = Credentials, security(()),
    responses(
        (status = 200, description = "Logged in", body = Welcome<'_>,
            headers(("Set-Cookie" = String, description = "The same token, `HttpOnly`"))),
        WithBody, Guarded, Missing, Paced,
    ))]
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

/// Takes the cookie away. The token stays good until its `exp`: nothing on a node remembers tokens.
#[utoipa::path(post, path = "/auth/logout", operation_id = "logOut", tag = "accounts", security(()),
    responses(
        (status = 204, description = "The cookie is gone",
            headers(("Set-Cookie" = String, description = "An expired one"))),
        Sent,
    ))]
pub(crate) async fn logout(State(gateway): State<Arc<Gateway>>, sender: Sender) -> Response {
    let cookie = gateway.authenticator.set_cookie(None, sender);
    (StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response()
}

/// Who one is. The role is the token's, since that is what this session may do.
#[utoipa::path(get, path = "/me", operation_id = "getMe", tag = "accounts", security(("bearer" = []), ("cookie" = [])),
    responses((status = 200, description = "The caller", body = Person<'_>), Guarded))]
pub(crate) async fn me(Known { identity, account }: Known) -> Response {
    Json(shown(&Account { user: identity.user, role: identity.role, ..account })).into_response()
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
    let body = Json(Welcome { token: &issued.token, user: shown(account) });
    Ok((status, [(header::SET_COOKIE, cookie)], body).into_response())
}

fn shown(account: &Account) -> Person<'_> {
    Person { id: Id(&account.user), username: &account.name, role: account.role.as_str() }
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
