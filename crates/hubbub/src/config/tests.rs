//! Layers, precedence and contradictions, over the whole of `load`.

use std::path::Path;

use super::*;

fn told(result: &Result<Loaded, Mistakes>) -> Vec<String> {
    match result {
        Ok(_) => Vec::new(),
        Err(mistakes) => mistakes.0.iter().map(ToString::to_string).collect(),
    }
}

fn sets(sets: &[&str]) -> Inputs {
    Inputs { sets: sets.iter().map(ToString::to_string).collect(), ..Inputs::default() }
}

fn with_file(text: &str) -> Layers {
    let mut layers = Layers::default();
    layers::file::parse(Path::new("hubbub.toml"), text, &mut layers);
    layers
}

fn listing(effective: &Effective) -> Vec<(&'static str, String)> {
    registry::settings().map(|setting| (setting.key, effective.shown(setting.key).0)).collect()
}

#[test]
fn built_in_defaults_are_those_of_the_contract() {
    let config = load(&Inputs::default(), Role::Check).unwrap().config;
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.server.admin_listen.to_string(), "127.0.0.1:9090");
    assert_eq!(config.server.drain.as_secs(), 25);
    assert_eq!(config.limits.frame, 65_536);
    assert_eq!(config.limits.text, 8_192);
    assert_eq!(config.limits.outbound_bytes, 1_048_576);
    assert_eq!(config.limits.on_too_many_connections, OnTooManyConnections::RefuseNew);
    assert_eq!(config.limits.handshakes_per_address, 0, "many clients may share an address");
    assert_eq!((config.hub.user_status, config.hub.users_shown), (true, 100));
    assert_eq!(config.uploads.max_size, 10 * 1024 * 1024);
    assert_eq!(config.auth.revalidate.as_secs(), 30);
    assert_eq!(config.redis.shards, 16);
    assert_eq!(config.persister.linger.as_millis(), 15);
    let policy = |durable, echo_to_sender| NamespacePolicy { durable, echo_to_sender };
    let expected = NamespaceConfig {
        room: policy(true, true),
        chat: policy(true, true),
        event: policy(false, true),
        lobby: policy(true, false),
        user: policy(false, true),
    };
    assert_eq!(config.namespace, expected);
}

#[test]
fn the_defaults_file_read_back_changes_nothing() {
    let (built_in, _) = Effective::of(Layers::default());
    let layers = with_file(&render::defaults::render());
    assert_eq!(layers.assignments.len(), registry::settings().count(), "every key stands in the file");
    let (from_file, mistakes) = Effective::of(layers);
    assert_eq!(mistakes, []);
    assert_eq!(listing(&from_file), listing(&built_in));
}

#[test]
fn a_higher_layer_wins_and_the_source_says_which() {
    let mut layers =
        with_file("[limits]\nframe = \"1KiB\"\ntext = 100\n[history]\npage = 7\n[log]\nfilter = \"warn\"\n");
    let pairs =
        [("HUBBUB_LIMITS__TEXT", "200"), ("HUBBUB_HISTORY__PAGE", "8"), ("HUBBUB_LOG__FILTER", "debug")];
    pairs.into_iter().collect::<Environment>().read(&mut layers);
    let flag = Flag { name: "--filter", key: "log.filter", value: "error".to_owned() };
    layers::flags::read(&["history.page=9".to_owned(), "log.filter=trace".to_owned()], &[flag], &mut layers);
    let (effective, mistakes) = Effective::of(layers);
    assert_eq!(mistakes, []);
    for (key, value, source) in [
        ("limits.rooms_per_connection", "100", "built-in default"),
        ("limits.frame", "\"1KiB\"", "hubbub.toml:2"),
        ("limits.text", "200", "variable HUBBUB_LIMITS__TEXT"),
        ("history.page", "9", "flag --set"),
        ("log.filter", "\"error\"", "flag --filter"),
    ] {
        let (shown, from) = effective.shown(key);
        assert_eq!((shown.as_str(), from.to_string().as_str()), (value, source), "{key}");
    }
}

#[test]
fn every_mistake_of_every_layer_is_told_at_once() {
    let mut layers = with_file("[limits]\nframe = \"64Kilo\"\ntxt = 5\n[server]\ndrain = 25\n");
    let pairs = [
        ("HUBBUB_LIMITS__TEXT", "many"),
        ("HUBBUB_REDIS__URL", "http://:hunter2@h"),
        ("HUBBUB_REDIS_URL", "x"),
    ];
    pairs.into_iter().collect::<Environment>().read(&mut layers);
    layers::flags::read(&["limits.text=5".to_owned(), "log.format=xml".to_owned()], &[], &mut layers);
    let (_, mistakes) = Effective::of(layers);
    let told = Mistakes(mistakes).to_string();
    assert!(told.starts_with("7 mistakes in the configuration"), "{told}");
    for part in [
        "`limits.frame` = \"64Kilo\": expects a size such as \"64KiB\", \"1MiB\", \"10MB\" or plain bytes (hubbub.toml:2)",
        "unknown setting `limits.txt`, did you mean `limits.text`? (hubbub.toml:3)",
        "`server.drain` = 25: expects a duration",
        "`limits.text` = \"many\": expects a whole number, not negative (variable HUBBUB_LIMITS__TEXT)",
        "`redis.url` = \"http://***@h\": expects a URL that begins with redis://",
        "unknown setting `HUBBUB_REDIS_URL`, did you mean `HUBBUB_REDIS__URL`?",
        "`log.format` = \"xml\": expects text or json (flag --set)",
    ] {
        assert!(told.contains(part), "{part}\nis missing in\n{told}");
    }
}

#[test]
fn zero_switches_every_limit_off() {
    let keys =
        registry::settings().filter(|setting| setting.key.starts_with("limits.")).map(|setting| setting.key);
    let sets: Vec<String> =
        keys.filter(|key| *key != "limits.on_too_many_connections").map(|key| format!("{key}=0")).collect();
    let limits = load(&Inputs { sets, ..Inputs::default() }, Role::Check).unwrap().config.limits;
    assert_eq!((limits.frame, limits.text, limits.outbound_bytes, limits.commands_burst), (0, 0, 0, 0));
    assert!(limits.handshake.is_zero() && limits.ping_interval.is_zero() && limits.ping_timeout.is_zero());
}

#[test]
fn each_command_names_what_it_lacks() {
    let none: [&str; 0] = [];
    for (role, lacks) in [
        (Role::Gateway, ["`redis.url`", "`database.url`", "`auth.jwt_secret`, `auth.jwks`"].as_slice()),
        (Role::Persister, ["`redis.url`", "`database.url`"].as_slice()),
        (Role::Migrate, ["`database.url`"].as_slice()),
        (Role::Dev { exposed: false }, none.as_slice()),
        (Role::Token, none.as_slice()),
        (Role::Check, none.as_slice()),
    ] {
        let told = told(&load(&Inputs::default(), role));
        assert_eq!(told.len(), lacks.len(), "{role:?} {told:?}");
        for (line, key) in told.iter().zip(lacks) {
            assert!(line.starts_with(&format!("{key}: needed by `hubbub {}`", role.command())), "{line}");
        }
    }
}

#[test]
fn contradictions_are_refused() {
    for (role, given, part) in [
        (Role::Check, &["limits.outbound_bytes=4KiB"][..], "would close its receivers as too slow"),
        (Role::Check, &["limits.commands_burst=0"], "one is switched off and the other is not"),
        (Role::Check, &["limits.ping_timeout=25s"], "would count as dead before they are pinged"),
        (Role::Check, &["presence.lease=2s"], "`presence.lease`, `redis.command_timeout`: one slow command"),
        (Role::Check, &["redis.command_timeout=10s", "presence.lease=1m"], "`persister.lease`"),
        (Role::Check, &["persister.linger=9s", "persister.lease=5s"], "while a batch waits"),
        (Role::Check, &["server.admin_listen=127.0.0.1:8080"], "both would listen on port 8080"),
        (Role::Check, &["server.admin_listen=0.0.0.0:8080"], "both would listen on port 8080"),
        (Role::Check, &["auth.jwt_secret=short"], "has 5 bytes"),
        (Role::Dev { exposed: false }, &["server.listen=0.0.0.0:8080"], "needs --expose"),
        (Role::Dev { exposed: false }, &["server.admin_listen=[::]:9090"], "needs --expose"),
    ] {
        let told = told(&load(&sets(given), role));
        assert_eq!(told.len(), 1, "{given:?} {told:?}");
        assert!(told[0].contains(part) && told[0].ends_with("(flag --set)"), "{told:?}");
    }
}

#[test]
fn what_only_surprises_is_a_warning() {
    let dev = Role::Dev { exposed: true };
    for (role, given, part) in [
        (dev, &["server.listen=0.0.0.0:8080", "auth.jwt_secret=short"][..], "has 5 bytes"),
        (dev, &["redis.url=redis://127.0.0.1"], "passes messages in memory"),
        (dev, &["database.url=postgres://h/d"], "keeps its own SQLite file"),
        (Role::Check, &["limits.text=70000"], "the frame is full before the text is"),
        (Role::Check, &["limits.outbound_frames=0", "limits.outbound_bytes=0"], "stops reading"),
        (Role::Check, &["history.max_replay=10"], "less than a fresh join"),
        (Role::Check, &["server.trusted_proxies=::/0"], "forge"),
        (Role::Check, &["namespace.room.durable=false"], "no effect yet"),
        (Role::Check, &["auth.jwks=http://id.example.org/jwks"], "use https"),
        (
            Role::Check,
            &["limits.max_connections_per_user=0", "limits.on_too_many_connections=replace_oldest"],
            "no limit to be replaced at",
        ),
    ] {
        let warnings = load(&sets(given), role).unwrap().warnings;
        assert_eq!(warnings.len(), 1, "{given:?} {warnings:?}");
        assert!(warnings[0].to_string().contains(part), "{warnings:?}");
    }
    assert_eq!(load(&Inputs::default(), Role::Check).unwrap().warnings, []);
}

#[test]
fn a_value_that_does_not_fit_breaks_no_rule_beside() {
    let told = told(&load(
        &sets(&["redis.url=nonsense", "auth.jwks=ftp://h", "database.url=postgres://h/d"]),
        Role::Gateway,
    ));
    assert_eq!(told.len(), 2, "{told:?}");
}

#[test]
fn no_debug_output_of_a_configuration_shows_a_secret() {
    let key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let given = [
        "auth.jwt_secret=hunter2-hunter2-hunter2-hunter2-hunter2",
        "redis.url=redis://:hunter2@h",
        "database.url=postgres://app:hunter2@h/d?password=hunter2",
        &format!("seal.keys=k1:{key}"),
    ];
    let loaded = load(&sets(&given), Role::Gateway).unwrap();
    let shown = format!("{loaded:?}\n{}", render::effective::render(&loaded.effective));
    assert!(!shown.contains("hunter2") && !shown.contains(key), "{shown}");
    assert!(shown.contains("***"));
}
