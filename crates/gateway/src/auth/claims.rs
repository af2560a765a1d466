//! From verified claims to an identity.
//!
//! Owns the rules of the claims. Knows nothing of signatures: what arrives here was signed by us.

use std::sync::Arc;
use std::time::Duration;

use domain::words::{Identity, Role, RoomId, Timestamp, Token, UserId};
use serde_json::{Map, Value};

use super::Denied;

/// A token's payload.
pub(super) type Claims = Map<String, Value>;

/// What is asked of claims beyond the signature.
pub(super) struct Rules {
    pub(super) allow_missing_exp: bool,
    pub(super) max_session: Duration,
    pub(super) leeway: Duration,
    pub(super) issuer: Option<String>,
    pub(super) audience: Option<String>,
}

/// No connection lasts longer, whatever its token says: timers cannot hold every number that a claim can.
const LONGEST_SESSION: Duration = Duration::from_secs(365 * 24 * 60 * 60);

impl Rules {
    /// Who the claims speak of. A claim that is `null` is not there.
    pub(super) fn identity(&self, claims: &Claims, now: Timestamp) -> Result<Identity, Denied> {
        Ok(Identity {
            user: user(claims)?,
            name: name(claims)?,
            role: role(claims)?,
            expires_at: self.expiry(claims, now)?,
            rooms: rooms(claims)?,
            token: token(claims)?,
        })
    }

    fn expiry(&self, claims: &Claims, now: Timestamp) -> Result<Timestamp, Denied> {
        let latest = later(now, LONGEST_SESSION);
        match claim(claims, "exp") {
            None if self.allow_missing_exp => Ok(later(now, self.max_session).min(latest)),
            None => Err(Denied::MissingExp),
            Some(exp) => Ok(moment(exp).ok_or(Denied::BadClaim("exp"))?.min(latest)),
        }
    }
}

fn later(now: Timestamp, by: Duration) -> Timestamp {
    Timestamp(now.0.saturating_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
}

/// A NumericDate, which may have a fraction; the cast saturates.
fn moment(value: &Value) -> Option<Timestamp> {
    value.as_f64().map(|seconds| Timestamp((seconds * 1000.0) as i64))
}

fn claim<'a>(claims: &'a Claims, name: &str) -> Option<&'a Value> {
    claims.get(name).filter(|value| !value.is_null())
}

fn user(claims: &Claims) -> Result<UserId, Denied> {
    let (name, value) = match claim(claims, "userId") {
        Some(value) => ("userId", value),
        None => ("sub", claim(claims, "sub").ok_or(Denied::BadClaim("sub"))?),
    };
    let user = match value {
        Value::String(text) => UserId::text(text).ok(),
        // `7.0` is no integer: it would be written back as 7, which is not what the token says.
        Value::Number(number) => number.as_i64().and_then(|id| UserId::number(id).ok()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    user.ok_or(Denied::BadClaim(name))
}

fn name(claims: &Claims) -> Result<Option<Arc<str>>, Denied> {
    let Some(value) = claim(claims, "username").or_else(|| claim(claims, "name")) else {
        return Ok(None);
    };
    // NUL is refused, since no text column takes it.
    let text = value.as_str().filter(|text| !text.contains('\0')).ok_or(Denied::BadClaim("username"))?;
    Ok(Some(text).filter(|text| !text.is_empty()).map(Arc::from))
}

fn role(claims: &Claims) -> Result<Role, Denied> {
    match claim(claims, "role") {
        None => Ok(Role::default()),
        Some(value) => value.as_str().and_then(Role::parse).ok_or(Denied::BadClaim("role")),
    }
}

fn rooms(claims: &Claims) -> Result<Option<Arc<[RoomId]>>, Denied> {
    let Some(value) = claim(claims, "rooms") else {
        return Ok(None);
    };
    let keys = value.as_array().ok_or(Denied::BadClaim("rooms"))?;
    let rooms = keys.iter().map(|key| key.as_str().and_then(|key| RoomId::parse(key).ok()));
    rooms.collect::<Option<Arc<[RoomId]>>>().map(Some).ok_or(Denied::BadClaim("rooms"))
}

/// Longest name of a token, in characters.
const LONGEST_NAME: usize = 128;

/// The token's own name, by which it can be revoked, and its age.
fn token(claims: &Claims) -> Result<Token, Denied> {
    let named = |value: &Value| {
        let text = value.as_str().filter(|text| !text.contains('\0'))?;
        (1..=LONGEST_NAME).contains(&text.chars().count()).then(|| Arc::from(text))
    };
    let id = claim(claims, "jti").map(|value| named(value).ok_or(Denied::BadClaim("jti"))).transpose()?;
    let issued = claim(claims, "iat").map(|value| moment(value).ok_or(Denied::BadClaim("iat")));
    Ok(Token { id, issued_at: issued.transpose()? })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: Timestamp = Timestamp(1_800_000_000_000);

    fn rules() -> Rules {
        Rules {
            allow_missing_exp: true,
            max_session: Duration::from_secs(60),
            leeway: Duration::from_secs(5),
            issuer: None,
            audience: None,
        }
    }

    fn identity(claims: &Value) -> Result<Identity, Denied> {
        rules().identity(claims.as_object().unwrap(), NOW)
    }

    #[test]
    fn the_user_is_the_claim_user_id_and_else_the_subject() {
        for (claims, id, numeric) in [
            (json!({"userId": 7, "sub": "x"}), "7", true),
            (json!({"userId": "7"}), "7", false),
            (json!({"sub": "anna"}), "anna", false),
            (json!({"userId": null, "sub": "anna"}), "anna", false),
            (json!({"sub": -3}), "-3", true),
            (json!({"sub": 9_007_199_254_740_992_i64}), "9007199254740992", true),
        ] {
            let user = identity(&claims).unwrap().user;
            assert_eq!((user.as_str(), user.is_numeric()), (id, numeric), "{claims}");
        }
    }

    #[test]
    fn a_user_id_that_breaks_its_rule_is_a_bad_token() {
        for (claims, which) in [
            (json!({}), "sub"),
            (json!({"sub": ""}), "sub"),
            (json!({"userId": 7.0}), "userId"),
            (json!({"userId": 1.5}), "userId"),
            (json!({"userId": 9_007_199_254_740_993_i64}), "userId"),
            (json!({"userId": u64::MAX}), "userId"),
            (json!({"userId": true, "sub": "x"}), "userId"),
            (json!({"userId": "x".repeat(129)}), "userId"),
            (json!({"sub": "nul\0"}), "sub"),
        ] {
            assert_eq!(identity(&claims).unwrap_err(), Denied::BadClaim(which), "{claims}");
        }
    }

    #[test]
    fn name_role_and_rooms_are_optional_but_never_wrong() {
        let plain = identity(&json!({"sub": "a", "username": null})).unwrap();
        assert_eq!((plain.name, plain.role, plain.rooms.is_none()), (None, Role::User, true));
        let full = json!({"sub": "a", "username": "Ann", "name": "B", "role": "admin", "rooms": ["room:x", "chat:1"]});
        let full = identity(&full).unwrap();
        assert_eq!((full.name.as_deref(), full.role), (Some("Ann"), Role::Admin));
        assert!(full.may_enter(&RoomId::parse("chat:1").unwrap()));
        assert!(!full.may_enter(&RoomId::parse("room:y").unwrap()));
        assert_eq!(identity(&json!({"sub": "a", "name": "B"})).unwrap().name.as_deref(), Some("B"));
        for (claims, which) in [
            (json!({"sub": "a", "role": "root"}), "role"),
            (json!({"sub": "a", "role": 1}), "role"),
            (json!({"sub": "a", "username": 1}), "username"),
            (json!({"sub": "a", "username": "a\0"}), "username"),
            (json!({"sub": "a", "rooms": "room:x"}), "rooms"),
            (json!({"sub": "a", "rooms": ["x"]}), "rooms"),
            (json!({"sub": "a", "rooms": [7]}), "rooms"),
        ] {
            assert_eq!(identity(&claims).unwrap_err(), Denied::BadClaim(which), "{claims}");
        }
        let none = identity(&json!({"sub": "a", "rooms": []})).unwrap();
        assert!(!none.may_enter(&RoomId::parse("room:x").unwrap()), "an empty list names no room");
    }

    #[test]
    fn a_token_may_say_its_name_and_its_age_but_not_wrongly() {
        let token = |claims: Value| identity(&claims).map(|identity| identity.token);
        assert_eq!(token(json!({"sub": "a", "jti": null, "iat": null})).unwrap(), Token::default());
        let full = token(json!({"sub": "a", "jti": "t-1", "iat": 1_799_999_990.5})).unwrap();
        assert_eq!(full, Token { id: Some("t-1".into()), issued_at: Some(Timestamp(1_799_999_990_500)) });
        assert!(token(json!({"sub": "a", "jti": "\u{fc}".repeat(128)})).is_ok());
        for (claims, which) in [
            (json!({"sub": "a", "jti": ""}), "jti"),
            (json!({"sub": "a", "jti": 7}), "jti"),
            (json!({"sub": "a", "jti": "nul\0"}), "jti"),
            (json!({"sub": "a", "jti": "x".repeat(129)}), "jti"),
            (json!({"sub": "a", "iat": "yesterday"}), "iat"),
            (json!({"sub": "a", "iat": true}), "iat"),
        ] {
            assert_eq!(token(claims.clone()).unwrap_err(), Denied::BadClaim(which), "{claims}");
        }
    }

    #[test]
    fn a_session_ends_with_its_token_or_after_the_longest_session() {
        let end = |claims: Value| identity(&claims).unwrap().expires_at.0 - NOW.0;
        assert_eq!(end(json!({"sub": "a"})), 60_000);
        assert_eq!(end(json!({"sub": "a", "exp": 1_800_000_010})), 10_000);
        assert_eq!(end(json!({"sub": "a", "exp": 1_800_000_010.5})), 10_500);
        assert_eq!(end(json!({"sub": "a", "exp": 1e300})), 365 * 24 * 3_600_000);
        let strict = Rules { allow_missing_exp: false, ..rules() };
        let claims = json!({"sub": "a"});
        assert_eq!(strict.identity(claims.as_object().unwrap(), NOW).unwrap_err(), Denied::MissingExp);
    }
}
