//! Whispers as bytes. MessagePack with named fields and variants: an older node skips fields it does not know, and a
//! whisper of a kind it does not know as a whole.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::words::{
    Author, MessageId, RoomId, Sign, Signal, SignalKind, Timestamp, Unreadable, UserId, Whisper,
};

#[derive(Serialize, Deserialize)]
struct Person {
    #[serde(rename = "i")]
    id: String,
    #[serde(rename = "n", default)]
    numeric: bool,
    #[serde(rename = "s", default)]
    shown: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Packed {
    Typing { who: Person, active: bool },
    Read { message: Uuid, reader: Person },
    Status { who: Person, online: bool, last_seen: Option<i64> },
    Members { members: Vec<Person>, count: u64 },
    Signal { from: Person, kind: String, data: String },
    Added { room: String },
    Removed { user: Person },
}

/// The bytes that are sealed.
pub(super) fn to_bytes(whisper: &Whisper) -> Vec<u8> {
    rmp_serde::to_vec_named(&pack(whisper)).expect("strings, numbers and lists always encode")
}

/// Reads what another node said.
pub(super) fn from_bytes(bytes: &[u8]) -> Result<Whisper, Unreadable> {
    let packed = rmp_serde::from_slice(bytes).map_err(|_| Unreadable::Damaged)?;
    unpack(packed).ok_or(Unreadable::Damaged)
}

fn pack(whisper: &Whisper) -> Packed {
    match whisper {
        Whisper::Added(room) => Packed::Added { room: room.key().to_owned() },
        Whisper::Removed(user) => Packed::Removed { user: nameless(user) },
        Whisper::Show(Sign::Typing { who, active }) => Packed::Typing { who: person(who), active: *active },
        Whisper::Show(Sign::Read { message, reader }) => {
            Packed::Read { message: message.0, reader: nameless(reader) }
        }
        Whisper::Show(Sign::Status { who, online, last_seen }) => {
            Packed::Status { who: person(who), online: *online, last_seen: last_seen.map(|at| at.0) }
        }
        Whisper::Show(Sign::Members { members, count }) => {
            Packed::Members { members: members.iter().map(person).collect(), count: *count }
        }
        Whisper::Show(Sign::Signal(signal)) => Packed::Signal {
            from: nameless(&signal.from),
            kind: signal.kind.as_str().to_owned(),
            data: signal.data.to_string(),
        },
    }
}

fn unpack(packed: Packed) -> Option<Whisper> {
    let sign = match packed {
        Packed::Added { room } => return RoomId::parse(&room).ok().map(Whisper::Added),
        Packed::Removed { user } => return author(user).map(|who| Whisper::Removed(who.user)),
        Packed::Typing { who, active } => Sign::Typing { who: author(who)?, active },
        Packed::Read { message, reader } => {
            Sign::Read { message: MessageId(message), reader: author(reader)?.user }
        }
        Packed::Status { who, online, last_seen } => {
            Sign::Status { who: author(who)?, online, last_seen: last_seen.map(Timestamp) }
        }
        Packed::Members { members, count } => {
            Sign::Members { members: members.into_iter().map(author).collect::<Option<_>>()?, count }
        }
        Packed::Signal { from, kind, data } => Sign::Signal(Signal {
            from: author(from)?.user,
            kind: SignalKind::parse(&kind)?,
            data: data.into(),
        }),
    };
    Some(Whisper::Show(sign))
}

fn person(who: &Author) -> Person {
    Person { shown: who.name.as_deref().map(str::to_owned), ..nameless(&who.user) }
}

fn nameless(user: &UserId) -> Person {
    Person { id: user.as_str().to_owned(), numeric: user.is_numeric(), shown: None }
}

fn author(person: Person) -> Option<Author> {
    let user =
        if person.numeric { UserId::number(person.id.parse().ok()?) } else { UserId::text(&person.id) };
    Some(Author { user: user.ok()?, name: person.shown.map(Into::into) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_whisper_survives_the_way_to_another_node() {
        let who = Author { user: UserId::number(7).unwrap(), name: Some("Ann".into()) };
        let room = RoomId::parse("chat:a").unwrap();
        let signal = Signal { from: who.user.clone(), kind: SignalKind::Ice, data: "{\"a\":1}".into() };
        let signs = [
            Sign::Typing { who: who.clone(), active: true },
            Sign::Read { message: MessageId::new(), reader: who.user.clone() },
            Sign::Status { who: who.clone(), online: false, last_seen: Some(Timestamp(5)) },
            Sign::Members { members: vec![who.clone()], count: 9 },
            Sign::Signal(signal),
        ];
        let orders = [Whisper::Added(room), Whisper::Removed(who.user)];
        for whisper in signs.into_iter().map(Whisper::Show).chain(orders) {
            let there = from_bytes(&to_bytes(&whisper)).unwrap();
            assert_eq!(there, whisper);
            if let Whisper::Removed(user) = there {
                assert!(user.is_numeric(), "the type of the id is kept");
            }
        }
    }

    #[test]
    fn what_is_not_a_whisper_is_told_and_never_panics() {
        for bytes in [&b""[..], b"\xff\xff", b"\x81\xa6wonder\x80"] {
            assert_eq!(from_bytes(bytes), Err(Unreadable::Damaged));
        }
    }
}
