//! `seal`: the keys that message bodies are encrypted with before they leave the process.

use crate::config::effective::Effective;
use crate::config::parse::keys::SealKey;
use crate::config::setting::{Kind, Section, setting};

pub(crate) static SECTION: Section = Section {
    name: "seal",
    doc: "Message bodies are encrypted before they leave the process; Redis and the database see ciphertext only.",
    settings: &[setting(
        "seal.keys",
        Kind::SealKeys,
        "",
        "`id:base64key,…`, 32 bytes each. The first one seals, all of them open: to rotate, put the new key in front \
         on every node. The persister has no use for them.",
    )],
};

/// The sealing keys.
#[derive(Debug, Clone)]
pub struct SealConfig {
    /// The first one seals, all of them open; empty: bodies are not sealed.
    pub keys: Vec<SealKey>,
}

impl SealConfig {
    pub(crate) fn read(from: &Effective) -> Self {
        Self { keys: from.seal_keys("seal.keys").unwrap_or_default() }
    }
}
