//! How a user is shown, as text in Redis: whether the id is a number, then the name.

use domain::{Author, UserId};
use fred::types::Value;

/// The part beside the user's id.
pub(super) fn packed(who: &Author) -> String {
    let kind = if who.user.is_numeric() { '#' } else { '"' };
    who.name.as_ref().map_or_else(|| kind.to_string(), |name| format!("{kind}:{name}"))
}

/// Puts both parts together again; `None`: they are not ours.
pub(super) fn unpacked(user: &str, packed: &str) -> Option<Author> {
    let id = if packed.starts_with('#') { UserId::number(user.parse().ok()?) } else { UserId::text(user) };
    let name = packed.split_once(':').map(|(_, name)| name.into());
    Some(Author { user: id.ok()?, name })
}

/// The same for two parts of a reply.
pub(super) fn author(user: &Value, shown: &Value) -> Option<Author> {
    unpacked(&user.as_str()?, &shown.as_str()?)
}

/// Field and value pairs of a hash, nested (RESP3) or flat (RESP2).
pub(super) fn authors(reply: &Value) -> Vec<Author> {
    let Value::Array(parts) = reply else { return Vec::new() };
    if let Some(Value::Array(_)) = parts.first() {
        let nested = parts.iter().filter_map(|part| match part {
            Value::Array(both) if both.len() == 2 => author(&both[0], &both[1]),
            _ => None,
        });
        return nested.collect();
    }
    parts.chunks_exact(2).filter_map(|both| author(&both[0], &both[1])).collect()
}
