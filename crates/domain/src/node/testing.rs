//! Makes events for the tests of this folder.

use crate::words::{Author, Content, Event, Message, MessageId, Position, RoomId, Timestamp, UserId};

pub(super) fn message(room: &RoomId, seq: u64) -> Event {
    Event::Message(Message {
        room: room.clone(),
        position: Position { epoch: 1, seq },
        id: MessageId::new(),
        author: Author { user: UserId::text("u").unwrap(), name: None },
        client_id: None,
        sent_at: Timestamp(0),
        edited_at: None,
        deleted_at: None,
        content: Ok(Content::text("hello")),
    })
}
