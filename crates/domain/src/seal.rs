//! Sealing at rest: the keyring behind the [`Sealer`] port.
//!
//! ChaCha20-Poly1305 (RFC 8439). A sealed body is nonce (12 bytes) then ciphertext and tag; associated data
//! binds it to its room and message id, so that a body moved elsewhere does not open.

use bytes::Bytes;
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Key, KeyInit, Nonce};

use crate::ports::Sealer;
use crate::words::{KeyId, MessageId, RoomId, Sealed, Unreadable};

const NONCE: usize = 12;

/// No key is configured: bodies are kept as they are. The program says so loudly at start.
#[derive(Debug, Clone, Copy)]
pub struct Unsealed;

impl Sealer for Unsealed {
    fn seal(&self, _: &RoomId, _: MessageId, plain: &[u8]) -> Sealed {
        Sealed { key: None, bytes: Bytes::copy_from_slice(plain) }
    }

    fn open(&self, _: &RoomId, _: MessageId, sealed: &Sealed) -> Result<Bytes, Unreadable> {
        match sealed.key {
            None => Ok(sealed.bytes.clone()),
            Some(_) => Err(Unreadable::KeyMissing),
        }
    }
}

/// Several keys: the first one seals, all of them open.
pub struct Keyring {
    keys: Vec<(KeyId, ChaCha20Poly1305)>,
}

impl Keyring {
    /// A ring of 256-bit keys with distinct ids; `None` where there is no key at all.
    pub fn new(keys: impl IntoIterator<Item = (KeyId, [u8; 32])>) -> Option<Self> {
        let keys: Vec<_> =
            keys.into_iter().map(|(id, key)| (id, ChaCha20Poly1305::new(&Key::from(key)))).collect();
        if keys.is_empty() { None } else { Some(Self { keys }) }
    }
}

fn associated(room: &RoomId, id: MessageId) -> Vec<u8> {
    let mut data = Vec::with_capacity(16 + room.key().len());
    data.extend_from_slice(id.0.as_bytes());
    data.extend_from_slice(room.key().as_bytes());
    data
}

impl Sealer for Keyring {
    fn seal(&self, room: &RoomId, id: MessageId, plain: &[u8]) -> Sealed {
        let (key, cipher) = self.keys.first().expect("a keyring is never empty");
        let nonce: [u8; NONCE] = rand::random();
        let payload = Payload { msg: plain, aad: &associated(room, id) };
        let sealed = cipher.encrypt(&Nonce::from(nonce), payload).expect("a message is far below 256 GiB");
        let mut bytes = Vec::with_capacity(NONCE + sealed.len());
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(&sealed);
        Sealed { key: Some(key.clone()), bytes: bytes.into() }
    }

    fn open(&self, room: &RoomId, id: MessageId, sealed: &Sealed) -> Result<Bytes, Unreadable> {
        let Some(key) = &sealed.key else { return Ok(sealed.bytes.clone()) };
        let (_, cipher) = self.keys.iter().find(|(known, _)| known == key).ok_or(Unreadable::KeyMissing)?;
        let (nonce, ciphertext) = sealed.bytes.split_first_chunk::<NONCE>().ok_or(Unreadable::Damaged)?;
        let payload = Payload { msg: ciphertext, aad: &associated(room, id) };
        let plain = cipher.decrypt(&Nonce::from(*nonce), payload).map_err(|_| Unreadable::KeyWrong)?;
        Ok(plain.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Namespace;

    fn key(id: &str, byte: u8) -> (KeyId, [u8; 32]) {
        (KeyId::parse(id).unwrap(), [byte; 32])
    }

    fn ring(keys: &[(KeyId, [u8; 32])]) -> Keyring {
        Keyring::new(keys.to_vec()).unwrap()
    }

    fn room(name: &str) -> RoomId {
        RoomId::new(Namespace::Room, name).unwrap()
    }

    #[test]
    fn the_first_key_seals_and_every_key_opens() {
        let id = MessageId::new();
        let old = ring(&[key("old", 1)]).seal(&room("r"), id, b"hello");
        let both = ring(&[key("new", 2), key("old", 1)]);
        assert_eq!(both.open(&room("r"), id, &old).unwrap(), "hello");
        assert_eq!(both.seal(&room("r"), id, b"x").key.unwrap().as_str(), "new");
        assert!(!old.bytes.windows(5).any(|window| window == b"hello"));
    }

    #[test]
    fn a_missing_or_wrong_key_or_another_place_is_told_apart_and_never_panics() {
        let id = MessageId::new();
        let sealed = ring(&[key("a", 1)]).seal(&room("r"), id, b"hello");
        let open = |keys: &[(KeyId, [u8; 32])], room: &RoomId, id| ring(keys).open(room, id, &sealed);
        assert_eq!(open(&[key("b", 1)], &room("r"), id), Err(Unreadable::KeyMissing));
        assert_eq!(open(&[key("a", 2)], &room("r"), id), Err(Unreadable::KeyWrong));
        assert_eq!(open(&[key("a", 1)], &room("s"), id), Err(Unreadable::KeyWrong));
        assert_eq!(open(&[key("a", 1)], &room("r"), MessageId::new()), Err(Unreadable::KeyWrong));
        let cut = Sealed { bytes: sealed.bytes.slice(..5), ..sealed.clone() };
        assert_eq!(ring(&[key("a", 1)]).open(&room("r"), id, &cut), Err(Unreadable::Damaged));
        assert_eq!(Unsealed.open(&room("r"), id, &sealed), Err(Unreadable::KeyMissing));
    }
}
