//! Which room an id means on the hub, and how it goes back.
//!
//! `lobby` is the lobby. What begins with `chat:`, `event:` or `room:` is a whole key. Anything else, a number too, is a
//! name in `room`; users' rooms and whatever else is in the lobby's namespace are nobody's to name.

use domain::words::{Code, Fault, Form, Namespace, RoomId, RoomRef};

use crate::json::{self, LOBBY, RoomName, Value};

/// The room that a field names. Missing or of another type breaks `rule`.
pub(super) fn read(value: Option<Value<'_>>, rule: &'static str) -> Result<RoomRef, Fault> {
    let (name, form) = json::written(value, rule)?;
    if form == Form::Text && name == LOBBY {
        return Ok(lobby());
    }
    for namespace in [Namespace::Chat, Namespace::Event, Namespace::Room] {
        if let Some(name) = within(namespace, &name) {
            return Ok(RoomRef { id: json::room(namespace, name)?, form: Form::Key });
        }
    }
    if [Namespace::User, Namespace::Lobby].into_iter().any(|closed| within(closed, &name).is_some()) {
        return Err(Fault::new(Code::InvalidRoom, "this room cannot be named"));
    }
    Ok(RoomRef { id: json::room(Namespace::Room, &name)?, form })
}

/// The same, where no room means the lobby.
pub(super) fn read_or_lobby(value: Option<Value<'_>>) -> Result<RoomRef, Fault> {
    match value {
        None | Some(Value::Null) => Ok(lobby()),
        named => read(named, "roomId must be a string or a number"),
    }
}

/// The lobby, as everybody names it.
pub(super) fn lobby() -> RoomRef {
    RoomRef { id: RoomId::lobby(), form: Form::Text }
}

/// What stands behind `namespace:`.
fn within(namespace: Namespace, key: &str) -> Option<&str> {
    key.strip_prefix(namespace.as_str())?.strip_prefix(':')
}

/// A room as the client is to read it. A bare name means `room` here, so any other room goes back as its key.
pub(super) fn name(id: &RoomId, form: Form) -> RoomName<'_> {
    let form = match id.namespace() {
        Namespace::Room => form,
        Namespace::Lobby => Form::Text,
        Namespace::Chat | Namespace::Event | Namespace::User | Namespace::Cluster => Form::Key,
    };
    RoomName { id, form }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(json: &str) -> Result<RoomRef, Fault> {
        read(Some(serde_json::from_str(json).unwrap()), "rule")
    }

    #[test]
    fn an_id_means_its_room_and_goes_back_as_it_came() {
        for (json, key) in [
            (r#""lobby""#, "lobby:main"),
            (r#""chat:5""#, "chat:5"),
            (r#""event:7""#, "event:7"),
            (r#""room:x""#, "room:x"),
            (r#""room:lobby""#, "room:lobby"),
            (r#""room:chat:5""#, "room:chat:5"),
            (r#""x""#, "room:x"),
            (r#""7""#, "room:7"),
            ("7", "room:7"),
            (r#""lobby2""#, "room:lobby2"),
            (r#""chat""#, "room:chat"),
            (r#""cluster:all""#, "room:cluster:all"),
        ] {
            let RoomRef { id, form } = room(json).unwrap();
            assert_eq!(id.key(), key, "{json}");
            assert_eq!(serde_json::to_string(&name(&id, form)).unwrap(), json);
        }
    }

    #[test]
    fn rooms_that_are_nobodys_to_name_are_invalid() {
        for json in
            [r#""user:anna""#, r#""user:""#, r#""lobby:main""#, r#""lobby:""#, r#""chat:""#, r#""event:a b""#]
        {
            assert_eq!(room(json).unwrap_err().code, Code::InvalidRoom, "{json}");
        }
    }

    #[test]
    fn no_room_is_the_lobby_where_that_is_meant() {
        for value in [None, Some(Value::Null)] {
            assert_eq!(read_or_lobby(value).unwrap(), lobby());
        }
        assert_eq!(read_or_lobby(Some(Value::Boolean(true))).unwrap_err().code, Code::InvalidMessage);
    }
}
