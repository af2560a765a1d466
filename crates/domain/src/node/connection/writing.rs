//! What the client sees. Every frame goes through here, in order.

use std::sync::Arc;

use bytes::Bytes;

use super::{Connection, EARLY, PIECE};
use crate::dialect::Answer;
use crate::node::outbound::Item;
use crate::node::patience::{Over, patiently};
use crate::node::{Parcel, Transport};
use crate::words::{Event, Form, RoomId, RoomRef};

impl<T: Transport> Connection<T> {
    pub(super) async fn write(&mut self, batch: &mut Vec<Item>) -> Result<(), Over> {
        let mut written = 0;
        for item in batch.drain(..) {
            let Some(frame) = self.frame(item) else { continue };
            written += frame.len();
            self.feed(frame).await?;
            if written >= PIECE {
                written = 0;
                self.flush().await?;
            }
        }
        if batch.capacity() > 64 {
            *batch = Vec::new();
        }
        self.flush().await
    }

    fn frame(&mut self, item: Item) -> Option<Bytes> {
        match item {
            Item::Parcel(parcel) => self.admit(&parcel),
            Item::Direct(parcel) => self.direct(parcel),
            Item::Assigned => {
                self.assigned();
                None
            }
            Item::Notice(answer) => self.session.door.dialect.answer(&answer, None),
            Item::Stored(id, through) => {
                let room = RoomRef { form: self.seats.form(&id), id };
                self.session.door.dialect.answer(&Answer::Stored { room, through }, None)
            }
            Item::Enter { room, anew } => {
                if self.session.door.profile.joins.chats && self.seats.wants(&room, anew) {
                    self.summons.push_back(room);
                }
                None
            }
            Item::Expelled(room) => self.expel(room),
        }
    }

    /// Something for this connection, but never ahead of its welcome.
    fn direct(&mut self, parcel: Arc<Parcel>) -> Option<Bytes> {
        if self.session.door.profile.welcomes && !self.welcomed {
            if self.early.len() == EARLY {
                self.early.remove(0);
            }
            self.early.push(parcel);
            return None;
        }
        parcel.frame(&*self.session.door.dialect, Form::Text)
    }

    fn admit(&mut self, parcel: &Arc<Parcel>) -> Option<Bytes> {
        let form = self.seats.admit(parcel)?;
        let frame = parcel.frame(&*self.session.door.dialect, form)?;
        Some(self.placed(frame, parcel.event()))
    }

    /// The same frame, telling the client where it stands in all rooms that it must know of, if they are several.
    fn placed(&self, frame: Bytes, event: &Event) -> Bytes {
        let Some(position) = event.position() else { return frame };
        let mut places = self.seats.moved_beside(event.room());
        if places.is_empty() {
            return frame;
        }
        places.push((event.room().clone(), position));
        self.session.door.dialect.placed(&frame, &places)
    }

    fn expel(&mut self, room: RoomId) -> Option<Bytes> {
        // It may have been let in again since.
        if self.session.node.hub().has(&room, self.session.outbound.id()) {
            return None;
        }
        let form = self.seats.form(&room);
        let joined = self.lose_seat(&room);
        if self.session.door.profile.joins.chats {
            // They may have been added again, and that may have been heard before this: the directory knows.
            self.summons.push_back(room.clone());
        }
        let answer = Answer::Expelled { room: RoomRef { id: room, form } };
        joined.then(|| self.session.door.dialect.answer(&answer, None))?
    }

    pub(super) async fn say(&mut self, answer: &Answer, reference: Option<&str>) -> Result<(), Over> {
        let Some(frame) = self.session.door.dialect.answer(answer, reference) else { return Ok(()) };
        self.feed(frame).await?;
        self.flush().await
    }

    /// Shows missed events, in order.
    pub(super) async fn show(&mut self, events: Vec<Event>, form: Form) -> Result<(), Over> {
        let mut written = 0;
        for event in events {
            if let Some(frame) = self.session.door.dialect.event(&event, form) {
                let frame = self.placed(frame, &event);
                written += frame.len();
                self.feed(frame).await?;
            }
            if let Some(position) = event.position() {
                self.seats.reach(event.room(), position);
            }
            if written >= PIECE {
                written = 0;
                self.flush().await?;
            }
        }
        self.flush().await
    }

    /// Puts a frame into the transport's buffer.
    pub(super) async fn feed(&mut self, frame: Bytes) -> Result<(), Over> {
        patiently(&self.session.outbound, &self.lifetime, self.transport.feed(frame)).await
    }

    /// Writes the transport's buffer out.
    pub(super) async fn flush(&mut self) -> Result<(), Over> {
        patiently(&self.session.outbound, &self.lifetime, self.transport.flush()).await
    }
}
