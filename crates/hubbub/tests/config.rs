//! The real program: configuration layers, listings, mistakes and exit codes.
#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps nothing")]

use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

const SECRET: &str = "hunter2-hunter2-hunter2-hunter2-hunter2";

/// Runs the program in an empty environment and folder, but for what is given.
fn hubbub(folder: &Path, variables: &[(&str, &str)], arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hubbub"))
        .args(arguments)
        .env_clear()
        .envs(variables.iter().copied())
        .current_dir(folder)
        .output()
        .unwrap()
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// The value and the source that `config check` shows for a key.
fn shown(listing: &str, key: &str) -> (String, String) {
    let line = listing.lines().find(|line| line.split_whitespace().next() == Some(key)).unwrap();
    let rest = line[key.len()..].trim_start();
    let (value, source) = rest.split_once("  ").unwrap();
    (value.to_owned(), source.trim().to_owned())
}

#[test]
fn the_defaults_file_is_accepted_as_it_is_and_changes_nothing() {
    let folder = folder();
    let defaults = hubbub(folder.path(), &[], &["config", "default"]);
    assert_eq!(defaults.status.code(), Some(0));
    std::fs::write(folder.path().join("hubbub.toml"), &defaults.stdout).unwrap();
    let plain = out(&hubbub(folder.path(), &[], &["config", "check"]));
    let checked = hubbub(folder.path(), &[], &["--config", "hubbub.toml", "config", "check"]);
    assert_eq!(checked.status.code(), Some(0), "{}", err(&checked));
    let checked = out(&checked);
    for line in plain.lines().filter(|line| line.contains("built-in default")) {
        let key = line.split_whitespace().next().unwrap();
        let (value, source) = shown(&checked, key);
        assert_eq!(value, shown(&plain, key).0, "{key}");
        assert!(source.starts_with("hubbub.toml:"), "{key} {source}");
    }
}

#[test]
fn every_variable_is_listed_and_every_listed_default_is_accepted() {
    let folder = folder();
    let listed = out(&hubbub(folder.path(), &[], &["config", "env"]));
    let variables: Vec<(&str, &str)> = listed
        .lines()
        .filter(|line| line.starts_with("HUBBUB_") && !line.contains("_FILE="))
        .filter_map(|line| line.split_once('='))
        .collect();
    let defaults = out(&hubbub(folder.path(), &[], &["config", "default"]));
    let keys = defaults.lines().filter(|line| line.contains(" = ") && !line.starts_with('#')).count();
    assert_eq!(variables.len(), keys + 1, "one variable for each key, and the one that names the file");
    let checked = hubbub(folder.path(), &variables, &["config", "check"]);
    assert_eq!(checked.status.code(), Some(0), "{}", err(&checked));
    for twin in ["HUBBUB_AUTH__JWT_SECRET_FILE=", "HUBBUB_SEAL__KEYS_FILE=", "HUBBUB_REDIS__URL_FILE="] {
        assert!(listed.contains(twin), "{twin}");
    }
    assert!(!listed.contains("HUBBUB_SERVER__LISTEN_FILE"));
}

#[test]
fn flags_win_over_variables_over_the_file_over_defaults() {
    let folder = folder();
    let text = "[limits]\nframe = \"1KiB\"\ntext = 100\nbad_frames = 1\n";
    std::fs::write(folder.path().join("given.toml"), text).unwrap();
    let variables =
        [("HUBBUB_CONFIG", "given.toml"), ("HUBBUB_LIMITS__TEXT", "200"), ("HUBBUB_LIMITS__BAD_FRAMES", "2")];
    let checked =
        out(&hubbub(folder.path(), &variables, &["config", "check", "--set", "limits.bad_frames=3"]));
    for (key, value, source) in [
        ("limits.rooms_per_connection", "100", "built-in default"),
        ("limits.frame", "\"1KiB\"", "given.toml:2"),
        ("limits.text", "200", "variable HUBBUB_LIMITS__TEXT"),
        ("limits.bad_frames", "3", "flag --set"),
    ] {
        assert_eq!(shown(&checked, key), (value.to_owned(), source.to_owned()), "{key}");
    }
}

#[test]
fn the_flag_config_wins_over_the_variable() {
    let folder = folder();
    std::fs::write(folder.path().join("flag.toml"), "history.page = 9").unwrap();
    let arguments = ["--config", "flag.toml", "config", "check"];
    let checked = out(&hubbub(folder.path(), &[("HUBBUB_CONFIG", "nowhere.toml")], &arguments));
    assert_eq!(shown(&checked, "history.page"), ("9".to_owned(), "flag.toml:1".to_owned()));
}

#[test]
fn every_mistake_is_told_at_once_with_exit_code_2() {
    let folder = folder();
    std::fs::write(folder.path().join("hubbub.toml"), "[server]\nlisen = \"x\"\ndrain = 25\n").unwrap();
    let variables = [("HUBBUB_LIMITS__FRAME", "64Kilo"), ("HUBBUB_REDIS_URL", "redis://h")];
    let arguments = ["gateway", "--config", "hubbub.toml", "--listen", "anywhere", "--set", "log.format=xml"];
    let refused = hubbub(folder.path(), &variables, &arguments);
    assert_eq!(refused.status.code(), Some(2));
    assert_eq!(out(&refused), "");
    let told = err(&refused);
    for part in [
        "unknown setting `server.lisen`, did you mean `server.listen`? (hubbub.toml:2)",
        "`server.drain` = 25: expects a duration such as",
        "`limits.frame` = \"64Kilo\": expects a size such as",
        "unknown setting `HUBBUB_REDIS_URL`, did you mean `HUBBUB_REDIS__URL`?",
        "`server.listen` = \"anywhere\": expects an IP address and a port",
        "(flag --listen)",
        "`log.format` = \"xml\": expects text or json (flag --set)",
        "`redis.url`: needed by `hubbub gateway`",
        "`database.url`: needed by `hubbub gateway`",
        "`auth.jwt_secret`, `auth.jwks`: needed by `hubbub gateway`",
    ] {
        assert!(told.contains(part), "{part}\nis missing in\n{told}");
    }
    assert!(told.starts_with("hubbub: 9 mistakes in the configuration\n"), "{told}");
}

#[test]
fn a_missing_file_is_named_with_who_asked_for_it() {
    let folder = folder();
    for (variables, arguments, who) in [
        (&[][..], &["config", "check", "--config", "nowhere.toml"][..], "(flag --config)"),
        (&[("HUBBUB_CONFIG", "nowhere.toml")], &["config", "check"], "(variable HUBBUB_CONFIG)"),
    ] {
        let refused = hubbub(folder.path(), variables, arguments);
        assert_eq!(refused.status.code(), Some(2));
        assert!(
            err(&refused).contains("cannot read nowhere.toml") && err(&refused).contains(who),
            "{}",
            err(&refused)
        );
    }
}

#[test]
fn a_secret_may_come_from_a_file_and_is_trimmed() {
    let folder = folder();
    std::fs::write(folder.path().join("secret"), format!("{SECRET}\n")).unwrap();
    std::fs::write(folder.path().join("url"), " redis://:hunter2@127.0.0.1:6379 \n").unwrap();
    let variables = [("HUBBUB_AUTH__JWT_SECRET_FILE", "secret"), ("HUBBUB_REDIS__URL_FILE", "url")];
    let checked = out(&hubbub(folder.path(), &variables, &["config", "check"]));
    let (value, source) = shown(&checked, "auth.jwt_secret");
    assert_eq!(
        (value.as_str(), source.as_str()),
        ("***", "variable HUBBUB_AUTH__JWT_SECRET_FILE, file secret")
    );
    assert_eq!(shown(&checked, "redis.url").0, "\"redis://***@127.0.0.1:6379\"");
    let from_file = out(&hubbub(folder.path(), &variables, &["token", "mint", "--user", "a", "-q"]));
    let verified = [("HUBBUB_AUTH__JWT_SECRET", SECRET)];
    let verified = hubbub(folder.path(), &verified, &["token", "verify", from_file.trim()]);
    assert_eq!(verified.status.code(), Some(0), "the file's line break is no part of the secret");
}

#[test]
fn a_variable_beside_its_file_twin_is_refused() {
    let folder = folder();
    std::fs::write(folder.path().join("secret"), SECRET).unwrap();
    std::fs::write(folder.path().join("empty"), "\n").unwrap();
    let both = [("HUBBUB_AUTH__JWT_SECRET", SECRET), ("HUBBUB_AUTH__JWT_SECRET_FILE", "secret")];
    let refused = hubbub(folder.path(), &both, &["config", "check"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(err(&refused).contains("are both set"), "{}", err(&refused));
    let empty = hubbub(folder.path(), &[("HUBBUB_AUTH__JWT_SECRET_FILE", "empty")], &["config", "check"]);
    assert!(err(&empty).contains("expects a file that is not empty"), "{}", err(&empty));
}

#[test]
fn no_output_shows_a_secret() {
    let folder = folder();
    let key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let keys = format!("k1:{key}");
    let good = [
        ("HUBBUB_AUTH__JWT_SECRET", SECRET),
        ("HUBBUB_SEAL__KEYS", keys.as_str()),
        ("HUBBUB_REDIS__URL", "redis://:hunter2@127.0.0.1:6379"),
        ("HUBBUB_DATABASE__URL", "postgres://app:hunter2@127.0.0.1/hubbub?password=hunter2"),
    ];
    let bad = [
        ("HUBBUB_AUTH__JWT_SECRET", "hunter2"),
        ("HUBBUB_SEAL__KEYS", "hunter2"),
        ("HUBBUB_REDIS__URL", "http://:hunter2@127.0.0.1"),
        ("HUBBUB_DATABASE__URL", "app:hunter2@127.0.0.1"),
    ];
    for (variables, code) in [(good, 0), (bad, 2)] {
        let checked = hubbub(folder.path(), &variables, &["config", "check"]);
        assert_eq!(checked.status.code(), Some(code), "{}", err(&checked));
        let all = out(&checked) + &err(&checked);
        assert!(!all.contains("hunter2") && !all.contains(key), "{all}");
        assert!(all.contains("***"), "{all}");
    }
}

#[test]
fn check_may_be_asked_for_one_command() {
    let folder = folder();
    let plain = hubbub(folder.path(), &[], &["config", "check"]);
    assert_eq!(plain.status.code(), Some(0));
    assert!(out(&plain).contains("note: `redis.url`: needed by `hubbub gateway`"), "{}", out(&plain));
    let gateway = hubbub(folder.path(), &[], &["config", "check", "--for", "gateway"]);
    assert_eq!(gateway.status.code(), Some(2));
    assert!(err(&gateway).starts_with("hubbub: 3 mistakes in the configuration"), "{}", err(&gateway));
    assert_eq!(hubbub(folder.path(), &[], &["config", "check", "--for", "dev"]).status.code(), Some(0));
}

#[test]
fn dev_refuses_addresses_beyond_loopback_unless_exposed() {
    let folder = folder();
    let refused = hubbub(folder.path(), &[], &["dev", "--listen", "0.0.0.0:0", "--admin", "0.0.0.0:0"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(err(&refused).starts_with("hubbub: 2 mistakes in the configuration"), "{}", err(&refused));
    assert!(err(&refused).contains("needs --expose"));
    assert!(
        !folder.path().join("hubbub-data").exists(),
        "nothing is made before the configuration is accepted"
    );
}

#[test]
fn a_wrong_command_line_is_exit_code_2_and_help_is_0() {
    let folder = folder();
    for (arguments, code) in [
        (&["--help"][..], 0),
        (&["dev", "--help"], 0),
        (&["--version"], 0),
        (&[], 2),
        (&["serve"], 2),
        (&["dev", "--nodes", "0"], 2),
        (&["gateway", "--unknown"], 2),
        (&["token", "mint"], 2),
        (&["token", "mint", "--user", "a", "--ttl", "soon"], 2),
        (&["token", "mint", "--user", "a", "--role", "king"], 2),
    ] {
        assert_eq!(hubbub(folder.path(), &[], arguments).status.code(), Some(code), "{arguments:?}");
    }
}
