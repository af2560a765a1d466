//! The real program: minting and verifying development tokens.
#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps nothing")]

use std::path::Path;
use std::process::{Command, Output};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

const SECRET: &str = "a secret of at least thirty-two bytes";
const CONFIGURED: [(&str, &str); 1] = [("HUBBUB_AUTH__JWT_SECRET", SECRET)];

/// Runs `hubbub token …` in an empty environment and folder, but for what is given.
fn token(folder: &Path, variables: &[(&str, &str)], arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hubbub"))
        .arg("token")
        .args(arguments)
        .env_clear()
        .envs(variables.iter().copied())
        .current_dir(folder)
        .output()
        .unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn claims(token: &str) -> Value {
    let body = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(body).unwrap()).unwrap()
}

#[test]
fn a_minted_token_is_verified_with_the_same_secret() {
    let folder = tempfile::tempdir().unwrap();
    let minted = token(
        folder.path(),
        &CONFIGURED,
        &["mint", "--user", "alice", "--username", "Alice", "--role", "admin", "--ttl", "2h"],
    );
    assert_eq!(minted.status.code(), Some(0), "{}", err(&minted));
    assert!(err(&minted).contains("user \"alice\" (Alice), role admin, good until "), "{}", err(&minted));
    assert!(err(&minted).contains("auth.jwt_secret") && !err(&minted).contains(SECRET));
    let minted = out(&minted);
    assert_eq!(minted.lines().count(), 1, "the token alone is on standard output");
    let verified = token(folder.path(), &CONFIGURED, &["verify", minted.trim()]);
    assert_eq!(verified.status.code(), Some(0), "{}", err(&verified));
    let shown: Value = serde_json::from_slice(&verified.stdout).unwrap();
    assert_eq!(shown, claims(minted.trim()));
    assert_eq!(shown["exp"].as_i64().unwrap() - shown["iat"].as_i64().unwrap(), 7_200);
}

#[test]
fn quiet_prints_the_token_alone() {
    let folder = tempfile::tempdir().unwrap();
    for flag in ["-q", "--quiet"] {
        let minted = token(folder.path(), &CONFIGURED, &["mint", "--user", "7", flag]);
        assert_eq!(err(&minted), "");
        assert_eq!(out(&minted).trim().split('.').count(), 3);
        assert_eq!(claims(out(&minted).trim())["sub"], "7", "a numeric user is text");
    }
}

#[test]
fn a_claim_keeps_its_json_type() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = [
        "mint",
        "--user",
        "7",
        "-q",
        "--claim",
        "userId=7",
        "--claim",
        "rooms=[\"room:a\"]",
        "--claim",
        "x=y",
    ];
    let claims = claims(out(&token(folder.path(), &CONFIGURED, &arguments)).trim());
    assert_eq!(claims["userId"], 7);
    assert_eq!(claims["rooms"], serde_json::json!(["room:a"]));
    assert_eq!(claims["x"], "y");
}

#[test]
fn a_bad_token_is_exit_code_1_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let foreign = [("HUBBUB_AUTH__JWT_SECRET", "quite another secret of thirty-two bytes")];
    let foreign = out(&token(folder.path(), &foreign, &["mint", "--user", "a", "-q"]));
    let expired =
        out(&token(folder.path(), &CONFIGURED, &["mint", "--user", "a", "-q", "--claim", "exp=1000"]));
    for (text, reason) in [
        (foreign.trim(), "signed with another secret"),
        (expired.trim(), "expired at 1970-01-01T00:16:40Z"),
        ("nonsense", "not a JSON Web Token"),
    ] {
        let refused = token(folder.path(), &CONFIGURED, &["verify", text]);
        assert_eq!(refused.status.code(), Some(1));
        assert_eq!(out(&refused), "");
        assert!(err(&refused).contains(reason), "{}", err(&refused));
        assert!(!err(&refused).contains(text) || text == "nonsense", "the token is not repeated");
    }
}

#[test]
fn the_secret_of_dev_stands_in_where_none_is_configured() {
    let folder = tempfile::tempdir().unwrap();
    for (data, flags) in [("hubbub-data", &[][..]), ("elsewhere", &["--data", "elsewhere"])] {
        std::fs::create_dir(folder.path().join(data)).unwrap();
        std::fs::write(folder.path().join(data).join("secret"), format!("{SECRET}\n")).unwrap();
        let minted = out(&token(folder.path(), &[], &[&["mint", "--user", "a", "-q"], flags].concat()));
        let verified = token(folder.path(), &CONFIGURED, &["verify", minted.trim()]);
        assert_eq!(verified.status.code(), Some(0), "{}", err(&verified));
        let verified = token(folder.path(), &[], &[&["verify", minted.trim()], flags].concat());
        assert_eq!(verified.status.code(), Some(0), "{}", err(&verified));
    }
}

#[test]
fn without_any_secret_the_way_out_is_named() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [&["mint", "--user", "a"][..], &["verify", "a.b.c"]] {
        let refused = token(folder.path(), &[], arguments);
        assert_eq!(refused.status.code(), Some(2));
        for part in ["HUBBUB_AUTH__JWT_SECRET", "hubbub dev", "hubbub-data/secret", "--data"] {
            assert!(err(&refused).contains(part), "{}", err(&refused));
        }
    }
}

#[test]
fn a_short_configured_secret_is_good_enough_for_development_tokens() {
    let folder = tempfile::tempdir().unwrap();
    let short = [("HUBBUB_AUTH__JWT_SECRET", "short")];
    let minted = token(folder.path(), &short, &["mint", "--user", "a", "-q"]);
    assert_eq!(minted.status.code(), Some(0), "{}", err(&minted));
}
