//! Revoking tokens that are good by themselves.

use std::sync::Arc;

use axum::extract::State;
use domain::words::Timestamp;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use utoipa::ToSchema;

use crate::api::body::{Body, Fields, broken};
use crate::api::caller::Operator;
use crate::api::idempotency::{Answer, Key, KeyHeader, once};
use crate::api::openapi::{Clash, Guarded, WithBody};
use crate::api::reading::unlisted;
use crate::gateway::Gateway;
use crate::problem::Problem;

/// How long a revocation is remembered where nobody says when the token would have expired, in milliseconds: longer than
/// any token should live.
const FOR_GOOD: i64 = 10 * 365 * 24 * 3600 * 1000;

/// The token to revoke.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code, reason = "a shape for the document; the body is read field by field")]
struct Revocation {
    /// The token's name, its claim `jti`.
    #[schema(min_length = 1, max_length = 128, pattern = r"^[^\x00]{1,128}$", example = "session-7")]
    jti: String,
    /// When it would have expired (RFC 3339): from then on the revocation need not be remembered. Ten years if missing.
    #[schema(format = DateTime, example = "2027-01-31T12:00:00Z")]
    expires_at: Option<String>,
}

/// Revokes a token: connections by it end with 4503, and nobody comes in with it any more.
#[utoipa::path(post, path = "/server/tokens/revoke", operation_id = "revokeToken", tag = "server", security(("bearer" = []), ("cookie" = [])),
    params(KeyHeader), request_body = Revocation,
    responses((status = 204, description = "It is good for nothing any more"), WithBody, Guarded, Clash))]
pub(super) async fn revoke(
    State(gateway): State<Arc<Gateway>>,
    Operator(identity): Operator,
    key: Key,
    Body(fields): Body,
) -> Result<Answer, Problem> {
    unlisted(&identity)?;
    let (token, until) = (name(&fields)?.to_owned(), until(&fields)?);
    let errand = key.of(&identity.user, &format!("revoke {}", fields.canonical()));
    let at = gateway.clone();
    let deed = async move {
        at.node.revoke(&token, until).await?;
        tracing::info!(by = %identity.user, "token revoked by an operator");
        Ok(Answer::empty())
    };
    once(&gateway, errand, deed).await
}

fn name(fields: &Fields) -> Result<&str, Problem> {
    let name = fields.text("jti")?;
    if (1..=128).contains(&name.chars().count()) && !name.contains('\0') {
        return Ok(name);
    }
    Err(broken("jti", "has 1 to 128 characters and no NUL"))
}

fn until(fields: &Fields) -> Result<Timestamp, Problem> {
    let Some(text) = fields.optional_text("expiresAt")? else {
        return Ok(Timestamp(Timestamp::now().0.saturating_add(FOR_GOOD)));
    };
    let moment = OffsetDateTime::parse(text, &Rfc3339)
        .map_err(|_| broken("expiresAt", "is a moment as in 2027-01-31T12:00:00Z"))?;
    // A moment before 1970 has passed as well as any other.
    Ok(Timestamp(moment.unix_timestamp().max(0).saturating_mul(1000).saturating_add(999)))
}

#[cfg(test)]
mod tests {
    use axum::extract::FromRequest;
    use axum::http::Request;
    use serde_json::json;

    use super::*;

    async fn read(text: &str) -> Option<i64> {
        let request = Request::new(json!({"expiresAt": text}).to_string().into());
        let Ok(Body(fields)) = Body::from_request(request, &()).await else { panic!("a JSON object") };
        until(&fields).ok().map(|until| until.0)
    }

    #[tokio::test]
    async fn a_moment_is_rounded_up_to_its_second() {
        assert_eq!(read("1970-01-01T00:00:01Z").await, Some(1999));
        assert_eq!(read("1970-01-01T01:00:01.5+01:00").await, Some(1999));
        assert_eq!(read("0001-01-01T00:00:00Z").await, Some(999));
        assert_eq!(read("9999-12-31T23:59:59Z").await, Some(253_402_300_799_999));
        for text in ["", "tomorrow", "2027-01-31", "2027-02-30T00:00:00Z", "1700000000"] {
            assert_eq!(read(text).await, None, "{text}");
        }
    }
}
