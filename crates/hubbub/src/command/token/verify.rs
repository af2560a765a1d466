//! `hubbub token verify`: the claims, or the reason why the token is refused.
//!
//! Invariant: the rules are those of the settings, never those of the token's own header.

use jsonwebtoken::dangerous::insecure_decode_claims;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde_json::Value;

use super::{secret, shown_time};
use crate::cli::VerifyArguments;
use crate::command::print;
use crate::config::{AuthConfig, Config, Secret};
use crate::exit::Exit;

/// Largest integer that every JSON reader keeps exact.
const EXACT: u64 = 1 << 53;

pub(super) fn run(arguments: &VerifyArguments, config: &Config) -> Result<(), Exit> {
    let (secret, origin) = secret(config, &arguments.data)?;
    let refused = |reason| {
        Exit::Failure(format!("the token is refused: {reason} (checked with the secret of {origin})"))
    };
    let claims = verify(arguments.token.trim(), &secret, &config.auth).map_err(refused)?;
    let text = serde_json::to_string_pretty(&claims)
        .map_err(|error| Exit::failure("cannot print the claims", error))?;
    print(&format!("{text}\n"))
}

/// The claims of a good token, or why it is none.
fn verify(token: &str, secret: &Secret, auth: &AuthConfig) -> Result<Value, String> {
    let key = DecodingKey::from_secret(secret.expose().as_bytes());
    let claims = match decode::<Value>(token, &key, &validation(auth)) {
        Ok(data) => data.claims,
        Err(error) => return Err(reason(error.kind(), token)),
    };
    match user(&claims) {
        Some(_) => Ok(claims),
        None => {
            Err("it names no user: `userId` or `sub` must be a text of 1 to 128 characters or an integer"
                .to_owned())
        }
    }
}

fn validation(auth: &AuthConfig) -> Validation {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.required_spec_claims.clear();
    validation.leeway = auth.leeway.as_secs();
    validation.validate_nbf = true;
    validation.validate_aud = auth.audience.is_some();
    if !auth.allow_missing_exp {
        validation.required_spec_claims.insert("exp".to_owned());
    }
    // A claim that is missing passes unless it is listed here as well.
    if let Some(issuer) = &auth.issuer {
        validation.set_issuer(&[issuer]);
        validation.required_spec_claims.insert("iss".to_owned());
    }
    if let Some(audience) = &auth.audience {
        validation.set_audience(&[audience]);
        validation.required_spec_claims.insert("aud".to_owned());
    }
    validation
}

fn user(claims: &Value) -> Option<&Value> {
    let user = claims.get("userId").or_else(|| claims.get("sub"))?;
    let fits = match user {
        Value::String(text) => (1..=128).contains(&text.chars().count()),
        Value::Number(number) => number.as_i64().is_some_and(|number| number.unsigned_abs() <= EXACT),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => false,
    };
    fits.then_some(user)
}

fn reason(kind: &ErrorKind, token: &str) -> String {
    match kind {
        ErrorKind::ExpiredSignature => format!("it expired{}", at(token, "exp")),
        ErrorKind::ImmatureSignature => {
            format!("it is not good yet{}", at(token, "nbf").replace(" at", " before"))
        }
        ErrorKind::InvalidSignature => "it was signed with another secret, or changed".to_owned(),
        ErrorKind::InvalidAlgorithm | ErrorKind::InvalidAlgorithmName => {
            "its algorithm is not HS256".to_owned()
        }
        ErrorKind::MissingRequiredClaim(claim) => format!("it lacks `{claim}`"),
        ErrorKind::InvalidClaimFormat(claim) => format!("`{claim}` is malformed"),
        ErrorKind::InvalidIssuer => "`iss` is not auth.issuer".to_owned(),
        ErrorKind::InvalidAudience => "`aud` is not auth.audience".to_owned(),
        // The library may name more kinds; all that are left mean that this is no token at all.
        _ => "it is not a JSON Web Token".to_owned(),
    }
}

/// When, according to a token whose signature was found good before its times were looked at.
fn at(token: &str, claim: &str) -> String {
    let claims: Option<Value> = insecure_decode_claims(token).ok();
    let seconds = claims.as_ref().and_then(|claims| claims.get(claim)).and_then(Value::as_i64);
    seconds.map_or(String::new(), |seconds| format!(" at {}", shown_time(seconds)))
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{EncodingKey, Header, encode, get_current_timestamp};
    use serde_json::json;

    use super::*;
    use crate::config::{Inputs, Role, load};

    const SECRET: &str = "a secret of at least thirty-two bytes";

    fn judged(claims: &Value, algorithm: Algorithm, sets: &[&str]) -> String {
        let token =
            encode(&Header::new(algorithm), claims, &EncodingKey::from_secret(SECRET.as_bytes())).unwrap();
        told(&token, sets)
    }

    fn told(token: &str, sets: &[&str]) -> String {
        let sets = sets.iter().map(ToString::to_string).collect();
        let auth = load(&Inputs { sets, ..Inputs::default() }, Role::Token).unwrap().config.auth;
        verify(token, &Secret::new(SECRET), &auth).map_or_else(|reason| reason, |_| "good".to_owned())
    }

    #[test]
    fn tokens_are_judged_by_the_settings() {
        let now = get_current_timestamp();
        for (claims, sets, verdict) in [
            (json!({"sub": "a", "exp": now + 60}), &[][..], "good"),
            (json!({"sub": "a"}), &[], "good"),
            (json!({"userId": 7}), &[], "good"),
            (json!({"userId": -9_007_199_254_740_992_i64}), &[], "good"),
            (json!({"sub": "a", "aud": "anyone"}), &[], "good"),
            (json!({"sub": "a", "exp": now - 3}), &[], "good"),
            (json!({"sub": "a", "exp": 1_000}), &[], "it expired at 1970-01-01T00:16:40Z"),
            (json!({"sub": "a", "exp": "soon"}), &[], "`exp` is malformed"),
            (
                json!({"sub": "a", "nbf": 4_102_444_800_i64}),
                &[],
                "it is not good yet before 2100-01-01T00:00:00Z",
            ),
            (json!({"sub": "a"}), &["auth.allow_missing_exp=false"], "it lacks `exp`"),
            (json!({"sub": "a"}), &["auth.issuer=me"], "it lacks `iss`"),
            (json!({"sub": "a", "iss": "you"}), &["auth.issuer=me"], "`iss` is not auth.issuer"),
            (json!({"sub": "a"}), &["auth.audience=me"], "it lacks `aud`"),
            (json!({"sub": "a", "aud": "you"}), &["auth.audience=me"], "`aud` is not auth.audience"),
            (json!({"sub": "a", "aud": ["you", "me"]}), &["auth.audience=me"], "good"),
        ] {
            assert_eq!(judged(&claims, Algorithm::HS256, sets), verdict, "{claims} {sets:?}");
        }
    }

    #[test]
    fn a_token_must_name_a_user() {
        for claims in
            [json!({}), json!({"sub": ""}), json!({"userId": null, "sub": "a"}), json!({"userId": 1.5})]
        {
            assert!(judged(&claims, Algorithm::HS256, &[]).starts_with("it names no user"), "{claims}");
        }
        assert!(
            judged(&json!({"userId": 1_u64 << 54}), Algorithm::HS256, &[]).starts_with("it names no user")
        );
        assert!(
            judged(&json!({"sub": "u".repeat(129)}), Algorithm::HS256, &[]).starts_with("it names no user")
        );
    }

    #[test]
    fn other_algorithms_and_no_tokens_are_refused() {
        assert_eq!(judged(&json!({"sub": "a"}), Algorithm::HS512, &[]), "its algorithm is not HS256");
        // {"alg":"none","typ":"JWT"} . {"sub":"a"} without a signature
        let unsigned = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJzdWIiOiJhIn0.";
        assert_ne!(told(unsigned, &[]), "good");
        for nonsense in ["", "a.b", "a.b.c", "...."] {
            assert_eq!(told(nonsense, &[]), "it is not a JSON Web Token", "{nonsense}");
        }
    }

    #[test]
    fn a_changed_token_is_refused() {
        let key = EncodingKey::from_secret(b"another secret of thirty-two bytes or more");
        let token = encode(&Header::new(Algorithm::HS256), &json!({"sub": "a"}), &key).unwrap();
        assert_eq!(told(&token, &[]), "it was signed with another secret, or changed");
    }
}
