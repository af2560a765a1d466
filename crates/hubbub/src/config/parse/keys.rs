//! Sealing keys: `id:base64key,id:base64key`, 32 bytes each.

use std::fmt;

use base64::Engine as _;
use base64::alphabet::{self, Alphabet};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::name;
use crate::config::mistake::Unfit;
use crate::config::secret::MASK;

/// A key that seals and opens message bodies. Its bytes are never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct SealKey {
    /// The name that is stored beside what it sealed.
    pub id: String,
    /// The key itself.
    pub bytes: [u8; 32],
}

impl fmt::Debug for SealKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{MASK}", self.id)
    }
}

/// The keys in the order written: the first one seals, all of them open.
pub(crate) fn parse(text: &str) -> Result<Vec<SealKey>, Unfit> {
    let mut keys: Vec<SealKey> = Vec::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let key = one(part)?;
        if keys.iter().any(|known| known.id == key.id) {
            return Err(Unfit::expects(
                "keys with different ids: what one of them sealed could not be opened",
            ));
        }
        keys.push(key);
    }
    Ok(keys)
}

fn one(part: &str) -> Result<SealKey, Unfit> {
    let (id, encoded) =
        part.split_once(':').ok_or(Unfit::expects("`id:base64key`, several of them separated by commas"))?;
    let id =
        name::parse(id).map_err(|_| Unfit::expects("key ids of 1 to 63 characters of A-Z a-z 0-9 _ - ."))?;
    let bytes = decode(encoded).ok_or(Unfit::expects("keys in base64"))?;
    let bytes = bytes.try_into().map_err(|_| Unfit::expects("keys of exactly 32 bytes"))?;
    Ok(SealKey { id, bytes })
}

/// Both alphabets, padded or not: the tools that make keys disagree about it.
fn decode(encoded: &str) -> Option<Vec<u8>> {
    let engine = |alphabet: &Alphabet| {
        let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
        GeneralPurpose::new(alphabet, config)
    };
    let standard = engine(&alphabet::STANDARD).decode(encoded);
    standard.or_else(|_| engine(&alphabet::URL_SAFE).decode(encoded)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZEROS: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    const ONES: &str = "__________________________________________8";

    #[test]
    fn keys_are_ids_with_32_bytes_each() {
        for (text, ids) in [
            (String::new(), Some(vec![])),
            (format!("k1:{ZEROS}"), Some(vec!["k1"])),
            (format!("k1:{ZEROS}="), Some(vec!["k1"])),
            (format!("k2:{ONES}, k1:{ZEROS}"), Some(vec!["k2", "k1"])),
            (format!("k1:{ZEROS},"), Some(vec!["k1"])),
            (format!("k1:{ZEROS},k1:{ONES}"), None),
            (ZEROS.to_owned(), None),
            (format!(":{ZEROS}"), None),
            ("k1:AAAA".to_owned(), None),
            ("k1:not base64!".to_owned(), None),
        ] {
            let parsed = parse(&text).ok();
            let parsed = parsed.map(|keys| keys.into_iter().map(|key| key.id).collect::<Vec<_>>());
            assert_eq!(parsed, ids.map(|ids| ids.into_iter().map(str::to_owned).collect()), "{text}");
        }
    }

    #[test]
    fn a_key_is_never_shown() {
        let keys = parse(&format!("k1:{ONES}")).unwrap();
        assert_eq!(format!("{keys:?}"), "[k1:***]");
    }
}
