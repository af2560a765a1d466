//! A world for one node: rooms in a list, a store that can be away, and a dialect of three words.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use domain::dialect::{Answer, Dialect, Misread, Request};
use domain::ports::{
    Appended, Broker, Delivery, Inbox, Located, PortError, Published, Sealer, ShardLease, Span, Store,
    StoredMessage,
};
use domain::words::{
    Author, Code, Command, Content, Draft, Entry, Event, Fault, Form, Join, Kind, MessageId, Namespace,
    Passing, Position, RoomId, RoomRef, Say, Sealed, Timestamp, Unreadable, UserId,
};

/// Everything behind a node's ports.
#[derive(Default)]
pub(crate) struct World {
    rooms: Mutex<HashMap<RoomId, Vec<Entry>>>,
    inbox: OnceLock<Arc<dyn Inbox>>,
    pub(crate) broker_is_silent: AtomicBool,
    pub(crate) store_is_away: AtomicBool,
    pub(crate) store_was_asked: AtomicUsize,
}

impl World {
    /// Puts a message into a room, as another node would.
    pub(crate) async fn say(&self, room: &str, user: UserId, text: &str) -> Published {
        let draft = Draft {
            room: RoomId::parse(room).unwrap(),
            id: MessageId::new(),
            kind: Kind::Message,
            target: None,
            author: Author { user, name: Some("Bob".into()) },
            client_id: None,
            sent_at: Timestamp(1_763_661_600_123),
            origin: None,
            body: Sealed { key: None, bytes: Content::text(text).to_bytes().into() },
        };
        self.publish(draft).await.unwrap()
    }

    fn span(&self, room: &RoomId, pick: impl Fn(&[Entry]) -> Vec<Entry>) -> Span {
        let rooms = self.rooms.lock().unwrap();
        let entries = rooms.get(room).map_or(&[][..], Vec::as_slice);
        Span {
            head: entries.last().map_or(Position::START, |entry| entry.position),
            oldest: entries.first().map(|entry| entry.position),
            entries: pick(entries),
        }
    }
}

#[async_trait]
impl Broker for World {
    async fn publish(&self, draft: Draft) -> Result<Published, PortError> {
        let mut rooms = self.rooms.lock().unwrap();
        let entries = rooms.entry(draft.room.clone()).or_default();
        let position = Position { epoch: 1, seq: entries.len() as u64 + 1 };
        let published = Published { position, id: draft.id, repeated: false };
        let entry = Entry { position, draft };
        entries.push(entry.clone());
        if let Some(inbox) = self.inbox.get() {
            inbox.deliver(Delivery::Entry(entry));
        }
        Ok(published)
    }

    async fn pass(&self, passing: Passing) -> Result<(), PortError> {
        if let Some(inbox) = self.inbox.get() {
            inbox.deliver(Delivery::Passing(passing));
        }
        Ok(())
    }

    async fn erase(&self, _room: &RoomId, _position: Position) -> Result<(), PortError> {
        Ok(())
    }

    async fn subscribe(&self, _room: &RoomId) -> Result<(), PortError> {
        Ok(())
    }

    async fn unsubscribe(&self, _room: &RoomId) -> Result<(), PortError> {
        Ok(())
    }

    async fn after(&self, room: &RoomId, after: Position, limit: usize) -> Result<Span, PortError> {
        Ok(self.span(room, |entries| {
            entries.iter().filter(|entry| entry.position > after).take(limit).cloned().collect()
        }))
    }

    async fn newest(&self, room: &RoomId, before: Option<u64>, limit: usize) -> Result<Span, PortError> {
        Ok(self.span(room, |entries| {
            let end =
                entries.partition_point(|entry| before.is_none_or(|before| entry.position.seq < before));
            entries[end.saturating_sub(limit)..end].to_vec()
        }))
    }

    fn attach(&self, inbox: Arc<dyn Inbox>) {
        assert!(self.inbox.set(inbox).is_ok(), "attached once");
    }

    fn probe_age(&self) -> Option<Duration> {
        (!self.broker_is_silent.load(Ordering::SeqCst)).then_some(Duration::from_millis(10))
    }
}

#[async_trait]
impl Store for World {
    async fn append(&self, _leases: &[ShardLease], entries: &[Entry]) -> Result<Vec<Appended>, PortError> {
        Ok(vec![Appended::Stored; entries.len()])
    }

    async fn page(
        &self,
        _room: &RoomId,
        _before: Option<u64>,
        _limit: usize,
    ) -> Result<Vec<StoredMessage>, PortError> {
        self.ready().await.map(|()| Vec::new())
    }

    async fn forward(
        &self,
        _room: &RoomId,
        _after: u64,
        _limit: usize,
    ) -> Result<Vec<StoredMessage>, PortError> {
        self.ready().await.map(|()| Vec::new())
    }

    async fn after(&self, _room: &RoomId, _after: Position, _limit: usize) -> Result<Vec<Entry>, PortError> {
        self.ready().await.map(|()| Vec::new())
    }

    async fn head(&self, _room: &RoomId) -> Result<Option<Position>, PortError> {
        Ok(None)
    }

    async fn heads(&self) -> Result<Vec<(RoomId, Position)>, PortError> {
        Ok(Vec::new())
    }

    async fn heads_of(&self, _rooms: &[RoomId]) -> Result<Vec<(RoomId, Position)>, PortError> {
        Ok(Vec::new())
    }

    async fn locate(&self, _id: MessageId) -> Result<Option<Located>, PortError> {
        Ok(None)
    }

    async fn reactions(&self, _room: &RoomId, _target: MessageId) -> Result<Vec<Entry>, PortError> {
        Ok(Vec::new())
    }

    async fn begins(&self, _broker: &str) -> Result<bool, PortError> {
        Ok(true)
    }

    async fn ready(&self) -> Result<(), PortError> {
        self.store_was_asked.fetch_add(1, Ordering::SeqCst);
        match self.store_is_away.load(Ordering::SeqCst) {
            true => Err(PortError::Unavailable("away".to_owned())),
            false => Ok(()),
        }
    }
}

impl Sealer for World {
    fn seal(&self, _room: &RoomId, _id: MessageId, plain: &[u8]) -> Sealed {
        Sealed { key: None, bytes: Bytes::copy_from_slice(plain) }
    }

    fn open(&self, _room: &RoomId, _id: MessageId, sealed: &Sealed) -> Result<Bytes, Unreadable> {
        Ok(sealed.bytes.clone())
    }
}

/// `join ROOM` and `say ROOM TEXT`; answers and events in plain words.
pub(crate) struct Words;

impl Words {
    fn request(frame: &[u8]) -> Option<Command> {
        let text = std::str::from_utf8(frame).ok()?;
        let (word, rest) = text.split_once(' ')?;
        let (room, text) = rest.split_once(' ').unwrap_or((rest, ""));
        let room = RoomRef { id: RoomId::new(Namespace::Room, room).ok()?, form: Form::Text };
        match word {
            "join" => {
                Some(Command::Join(Join { room, since: None, epoch: None, history: Some(0), alone: false }))
            }
            "say" => Some(Command::Say(Say {
                room,
                content: Content::text(text),
                uploads: Vec::new(),
                client_id: None,
            })),
            _ => None,
        }
    }
}

impl Dialect for Words {
    fn slot(&self) -> usize {
        0
    }

    fn acknowledges(&self, _reference: Option<&str>) -> bool {
        false
    }

    fn inlines_history(&self) -> bool {
        true
    }

    fn decode(&self, frame: &[u8]) -> Result<Request, Misread> {
        let wrong = Misread { fault: Fault::new(Code::InvalidMessage, "what?"), reference: None };
        Self::request(frame).map(|command| Request::new(command, None)).ok_or(wrong)
    }

    fn event(&self, event: &Event, _form: Form) -> Option<Bytes> {
        let Event::Message(message) = event else { return None };
        let text = &message.content.as_ref().ok()?.text;
        Some(format!("{} {} {}: {text}", message.position, message.room.name(), message.author.user).into())
    }

    fn answer(&self, answer: &Answer, _reference: Option<&str>) -> Option<Bytes> {
        match answer {
            Answer::Joined { room, .. } => Some(format!("joined {}", room.id.name()).into()),
            Answer::Welcome(welcome) => {
                let room = welcome.room.as_ref().map_or("nothing", |room| room.id.key());
                Some(format!("welcome {} to {room}", welcome.user).into())
            }
            Answer::Refused(fault) => Some(format!("error {}", fault.code.as_str()).into()),
            Answer::Reconnect { .. } => Some("reconnect".into()),
            _ => None,
        }
    }
}
