//! `hubbub token mint`: the token on standard output, a summary on standard error.

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Map, Value};
use time::OffsetDateTime;

use super::{secret, shown_time};
use crate::cli::MintArguments;
use crate::command::print;
use crate::config::{Config, Secret};
use crate::exit::Exit;

/// Longest user id, in characters.
const LONGEST_USER: usize = 128;

pub(super) fn run(arguments: &MintArguments, config: &Config) -> Result<(), Exit> {
    let claims = claims(arguments, config, OffsetDateTime::now_utc().unix_timestamp())?;
    let (secret, origin) = secret(config, &arguments.data)?;
    let token = sign(&claims, &secret)?;
    if !arguments.quiet {
        eprintln!("{}\nsigned with HS256 and the secret of {origin}\n", summary(&claims));
    }
    print(&format!("{token}\n"))
}

fn sign(claims: &Map<String, Value>, secret: &Secret) -> Result<String, Exit> {
    let key = EncodingKey::from_secret(secret.expose().as_bytes());
    encode(&Header::new(Algorithm::HS256), claims, &key)
        .map_err(|error| Exit::failure("cannot sign the token", error))
}

fn claims(arguments: &MintArguments, config: &Config, now: i64) -> Result<Map<String, Value>, Exit> {
    if !(1..=LONGEST_USER).contains(&arguments.user.chars().count()) {
        return Err(Exit::Usage(format!("--user expects 1 to {LONGEST_USER} characters")));
    }
    let mut claims = Map::new();
    claims.insert("sub".to_owned(), arguments.user.clone().into());
    claims.insert("jti".to_owned(), fresh_name().into());
    claims.insert("iat".to_owned(), now.into());
    if !arguments.ttl.is_zero() {
        claims.insert("exp".to_owned(), expiry(arguments, now).into());
    }
    let texts = [
        ("username", &arguments.username),
        ("role", &arguments.role),
        ("iss", &config.auth.issuer),
        ("aud", &config.auth.audience),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            claims.insert(name.to_owned(), text.clone().into());
        }
    }
    for claim in &arguments.claims {
        let (name, value) = claim
            .split_once('=')
            .filter(|(name, _)| !name.is_empty())
            .ok_or_else(|| Exit::Usage(format!("--claim expects KEY=VALUE, not {claim:?}")))?;
        claims.insert(name.to_owned(), claim_value(value));
    }
    Ok(claims)
}

/// A name by which the token can be revoked; nobody has another of the same name.
pub(crate) fn fresh_name() -> String {
    format!("{:032x}", rand::random::<u128>())
}

/// `exp` counts whole seconds: rounded up, so that a token of 1 ms is not born expired.
fn expiry(arguments: &MintArguments, now: i64) -> i64 {
    let seconds = arguments.ttl.as_millis().div_ceil(1_000);
    now.saturating_add(i64::try_from(seconds).unwrap_or(i64::MAX))
}

/// Numbers, booleans and lists as such; everything else is text, also what JSON would take for an object or null.
fn claim_value(text: &str) -> Value {
    match serde_json::from_str(text) {
        Ok(value @ (Value::Number(_) | Value::Bool(_) | Value::Array(_))) => value,
        _ => text.into(),
    }
}

fn summary(claims: &Map<String, Value>) -> String {
    let user = claims.get("userId").or_else(|| claims.get("sub")).unwrap_or(&Value::Null);
    let role = claims.get("role").and_then(Value::as_str).unwrap_or("user");
    let name = claims.get("username").or_else(|| claims.get("name")).and_then(Value::as_str);
    let name = name.map_or(String::new(), |name| format!(" ({name})"));
    let ends = match claims.get("exp").and_then(Value::as_i64) {
        Some(exp) => format!("good until {}", shown_time(exp)),
        None => "never expires".to_owned(),
    };
    format!("user {user}{name}, role {role}, {ends}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cli::{Command, TokenCommand, parse_from};
    use crate::config::{Inputs, Role, load};

    fn minted(line: &str, sets: &[&str]) -> Result<Value, Exit> {
        let words = ["hubbub", "token", "mint"].into_iter().chain(line.split_whitespace());
        let Command::Token(TokenCommand::Mint(arguments)) = parse_from(words).unwrap().command else {
            panic!("mint was asked for")
        };
        let sets = sets.iter().map(ToString::to_string).collect();
        let config = load(&Inputs { sets, ..Inputs::default() }, Role::Token).unwrap().config;
        claims(&arguments, &config, 1_000).map(Value::Object)
    }

    /// All claims but the token's name, which is never the same.
    fn unnamed(line: &str, sets: &[&str]) -> Value {
        let mut claims = minted(line, sets).unwrap();
        claims.as_object_mut().unwrap().remove("jti").unwrap();
        claims
    }

    #[test]
    fn every_token_has_a_name_of_its_own_unless_it_is_given_one() {
        let name = |line: &str| minted(line, &[]).unwrap()["jti"].as_str().unwrap().to_owned();
        assert_ne!(name("--user a"), name("--user a"));
        assert_eq!(name("--user a").len(), 32);
        assert_eq!(name("--user a --claim jti=mine"), "mine");
    }

    #[test]
    fn claims_say_what_was_asked_for() {
        for (line, expected) in [
            ("--user alice", json!({"sub": "alice", "iat": 1000, "exp": 4600})),
            ("--user 7", json!({"sub": "7", "iat": 1000, "exp": 4600})),
            ("--user 7 --claim userId=7", json!({"sub": "7", "userId": 7, "iat": 1000, "exp": 4600})),
            ("--user a --ttl 0", json!({"sub": "a", "iat": 1000})),
            ("--user a --ttl 1ms", json!({"sub": "a", "iat": 1000, "exp": 1001})),
            (
                "--user a --username Al --role admin --ttl 1m",
                json!({"sub": "a", "username": "Al", "role": "admin", "iat": 1000, "exp": 1060}),
            ),
            (
                "--user a --ttl 0 --claim rooms=[\"room:a\"] --claim x=true --claim y=1.5 --claim z=null --claim q=a=b",
                json!({"sub": "a", "iat": 1000, "rooms": ["room:a"], "x": true, "y": 1.5, "z": "null", "q": "a=b"}),
            ),
            ("--user a --ttl 0 --claim sub=b --claim iat=5", json!({"sub": "b", "iat": 5})),
        ] {
            assert_eq!(unnamed(line, &[]), expected, "{line}");
        }
    }

    #[test]
    fn issuer_and_audience_follow_the_settings() {
        let claims = unnamed("--user a --ttl 0", &["auth.issuer=me", "auth.audience=you"]);
        assert_eq!(claims, json!({"sub": "a", "iat": 1000, "iss": "me", "aud": "you"}));
    }

    #[test]
    fn what_cannot_be_minted_is_a_usage_error() {
        let long = format!("--user {}", "u".repeat(129));
        for line in ["--user=", long.as_str(), "--user a --claim novalue", "--user a --claim =5"] {
            assert_eq!(minted(line, &[]).unwrap_err().code(), 2, "{line}");
        }
    }

    #[test]
    fn the_summary_names_user_role_and_end() {
        let claims = minted("--user 7 --claim userId=7 --username Al", &[]).unwrap();
        let claims = claims.as_object().unwrap();
        assert_eq!(summary(claims), "user 7 (Al), role user, good until 1970-01-01T01:16:40Z");
        let claims = minted("--user al --ttl 0 --role admin", &[]).unwrap();
        assert_eq!(summary(claims.as_object().unwrap()), "user \"al\", role admin, never expires");
    }
}
