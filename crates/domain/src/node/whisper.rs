//! Whispers as bytes. MessagePack with named fields and variants: an older node skips fields it does not know, and a
//! whisper of a kind it does not know as a whole.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::ports::Assignment;
use crate::words::{
    Announcement, Audience, Author, BookingId, EventId, MessageId, Role, RoomId, SeatChange, SeatChangeKind,
    Sign, Signal, SignalKind, Timestamp, Unreadable, UserId, Whisper,
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
    Members { members: Vec<Person>, count: u64, came: Vec<Person>, left: Vec<Person> },
    Attendance { who: Person, online: bool, users: u64 },
    Seats(Seats),
    Announcement { from: Person, message: String },
    Announce { from: Person, message: String, to: Listeners },
    Dismissed { user: Person, barred: bool },
    PutOut { room: String, user: Person, question: Uuid },
    Heard { question: Uuid },
    Readmitted { user: Person },
    Revoked { token: String },
    Assigned { user: Person, role: String, at: i64 },
    Signal { from: Person, kind: String, data: String },
    Added { room: String },
    Removed { user: Person },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Listeners {
    Everyone,
    Others,
    User(Person),
}

#[derive(Serialize, Deserialize)]
struct Seats {
    event: u64,
    version: u64,
    kind: String,
    booking: String,
    user: Person,
    available: u64,
    at: i64,
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
        Whisper::Announce { announcement: Announcement { from, message }, to } => {
            Packed::Announce { from: nameless(from), message: message.to_string(), to: listeners(to) }
        }
        Whisper::Dismissed { user, barred } => Packed::Dismissed { user: nameless(user), barred: *barred },
        Whisper::PutOut { room, user, question } => {
            Packed::PutOut { room: room.key().to_owned(), user: nameless(user), question: question.0 }
        }
        Whisper::Heard(question) => Packed::Heard { question: question.0 },
        Whisper::Readmitted(user) => Packed::Readmitted { user: nameless(user) },
        Whisper::Revoked(token) => Packed::Revoked { token: token.to_string() },
        Whisper::Assigned(Assignment { user, role, at }) => {
            Packed::Assigned { user: nameless(user), role: role.as_str().to_owned(), at: at.0 }
        }
        Whisper::Show(sign) => pack_sign(sign),
    }
}

fn pack_sign(sign: &Sign) -> Packed {
    match sign {
        Sign::Typing { who, active } => Packed::Typing { who: person(who), active: *active },
        Sign::Read { message, reader } => Packed::Read { message: message.0, reader: nameless(reader) },
        Sign::Status { who, online, last_seen } => {
            Packed::Status { who: person(who), online: *online, last_seen: last_seen.map(|at| at.0) }
        }
        Sign::Members { members, count, came, left } => Packed::Members {
            members: people(members),
            count: *count,
            came: people(came),
            left: people(left),
        },
        Sign::Attendance { who, online, users } => {
            Packed::Attendance { who: person(who), online: *online, users: *users }
        }
        Sign::Seats(change) => Packed::Seats(Seats {
            event: change.event.get(),
            version: change.version,
            kind: change.kind.as_str().to_owned(),
            booking: change.booking.as_str().to_owned(),
            user: nameless(&change.user),
            available: change.available,
            at: change.at.0,
        }),
        Sign::Announcement(Announcement { from, message }) => {
            Packed::Announcement { from: nameless(from), message: message.to_string() }
        }
        Sign::Signal(signal) => Packed::Signal {
            from: nameless(&signal.from),
            kind: signal.kind.as_str().to_owned(),
            data: signal.data.to_string(),
        },
    }
}

fn unpack(packed: Packed) -> Option<Whisper> {
    Some(match packed {
        Packed::Added { room } => Whisper::Added(RoomId::parse(&room).ok()?),
        Packed::Removed { user } => Whisper::Removed(author(user)?.user),
        Packed::Announce { from, message, to } => {
            Whisper::Announce { announcement: announcement(from, message)?, to: audience(to)? }
        }
        Packed::Dismissed { user, barred } => Whisper::Dismissed { user: author(user)?.user, barred },
        Packed::PutOut { room, user, question } => Whisper::PutOut {
            room: RoomId::parse(&room).ok()?,
            user: author(user)?.user,
            question: MessageId(question),
        },
        Packed::Heard { question } => Whisper::Heard(MessageId(question)),
        Packed::Readmitted { user } => Whisper::Readmitted(author(user)?.user),
        Packed::Revoked { token } => Whisper::Revoked(token.into()),
        Packed::Assigned { user, role, at } => {
            let (user, role) = (author(user)?.user, Role::parse(&role)?);
            Whisper::Assigned(Assignment { user, role, at: Timestamp(at) })
        }
        sign => Whisper::Show(unpack_sign(sign)?),
    })
}

fn unpack_sign(packed: Packed) -> Option<Sign> {
    Some(match packed {
        Packed::Typing { who, active } => Sign::Typing { who: author(who)?, active },
        Packed::Read { message, reader } => {
            Sign::Read { message: MessageId(message), reader: author(reader)?.user }
        }
        Packed::Status { who, online, last_seen } => {
            Sign::Status { who: author(who)?, online, last_seen: last_seen.map(Timestamp) }
        }
        Packed::Members { members, count, came, left } => {
            Sign::Members { members: authors(members)?, count, came: authors(came)?, left: authors(left)? }
        }
        Packed::Attendance { who, online, users } => Sign::Attendance { who: author(who)?, online, users },
        Packed::Seats(seats) => Sign::Seats(SeatChange {
            event: EventId::new(seats.event).ok()?,
            version: seats.version,
            kind: SeatChangeKind::parse(&seats.kind)?,
            booking: BookingId::parse(&seats.booking).ok()?,
            user: author(seats.user)?.user,
            available: seats.available,
            at: Timestamp(seats.at),
        }),
        Packed::Announcement { from, message } => Sign::Announcement(announcement(from, message)?),
        Packed::Signal { from, kind, data } => Sign::Signal(Signal {
            from: author(from)?.user,
            kind: SignalKind::parse(&kind)?,
            data: data.into(),
        }),
        Packed::Added { .. }
        | Packed::Removed { .. }
        | Packed::Announce { .. }
        | Packed::Dismissed { .. }
        | Packed::PutOut { .. }
        | Packed::Heard { .. }
        | Packed::Readmitted { .. }
        | Packed::Revoked { .. }
        | Packed::Assigned { .. } => return None,
    })
}

fn announcement(from: Person, message: String) -> Option<Announcement> {
    Some(Announcement { from: author(from)?.user, message: message.into() })
}

fn listeners(to: &Audience) -> Listeners {
    match to {
        Audience::Everyone => Listeners::Everyone,
        Audience::Others => Listeners::Others,
        Audience::User(user) => Listeners::User(nameless(user)),
    }
}

fn audience(to: Listeners) -> Option<Audience> {
    Some(match to {
        Listeners::Everyone => Audience::Everyone,
        Listeners::Others => Audience::Others,
        Listeners::User(user) => Audience::User(author(user)?.user),
    })
}

fn people(who: &[Author]) -> Vec<Person> {
    who.iter().map(person).collect()
}

fn authors(people: Vec<Person>) -> Option<Vec<Author>> {
    people.into_iter().map(author).collect()
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
        let announcement = Announcement { from: who.user.clone(), message: "hear".into() };
        let signs = [
            Sign::Typing { who: who.clone(), active: true },
            Sign::Read { message: MessageId::new(), reader: who.user.clone() },
            Sign::Status { who: who.clone(), online: false, last_seen: Some(Timestamp(5)) },
            Sign::Members { members: vec![who.clone()], count: 9, came: vec![who.clone()], left: vec![] },
            Sign::Attendance { who: who.clone(), online: true, users: 3 },
            Sign::Seats(SeatChange {
                event: EventId::new(7).unwrap(),
                version: 3,
                kind: SeatChangeKind::Cancelled,
                booking: BookingId::fresh(),
                user: who.user.clone(),
                available: 2,
                at: Timestamp(9),
            }),
            Sign::Announcement(announcement.clone()),
            Sign::Signal(signal),
        ];
        let user = who.user.clone();
        let orders = [
            Whisper::PutOut { room: room.clone(), user: who.user.clone(), question: MessageId::new() },
            Whisper::Heard(MessageId::new()),
            Whisper::Added(room),
            Whisper::Removed(who.user),
            Whisper::Announce { announcement: announcement.clone(), to: Audience::User(user.clone()) },
            Whisper::Announce { announcement, to: Audience::Others },
            Whisper::Dismissed { user: user.clone(), barred: true },
            Whisper::Readmitted(user.clone()),
            Whisper::Revoked("jti".into()),
            Whisper::Assigned(Assignment { user, role: Role::Moderator, at: Timestamp(4) }),
        ];
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
