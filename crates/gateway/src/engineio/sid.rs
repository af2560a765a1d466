//! The private session id: it names the node that holds the session, and whoever knows it *is* the client.
//!
//! Never logged, never shown to another client; `socket.id` is another, public value.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Bits that nobody can guess, in bytes; 22 letters in base64.
const RANDOM: usize = 16;

/// A fresh id of a session on `node`: the node's name, a dot, and 128 random bits.
pub(super) fn fresh(node: &str) -> Box<str> {
    let secret: [u8; RANDOM] = rand::random();
    format!("{node}.{}", URL_SAFE_NO_PAD.encode(secret)).into()
}

/// The name of the node that gave this id; `None` where no node can have given it.
pub fn node_of(sid: &str) -> Option<&str> {
    let (node, secret) = sid.rsplit_once('.')?;
    let legal = |letter: u8| letter.is_ascii_alphanumeric() || matches!(letter, b'-' | b'_');
    (!node.is_empty() && secret.len() == 22 && secret.bytes().all(legal)).then_some(node)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_names_its_node_and_is_never_given_twice() {
        let (first, second) = (fresh("eu-1.a"), fresh("eu-1.a"));
        assert_ne!(first, second);
        assert_eq!(node_of(&first), Some("eu-1.a"));
    }

    #[test]
    fn what_no_node_gave_names_none() {
        for sid in ["", ".", "node", "node.short", ".AAAAAAAAAAAAAAAAAAAAAA", "node.AAAAAAAAAAAAAAAAAAAAA="] {
            assert_eq!(node_of(sid), None, "{sid}");
        }
    }
}
