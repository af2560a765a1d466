//! The one list of settings: every section, in the order in which they are listed to people.
//!
//! It owns the lookup; the tables stand beside the structs they fill, in `sections/`.

use super::sections::{
    auth, broker, database, history, hub, limits, log, namespace, persister, presence, redis, seal, server,
    uploads,
};
use super::setting::{Section, Setting};

/// Every section.
pub(crate) static SECTIONS: [&Section; 18] = [
    &server::SECTION,
    &redis::SECTION,
    &database::SECTION,
    &auth::SECTION,
    &seal::SECTION,
    &limits::SECTION,
    &history::SECTION,
    &broker::SECTION,
    &presence::SECTION,
    &hub::SECTION,
    &uploads::SECTION,
    &persister::SECTION,
    &namespace::ROOM,
    &namespace::CHAT,
    &namespace::EVENT,
    &namespace::LOBBY,
    &namespace::USER,
    &log::SECTION,
];

/// Every setting of every section.
pub(crate) fn settings() -> impl Iterator<Item = &'static Setting> {
    SECTIONS.iter().flat_map(|section| section.settings)
}

/// The setting with this dotted key.
pub(crate) fn find(key: &str) -> Option<&'static Setting> {
    settings().find(|setting| setting.key == key)
}

/// Whether this dotted name is a section, or the beginning of one (`namespace`).
pub(crate) fn is_section(name: &str) -> bool {
    SECTIONS.iter().any(|section| {
        section.name.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::config::value::{Raw, parse};

    #[test]
    fn every_key_is_unique_and_belongs_to_its_section() {
        let mut seen = BTreeSet::new();
        for section in SECTIONS {
            for setting in section.settings {
                let leaf = setting.key.strip_prefix(section.name).and_then(|rest| rest.strip_prefix('.'));
                assert_eq!(leaf, Some(setting.leaf()), "{}", setting.key);
                assert!(seen.insert(setting.key), "{} stands twice", setting.key);
            }
        }
    }

    #[test]
    fn every_default_fits_its_own_kind() {
        for setting in settings() {
            let raw = Raw::Text(setting.default.to_owned());
            assert!(parse(&setting.kind, &raw).is_ok(), "{} = {}", setting.key, setting.default);
        }
    }

    #[test]
    fn every_setting_is_explained_in_one_paragraph() {
        for setting in settings() {
            assert!(setting.doc.ends_with('.') && setting.doc.len() > 20, "{}", setting.key);
            assert!(!setting.doc.contains('\n'), "{}", setting.key);
        }
    }

    #[test]
    fn sections_and_their_beginnings_are_known() {
        for (name, known) in [
            ("server", true),
            ("namespace", true),
            ("namespace.room", true),
            ("serv", false),
            ("room", false),
        ] {
            assert_eq!(is_section(name), known, "{name}");
        }
    }
}
