//! Room ids: a JSON number or string comes in, the same kind goes out.

use std::borrow::Cow;

use domain::words::{Code, Fault, Form, Namespace, RoomId, RoomRef};
use serde::{Serialize, Serializer};

use super::{LARGEST, Value, invalid};

/// What clients call the lobby.
pub(crate) const LOBBY: &str = "lobby";

/// A room named by a bare name in `namespace`. Missing or of another type breaks `rule`; a number or a
/// string that is no legal name is an invalid room.
pub(crate) fn named(
    value: Option<Value<'_>>,
    namespace: Namespace,
    rule: &'static str,
) -> Result<RoomRef, Fault> {
    let (name, form) = written(value, rule)?;
    Ok(RoomRef { id: room(namespace, &name)?, form })
}

/// A room's name, and the form in which it is written.
pub(crate) fn written<'a>(
    value: Option<Value<'a>>,
    rule: &'static str,
) -> Result<(Cow<'a, str>, Form), Fault> {
    match value {
        Some(Value::Text(name)) => Ok((name, Form::Text)),
        Some(Value::Whole(number)) => Ok((number_name(number)?, Form::Number)),
        Some(Value::Fraction) => Err(illegal_number()),
        None | Some(Value::Null | Value::Boolean(_) | Value::Other) => Err(invalid(rule)),
    }
}

/// The room of a name.
pub(crate) fn room(namespace: Namespace, name: &str) -> Result<RoomId, Fault> {
    RoomId::new(namespace, name).map_err(|error| Fault::new(Code::InvalidRoom, error.0))
}

fn number_name<'a>(number: i64) -> Result<Cow<'a, str>, Fault> {
    let legal = u64::try_from(number).is_ok_and(|number| number <= LARGEST);
    if legal { Ok(Cow::Owned(number.to_string())) } else { Err(illegal_number()) }
}

fn illegal_number() -> Fault {
    Fault::new(Code::InvalidRoom, "a numeric room id is an integer from 0 to 2^53-1")
}

/// A room as one client wrote it.
#[derive(Clone, Copy)]
pub(crate) struct RoomName<'a> {
    pub(crate) id: &'a RoomId,
    pub(crate) form: Form,
}

impl<'a> From<&'a RoomRef> for RoomName<'a> {
    fn from(room: &'a RoomRef) -> Self {
        Self { id: &room.id, form: room.form }
    }
}

impl Serialize for RoomName<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.form {
            // There is one lobby, and its name in the cluster is nobody's business.
            Form::Text if self.id.namespace() == Namespace::Lobby => serializer.serialize_str(LOBBY),
            Form::Text => serializer.serialize_str(self.id.name()),
            Form::Key => serializer.serialize_str(self.id.key()),
            Form::Number => match self.id.name().parse::<u64>() {
                Ok(number) => serializer.serialize_u64(number),
                Err(_) => serializer.serialize_str(self.id.name()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<RoomRef, Fault> {
        named(Some(serde_json::from_str(json).unwrap()), Namespace::Room, "rule")
    }

    #[test]
    fn a_legal_room_goes_back_as_it_came() {
        let longest = format!("\"{}\"", "x".repeat(128));
        let table = [
            ("7", "room:7", "7"),
            ("7.0", "room:7", "7"),
            ("0", "room:0", "0"),
            ("-0.0", "room:0", "0"),
            ("9007199254740991", "room:9007199254740991", "9007199254740991"),
            (r#""7""#, "room:7", r#""7""#),
            (r#""007""#, "room:007", r#""007""#),
            (r#""7.0""#, "room:7.0", r#""7.0""#),
            (r#""lobby""#, "room:lobby", r#""lobby""#),
            (r#""chat:5""#, "room:chat:5", r#""chat:5""#),
            (r#""A-z_0.9:b""#, "room:A-z_0.9:b", r#""A-z_0.9:b""#),
            (longest.as_str(), &format!("room:{}", "x".repeat(128)), &longest),
        ];
        for (json, key, back) in table {
            let room = read(json).unwrap();
            assert_eq!(room.id.key(), key, "{json}");
            assert_eq!(serde_json::to_string(&RoomName::from(&room)).unwrap(), back, "{json}");
        }
    }

    #[test]
    fn a_string_or_number_that_is_no_legal_name_is_an_invalid_room() {
        let too_long = format!("\"{}\"", "x".repeat(129));
        let table =
            ["-1", "7.5", "9007199254740992", "18446744073709551616", "1e300", r#""""#, r#"" ""#, r#""a b""#]
                .into_iter()
                .chain([r#""ä""#, r#""a/b""#, r#""a\u0000""#, r#""a\n""#, too_long.as_str()]);
        for json in table {
            assert_eq!(read(json).unwrap_err().code, Code::InvalidRoom, "{json}");
        }
    }

    #[test]
    fn a_missing_or_mistyped_room_is_an_invalid_message() {
        for json in ["null", "true", "[7]", r#"{"id":7}"#] {
            assert_eq!(read(json), Err(invalid("rule")), "{json}");
        }
        assert_eq!(named(None, Namespace::Room, "rule"), Err(invalid("rule")));
    }

    #[test]
    fn a_whole_key_is_written_where_the_client_wrote_one() {
        let room = RoomRef { id: RoomId::parse("chat:5").unwrap(), form: Form::Key };
        assert_eq!(serde_json::to_string(&RoomName::from(&room)).unwrap(), r#""chat:5""#);
    }
}
