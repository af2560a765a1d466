//! Events and answers to frames.

mod answer;
mod chat;
mod frame;
mod live;
mod user;

use bytes::Bytes;
use domain::words::{Announcement, Event, Form, Namespace, Position, RoomId, Sign};
use serde::Serialize;

pub(super) use answer::answer;

use crate::json::{RoomName, User};
use frame::{Outlet, SHORT};

/// An event in the vocabulary of its room, or nothing where these clients do not hear of it. Where they recover, a
/// numbered one ends with its place.
pub(super) fn event(event: &Event, form: Form, recovers: bool) -> Option<Bytes> {
    if let Event::Sign { sign: Sign::Announcement(announcement), .. } = event {
        return Some(announced(announcement));
    }
    let room = event.room();
    let place = event.position().filter(|_| recovers).map(|position| (room, position));
    let outlet = Outlet { place };
    match room.namespace() {
        Namespace::Chat => chat::event(event, form, outlet),
        Namespace::Room => live::event(event, form, outlet),
        Namespace::User => user::event(event, outlet),
        Namespace::Event | Namespace::Lobby | Namespace::Cluster => None,
    }
}

/// `announcement {message, from}`: in whatever room it is heard, and in none.
fn announced(Announcement { from, message }: &Announcement) -> Bytes {
    let said = Announced { message, from: User(from) };
    Outlet::PLAIN.event(SHORT + message.len() + message.len() / 8, "announcement", &said)
}

#[derive(Serialize)]
struct Announced<'a> {
    message: &'a str,
    from: User<'a>,
}

/// A room under the name that its vocabulary has for it.
#[derive(Serialize)]
enum Named<'a> {
    #[serde(rename = "chatId")]
    Chat(RoomName<'a>),
    #[serde(rename = "roomId")]
    Room(RoomName<'a>),
}

impl<'a> Named<'a> {
    fn new(id: &'a RoomId, form: Form) -> Self {
        let name = RoomName { id, form };
        match id.namespace() {
            Namespace::Chat => Self::Chat(name),
            Namespace::Room | Namespace::Event | Namespace::Lobby | Namespace::User | Namespace::Cluster => {
                Self::Room(name)
            }
        }
    }
}

/// Up to here and no further: a new epoch begins behind it, or everything before it is committed.
#[derive(Serialize)]
struct Mark<'a> {
    #[serde(flatten)]
    room: Named<'a>,
    epoch: u64,
    seq: u64,
}

impl<'a> Mark<'a> {
    fn new(room: &'a RoomId, form: Form, Position { epoch, seq }: Position) -> Self {
        Self { room: Named::new(room, form), epoch, seq }
    }
}
