//! What each kind of setting takes and refuses.

use super::*;

const LIMIT: Bounds = Bounds::limit(2, 10);

fn text(text: &str) -> Raw {
    Raw::Text(text.to_owned())
}

fn bare(text: &str) -> Raw {
    Raw::Bare(text.to_owned())
}

#[test]
fn every_kind_takes_what_it_means_and_refuses_the_rest() {
    for (kind, raw, shown) in [
        (Kind::Integer(LIMIT), text("5"), Some("5")),
        (Kind::Integer(LIMIT), bare("5"), Some("5")),
        (Kind::Integer(LIMIT), bare("0"), Some("0")),
        (Kind::Integer(LIMIT), bare("1"), None),
        (Kind::Integer(LIMIT), bare("11"), None),
        (Kind::Integer(LIMIT), text("-1"), None),
        (Kind::Integer(LIMIT), text(""), None),
        (Kind::Integer(Bounds::between(1, 3)), text("0"), None),
        (Kind::Integer(LIMIT), Raw::Other("a table"), None),
        (Kind::Integer(LIMIT), Raw::List(vec!["5".to_owned()]), None),
        (Kind::Size(Bounds::between(1, 4096)), bare("1024"), Some("\"1KiB\"")),
        (Kind::Size(Bounds::between(1, 4096)), text("8KiB"), None),
        (Kind::Duration(Bounds::between(1, 60_000)), text("1m"), Some("\"1m\"")),
        (Kind::Duration(Bounds::between(1, 60_000)), text("0"), None),
        (Kind::Duration(Bounds::between(1, 60_000)), text("61s"), None),
        (Kind::Duration(LIMIT), bare("0"), Some("\"0s\"")),
        (Kind::Duration(LIMIT), bare("5"), None),
        (Kind::Boolean, bare("true"), Some("true")),
        (Kind::Boolean, text("false"), Some("false")),
        (Kind::Boolean, text("yes"), None),
        (Kind::Choice(&["text", "json"]), text("json"), Some("\"json\"")),
        (Kind::Choice(&["text", "json"]), text("xml"), None),
        (Kind::Choice(&["text", "json"]), text(""), None),
        (Kind::Name, text(""), None),
        (Kind::OptionalName, text(""), Some("\"\"")),
        (Kind::OptionalName, text("node-1"), Some("\"node-1\"")),
        (Kind::OptionalName, bare("7"), None),
        (Kind::Text, text("any thing"), Some("\"any thing\"")),
        (Kind::Address, text("127.0.0.1:1"), Some("\"127.0.0.1:1\"")),
        (Kind::Url(&["redis"]), text(""), Some("\"\"")),
        (Kind::Url(&["redis"]), text("redis://:hunter2@h:1"), Some("\"redis://***@h:1\"")),
        (Kind::Location, text("/etc/jwks.json"), Some("\"/etc/jwks.json\"")),
        (Kind::Location, text("https://id.example.org/jwks"), Some("\"https://id.example.org/jwks\"")),
        (Kind::Location, text("ftp://id.example.org/jwks"), None),
        (Kind::LogFilter, text("info,gateway=debug"), Some("\"info,gateway=debug\"")),
        (Kind::LogFilter, text("info,gateway=loud"), None),
        (Kind::LogFilter, text(""), None),
        (Kind::Origins, text("http://a, http://b"), Some("[\"http://a\", \"http://b\"]")),
        (Kind::Origins, text(""), Some("[]")),
        (Kind::Origins, Raw::List(vec!["http://a".to_owned()]), Some("[\"http://a\"]")),
        (Kind::Origins, Raw::List(vec!["*".to_owned()]), None),
        (Kind::Origins, bare("7"), None),
        (Kind::Networks, text("10.0.0.0/8,::1"), Some("[\"10.0.0.0/8\", \"::1/128\"]")),
        (Kind::Secret, text("hunter2"), Some("***")),
        (Kind::Secret, text(""), Some("\"\"")),
        (Kind::SealKeys, text("nonsense"), None),
    ] {
        let parsed = parse(&kind, &raw);
        assert_eq!(parsed.ok().map(|value| value.show()).as_deref(), shown, "{kind:?} {raw:?}");
    }
}

#[test]
fn what_was_written_is_repeated_without_its_secrets() {
    for (kind, raw, shown) in [
        (Kind::Secret, text("hunter2"), "***"),
        (Kind::Secret, bare("7"), "***"),
        (Kind::SealKeys, text("k:hunter2"), "***"),
        (Kind::Url(&["redis"]), text("rediss:/x:hunter2@h"), "\"rediss:***@h\""),
        (Kind::Location, text("ftp://u:hunter2@h"), "\"ftp://u:***@h\""),
        (Kind::Integer(LIMIT), text("many"), "\"many\""),
        (Kind::Integer(LIMIT), bare("99"), "99"),
        (Kind::Networks, Raw::List(vec!["x".to_owned()]), "[\"x\"]"),
    ] {
        assert_eq!(show_raw(&kind, &raw), shown);
    }
}
